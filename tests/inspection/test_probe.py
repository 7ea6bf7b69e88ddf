"""What is said of servers of every kind, over real connections."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPResponseBuilder, OCSPResponseStatus
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chat.client.profile import Choice
from chat.inspection.probe import inspect
from chat.inspection.records import CERTIFICATE, SERVER_HELLO
from chat.inspection.report import Handshake, Outcome, Report
from chat.inspection.target import Target, choose_target
from chat.server.tls import TLSVersion
from tests.client.fake import FakeServer, server_tls, write_profile
from tests.inspection.servers import (
    DAY,
    Listener,
    Signed,
    falsify,
    rsa_key,
    serve_tls,
    sign,
    speak,
    tls_context,
)
from tests.inspection.test_records import handshake, record, vector
from tests.pki.networks import Network

TIMEOUT = 10.0
FULL13, RESUMED13 = ("TLS 1.3", False), ("TLS 1.3", True)
FULL12, RESUMED12 = ("TLS 1.2", False), ("TLS 1.2", True)
ROOT = sign("Root", authority=True)
MIDDLE = sign("Middle", ROOT, authority=True)
LEAF = sign("leaf", MIDDLE, names=["localhost"])


def rows(report: Report) -> dict[tuple[str, bool], Handshake]:
    return {(row.version, row.resuming): row for row in report.handshakes}


def kinds(report: Report) -> list[str]:
    return [problem.kind for problem in report.problems]


class InspectCase(SynchronousTestCase):
    def look(self, listener: Listener, timeout: float = TIMEOUT, **changes: Any) -> Report:
        self.addCleanup(listener.close)
        target = Target("127.0.0.1", listener.port, "localhost", (ROOT.certificate,), "root.crt")
        return inspect(evolve(target, **changes), timeout)

    def look_at(self, own: Signed = LEAF, *chain: Signed, **changes: Any) -> Report:
        return self.look(serve_tls(tls_context(own, *chain)), **changes)


class RoundTripTests(InspectCase):
    """RFC 8446, Figure 1 and 2.2; RFC 5246, Figures 1 and 2."""

    def trips(self, report: Report, row: tuple[str, bool]) -> tuple[object, object, object]:
        found = rows(report)[row]
        self.assertIsNone(found.failure)
        return found.round_trips_to_send, found.round_trips_to_receive, found.flights

    def test_both_versions(self) -> None:
        report = self.look_at(LEAF, MIDDLE)
        self.assertEqual(list(rows(report)), [FULL13, RESUMED13, FULL12, RESUMED12])
        # RFC 8446, 2: the client sends Finished behind the server's only flight.
        self.assertEqual(self.trips(report, FULL13), (1, 1, 3))
        self.assertEqual(self.trips(report, RESUMED13), (1, 1, 3))
        # RFC 5246, 7.3, Figure 1: "Finished" of the client, then that of the server.
        self.assertEqual(self.trips(report, FULL12), (2, 2, 4))
        # Figure 2, the abbreviated handshake: the server's Finished is the first.
        self.assertEqual(self.trips(report, RESUMED12), (1, 2, 3))

    def test_bytes(self) -> None:
        found = rows(self.look_at(LEAF, MIDDLE))
        for full, resumed in ((FULL13, RESUMED13), (FULL12, RESUMED12)):
            certificates = sum(len(one.certificate.tbs_certificate_bytes) for one in (LEAF, MIDDLE))
            self.assertGreater(found[full].bytes_received, certificates)
            saved = found[full].bytes_received - found[resumed].bytes_received
            self.assertGreater(saved, certificates)
            self.assertGreater(found[full].milliseconds, 0)

    def test_hello_retry(self) -> None:
        """RFC 8446, 2.1: a mismatch of the key shares costs a round trip."""
        context = tls_context(LEAF, MIDDLE)
        context.set_tmp_ecdh(ec.SECP384R1())
        report = self.look(serve_tls(context))
        self.assertEqual(self.trips(report, FULL13), (2, 2, 5))
        parameters = rows(report)[FULL13].parameters
        assert parameters is not None
        self.assertTrue(parameters.hello_retry)
        self.assertEqual(parameters.group, "secp384r1")
        self.assertIn("one round trip more", " ".join(report.notes))

    def test_no_tickets(self) -> None:
        context = tls_context(LEAF, MIDDLE)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        found = rows(self.look(serve_tls(context)))
        failures = [found[row].failure for row in (RESUMED13, RESUMED12)]
        # OpenSSL gives TLS 1.3 tickets all the same, and takes none back.
        self.assertEqual([one and one.kind for one in failures], ["not-resumed", "no-ticket"])

    def test_session_ids(self) -> None:
        """RFC 5246, 7.3: a session that the server keeps resumes without a ticket."""
        context = tls_context(LEAF, MIDDLE)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
        report = self.look(serve_tls(context))
        self.assertEqual(self.trips(report, RESUMED12), (1, 2, 3))
        parameters = rows(report)[FULL12].parameters
        assert parameters is not None
        self.assertEqual((parameters.tickets, parameters.session_id), ((), True))

    def test_refused_version(self) -> None:
        for version, refused in ((SSL.TLS1_2_VERSION, FULL13), (SSL.TLS1_3_VERSION, FULL12)):
            context = tls_context(LEAF, MIDDLE)
            context.set_min_proto_version(version)
            context.set_max_proto_version(version)
            report = self.look(serve_tls(context))
            self.assertEqual(report.outcome, Outcome.VERIFIED)
            failure = rows(report)[refused].failure
            assert failure is not None
            self.assertIn("the alert 'protocol version'", failure.text)
            self.assertEqual(len(report.handshakes), 3)


class ParameterTests(InspectCase):
    def test_ecdsa(self) -> None:
        found = rows(self.look_at(LEAF, MIDDLE))
        first, second = found[FULL13].parameters, found[FULL12].parameters
        assert first is not None
        assert second is not None
        self.assertEqual(first.signature, "ecdsa_secp256r1_sha256")
        self.assertEqual(second.signature, "ecdsa_sha256")
        self.assertTrue(first.forward_secrecy)
        self.assertTrue(second.forward_secrecy)
        self.assertEqual([ticket.early_data for ticket in first.tickets], [0, 0])
        self.assertEqual(len(second.tickets), 1)
        self.assertGreater(second.tickets[0].lifetime, 0)
        self.assertEqual((second.compression, second.secure_renegotiation), (False, True))
        self.assertEqual((first.compression, first.secure_renegotiation), (None, None))

    def test_every_cipher_of_tls13_can_be_read(self) -> None:
        for suite in (b"TLS_AES_128_GCM_SHA256", b"TLS_CHACHA20_POLY1305_SHA256"):
            context = tls_context(LEAF, MIDDLE)
            context.set_tls13_ciphersuites(suite)
            parameters = rows(self.look(serve_tls(context)))[FULL13].parameters
            assert parameters is not None
            self.assertEqual(parameters.cipher, suite.decode())
            self.assertEqual(len(parameters.tickets), 2)

    def test_no_forward_secrecy(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], key=rsa_key())
        context = tls_context(own)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(b"AES256-GCM-SHA384")
        report = self.look(serve_tls(context))
        parameters = rows(report)[FULL12].parameters
        assert parameters is not None
        self.assertFalse(parameters.forward_secrecy)
        self.assertIn("RSA key exchange", parameters.forward_secrecy_reason)
        self.assertIn("TLS 1.2 has no forward secrecy", report.notes[0])

    def test_stapled(self) -> None:
        context = tls_context(LEAF, MIDDLE)
        answer = OCSPResponseBuilder.build_unsuccessful(OCSPResponseStatus.TRY_LATER)
        staple = answer.public_bytes(Encoding.DER)
        context.set_ocsp_server_callback(lambda connection, data: staple)
        found = rows(self.look(serve_tls(context)))
        for row in (FULL13, FULL12):
            parameters = found[row].parameters
            assert parameters is not None
            self.assertTrue(parameters.stapled_ocsp, row)

    def test_alpn(self) -> None:
        context = tls_context(LEAF, MIDDLE)
        context.set_alpn_select_callback(lambda connection, offered: b"h2")
        self.assertRegex(self.look(serve_tls(context)).alpn or "", "the server chooses h2$")


class VerdictTests(InspectCase):
    def test_verified(self) -> None:
        report = self.look_at(LEAF, MIDDLE)
        self.assertEqual((report.outcome, report.problems), (Outcome.VERIFIED, ()))
        own, above = report.chain
        self.assertEqual(
            (own.subject, own.issuer, own.names), ("CN=leaf", "CN=Middle", ("localhost",))
        )
        self.assertEqual((own.key, own.signature), ("ECDSA secp256r1", "ecdsa with sha256"))
        self.assertEqual((own.days_left, own.matches_next), (89, True))
        self.assertEqual(own.extended_key_usage, ("server auth",))
        self.assertTrue(above.is_authority)

    def test_expired(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], start=-9 * DAY, end=-DAY)
        report = self.look_at(own)
        self.assertEqual(kinds(report), ["expired"])
        self.assertEqual(report.chain[0].days_left, -2)

    def test_not_yet_valid(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], start=DAY)
        self.assertEqual(kinds(self.look_at(own)), ["not-yet-valid"])

    def test_self_signed(self) -> None:
        self.assertEqual(kinds(self.look_at(sign("me", names=["localhost"]))), ["self-signed"])

    def test_unknown_authority(self) -> None:
        other = sign("Other", authority=True)
        own = sign("leaf", other, names=["localhost"])
        self.assertEqual(kinds(self.look_at(own, other)), ["unknown-authority"])
        self.assertEqual(kinds(self.look_at(LEAF, MIDDLE, authorities=None)), ["unknown-authority"])

    def test_missing_intermediate(self) -> None:
        report = self.look_at(LEAF)
        self.assertEqual(kinds(report), ["missing-intermediate"])
        self.assertIn("CN=Middle", report.problems[0].text)

    def test_wrong_name(self) -> None:
        report = self.look_at(LEAF, MIDDLE, name="chat.example")
        self.assertEqual(kinds(report), ["wrong-name"])
        self.assertIn("its certificate is for localhost", report.problems[0].text)
        nameless = self.look_at(sign("localhost", ROOT))
        self.assertIn("for nobody", nameless.problems[0].text)

    def test_wrong_purpose(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        self.assertEqual(kinds(self.look_at(own)), ["wrong-purpose"])

    def test_not_an_authority(self) -> None:
        own = sign("leaf", LEAF, names=["localhost"])
        self.assertIn("not-an-authority", kinds(self.look_at(own, LEAF, MIDDLE)))

    def test_weak_key(self) -> None:
        own = sign("leaf", ROOT, names=["localhost"], key=rsa_key(1024))
        report = self.look_at(own)
        self.assertEqual(kinds(report), ["weak-key"])
        self.assertIn("RSA 1024 bits", report.problems[0].text)

    def test_several(self) -> None:
        own = sign("me", names=["elsewhere"], start=-9 * DAY, end=-DAY)
        self.assertEqual(kinds(self.look_at(own)), ["self-signed", "expired", "wrong-name"])

    def test_remarks(self) -> None:
        own = sign("leaf", MIDDLE, names=["localhost"], end=timedelta(days=3, hours=1))
        notes = " ".join(self.look_at(own, ROOT, MIDDLE).notes)
        self.assertIn("expires in 3 days", notes)
        self.assertIn("out of order", notes)
        self.assertIn("root authority too", " ".join(self.look_at(LEAF, MIDDLE, ROOT).notes))


class NoTLSTests(InspectCase):
    def assertFails(self, listener: Listener, kind: str, words: str) -> Report:
        report = self.look(listener, timeout=0.3 if kind == "silent" else TIMEOUT)
        self.assertEqual(report.outcome, Outcome.NO_HANDSHAKE)
        self.assertEqual(kinds(report), [kind])
        self.assertRegex(report.problems[0].text, words)
        self.assertEqual(report.chain, ())
        return report

    def test_http(self) -> None:
        answer = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        report = self.assertFails(speak(answer), "not-tls", "speaks HTTP without TLS, not TLS")
        self.assertEqual(len(report.handshakes), 1)

    def test_ssh(self) -> None:
        self.assertFails(speak(b"SSH-2.0-OpenSSH_9.2\r\n"), "not-tls", "speaks SSH, not TLS")

    def test_plain_text(self) -> None:
        listener = speak(b":irc.test NOTICE * :hello\r\n")
        self.assertFails(listener, "not-tls", "plain text, not TLS: ':irc.test NOTICE")

    def test_bytes(self) -> None:
        self.assertFails(speak(b"\x00\x1b[2J"), "not-tls", "something that is not TLS$")

    def test_silent(self) -> None:
        def wait(plug: socket.socket) -> None:
            while plug.recv(4096):
                pass

        self.assertFails(Listener(wait), "silent", "then is silent for 0.3 s$")

    def test_trickling(self) -> None:
        """The deadline is that of the whole handshake, not of the next byte."""

        def trickle(plug: socket.socket) -> None:
            plug.sendall(b"\x16\x03\x03\x40\x00\x02")
            for _ in range(500):
                plug.sendall(b"\0")
                time.sleep(0.02)

        self.assertFails(Listener(trickle), "silent", "not finish its handshake within 0.3 s$")

    def test_closed_in_the_middle(self) -> None:
        self.assertFails(speak(b"\x16\x03\x03"), "closed", "after a part of its handshake")

    def test_hangs_up(self) -> None:
        self.assertFails(speak(b""), "closed", "closes the connection without a word")

    def test_alert(self) -> None:
        """RFC 8446, 6.2: 40 is handshake_failure."""
        alert = b"\x15\x03\x03\x00\x02\x02\x28"
        self.assertFails(speak(alert), "alert", "the alert 'handshake failure'")

    def test_nonsense_in_records(self) -> None:
        self.assertFails(
            speak(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), "incompatible", "OpenSSL breaks"
        )

    def test_nobody_listens(self) -> None:
        listener = speak(b"")
        target = Target("127.0.0.1", listener.port, "localhost")
        listener.close()
        report = inspect(target, TIMEOUT)
        self.assertEqual(report.outcome, Outcome.UNREACHABLE)
        self.assertIn("nobody listens at 127.0.0.1", report.problems[0].text)
        self.assertIsNone(report.reached)


class UnprovenTests(InspectCase):
    """A certificate is public: who presents it is not yet who it is for."""

    def test_bad_signature(self) -> None:
        context = tls_context(LEAF, MIDDLE)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        server = serve_tls(context)
        self.addCleanup(server.close)
        report = self.look(falsify(server))
        self.assertEqual((report.outcome, kinds(report)), (Outcome.NOT_VERIFIED, ["unproven"]))

    def test_version_that_was_not_offered(self) -> None:
        """A ServerHello of TLS 1.0 and a certificate that OpenSSL never looked at."""
        hello = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
        der = LEAF.certificate.public_bytes(Encoding.DER)
        chain = vector(3, vector(3, der))
        report = self.look(
            speak(record(22, handshake(SERVER_HELLO, hello) + handshake(CERTIFICATE, chain)))
        )
        self.assertEqual(report.outcome, Outcome.NO_HANDSHAKE)
        self.assertEqual(report.chain, ())


class ClientCertificateTests(InspectCase):
    def serve(self, version: int, flags: int = SSL.VERIFY_FAIL_IF_NO_PEER_CERT) -> Listener:
        context = tls_context(LEAF, MIDDLE)
        context.set_max_proto_version(version)
        context.set_verify(SSL.VERIFY_PEER | flags, lambda *_: True)
        context.add_client_ca(ROOT.certificate)
        return serve_tls(context)

    def test_tls13_refuses_behind_the_handshake(self) -> None:
        """RFC 8446, 4.4.2.4: the server aborts with "certificate_required"."""
        report = self.look(self.serve(SSL.TLS1_3_VERSION))
        self.assertEqual(report.outcome, Outcome.VERIFIED)
        client = report.client_certificate
        assert client is not None
        self.assertEqual((client.asked, client.authorities), (True, ("CN=Root",)))
        self.assertIsNone(client.presented)
        self.assertIn("'certificate required'", client.answer)

    def test_tls12_refuses_within_it(self) -> None:
        """RFC 5246, 7.4.6: "the server MAY at its discretion ... handshake_failure"."""
        report = self.look(self.serve(SSL.TLS1_2_VERSION))
        self.assertEqual(report.outcome, Outcome.VERIFIED)
        self.assertEqual(len(report.chain), 2)
        parameters = rows(report)[FULL12].parameters
        assert parameters is not None
        self.assertEqual(parameters.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384")
        client = report.client_certificate
        assert client is not None
        self.assertEqual((client.asked, client.authorities), (True, ("CN=Root",)))
        self.assertIn("'handshake failure'", client.answer)

    def test_optional(self) -> None:
        for version in (SSL.TLS1_3_VERSION, SSL.TLS1_2_VERSION):
            client = self.look(self.serve(version, 0)).client_certificate
            assert client is not None
            self.assertEqual((client.asked, client.answer), (True, "the server goes on"))

    def test_presented(self) -> None:
        own = sign("somebody", ROOT, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        report = self.look(
            self.serve(SSL.TLS1_3_VERSION), certificates=(own.certificate,), key=own.key
        )
        client = report.client_certificate
        assert client is not None
        self.assertEqual((client.presented, client.answer), ("CN=somebody", "the server goes on"))

    def test_not_asked(self) -> None:
        client = self.look_at(LEAF, MIDDLE).client_certificate
        assert client is not None
        self.assertFalse(client.asked)


class OwnServerTests(TestCase):
    """This project's server: TLS 1.3 only, and nobody without a certificate."""

    async def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()).absolute())
        server = FakeServer()
        self.port = await server.listen(reactor, server_tls(self.network, TLSVersion.TLS13))
        self.addCleanup(server.stop, reactor)

    async def look(self, **choice: Any) -> Report:
        target = choose_target(Choice(**choice), None)
        return await deferToThread(inspect, target, TIMEOUT)

    async def test_with_a_profile(self) -> None:
        profile = write_profile(self.network, self.network.device(), self.port)
        report = await self.look(directory=str(profile))
        self.assertEqual((report.outcome, report.problems), (Outcome.VERIFIED, ()))
        self.assertEqual(report.name, "localhost")
        client = report.client_certificate
        assert client is not None
        self.assertEqual((client.asked, client.authorities), (True, ()))
        self.assertEqual((client.presented, client.answer), ("CN=alice", "the server goes on"))
        self.assertIn("'certificate required'", client.answer_to_none or "")
        self.assertRegex(report.alpn or "", "the server chooses irc$")
        found = rows(report)
        self.assertEqual(found[FULL13].round_trips_to_send, 1)
        # Who has to be authenticated first hears nothing before that.
        self.assertEqual(found[FULL13].round_trips_to_receive, 2)
        failure = found[FULL12].failure
        assert failure is not None
        self.assertIn("'protocol version'", failure.text)

    async def test_as_a_stranger(self) -> None:
        report = await self.look(
            host=f"localhost:{self.port}", authority=self.network.layout.root_certificate
        )
        self.assertEqual((report.outcome, report.problems), (Outcome.VERIFIED, ()))
        client = report.client_certificate
        assert client is not None
        self.assertIn("'certificate required'", client.answer)

    async def test_who_trusts_others(self) -> None:
        report = await self.look(host=f"localhost:{self.port}")
        self.assertEqual(kinds(report), ["unknown-authority"])
        self.assertIn("the authorities of this system", report.problems[0].text)
