"""Who gets in over TLS, and what the log says of who does not."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase

from chat.pki.authority import Authority, Identity, issue_device, new_key
from chat.pki.bundles import DeviceFiles
from chat.pki.errors import PkiError, RevocationError
from chat.pki.files import write_files
from chat.pki.keys import encode_key
from chat.pki.revocation import RevocationList, next_list
from chat.server.listening import listen_tls
from chat.server.refusals import PeerRefusedError, explain_failure
from chat.server.tls import ALPN_HTTP, ALPN_IRC, TLSVersion
from tests.pki.networks import ALICE, Network, now
from tests.server.tls_peers import GREETING, GreeterFactory, meet, server

TLS12 = (SSL.TLS1_2_VERSION, SSL.TLS1_2_VERSION)
TLS11 = (SSL.TLS1_1_VERSION, SSL.TLS1_1_VERSION)
#: Without it OpenSSL itself offers nothing older than TLS 1.2.
OLD_CIPHERS = b"ALL:@SECLEVEL=0"


class TLSCase(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))

    def _self_signed(self) -> DeviceFiles:
        key = new_key()
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), 1)
            .not_valid_before(now() - timedelta(hours=1))
            .not_valid_after(now() + timedelta(hours=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ALICE.uri)]), False
            )
            .sign(key, SHA256())
        )
        return self.network.save(ALICE, certificate, key, certificate)

    def _server_as_client(self) -> DeviceFiles:
        layout = self.network.layout
        files = DeviceFiles(layout.directory / "devices", Identity("server", "x"))
        pem = layout.server_certificate.read_bytes() + layout.server_key.read_bytes()
        write_files({files.combined: pem})
        return files

    def _signed_by_a_leaf(self) -> DeviceFiles:
        key, inner = new_key(), new_key()
        leaf = issue_device(self.network.issuing, key.public_key(), ALICE, now())
        forged = issue_device(Authority(leaf, key), inner.public_key(), ALICE, now())
        return self.network.save(ALICE, forged, inner, leaf)

    def _serial(self, files: DeviceFiles) -> int:
        certificate = x509.load_pem_x509_certificate(files.path(".crt").read_bytes())
        return certificate.serial_number

    def assertRefused(self, files: DeviceFiles | None, words: str, **client: Any) -> None:
        meeting = meet(server(self.network.layout), files, **client)
        self.assertRegex(meeting.refusal, f"^{words}$")
        self.assertEqual((meeting.client.received, meeting.server.identity), (b"", ""))
        assert meeting.client.reason is not None


class AcceptTests(TLSCase):
    def test_device(self) -> None:
        meeting = meet(server(self.network.layout), self.network.device())
        self.assertEqual(meeting.server.identity, "alice/laptop")
        self.assertEqual(meeting.client.received, GREETING)
        self.assertEqual(meeting.server.version, "TLSv1.3")

    def test_leaf_alone(self) -> None:
        """WeeChat sends the first certificate of its file only."""
        files = self.network.device()
        alone = DeviceFiles(files.directory / "alone", files.identity)
        pem = files.path(".crt").read_bytes() + files.path(".key").read_bytes()
        write_files({alone.combined: pem})
        self.assertEqual(meet(server(self.network.layout), alone).server.identity, "alice/laptop")

    def test_sends_no_root(self) -> None:
        meeting = meet(server(self.network.layout), self.network.device())
        chain = meeting.handle.get_peer_cert_chain(as_cryptography=True)
        assert chain is not None
        self.assertEqual(len(chain), 2)
        self.assertEqual(chain[1], self.network.issuing.certificate)

    def test_names_no_authority_to_strangers(self) -> None:
        meeting = meet(server(self.network.layout))
        self.assertEqual(meeting.handle.get_client_ca_list(), [])

    def test_alpn(self) -> None:
        """RFC 7301, section 3.2: the server selects one protocol of the list, or none."""
        files = self.network.device()
        tls = server(self.network.layout)
        self.assertEqual(meet(tls, files, alpn=(b"h2", ALPN_IRC)).server.alpn, b"irc")
        other = meet(tls, files, alpn=(b"h2",))
        self.assertIsNone(other.server.alpn)
        self.assertEqual(other.client.received, GREETING)
        self.assertIsNone(meet(tls, files).server.alpn)

    def test_alpn_of_a_browser(self) -> None:
        """A listener has one protocol: what is meant for one is not taken by the other."""
        files = self.network.device()
        tls = server(self.network.layout)
        for web, chosen in {True: ALPN_HTTP, False: ALPN_IRC}.items():
            meeting = meet(tls, files, web=web, alpn=(ALPN_HTTP, ALPN_IRC))
            self.assertEqual(meeting.server.alpn, chosen)
        self.assertIsNone(meet(tls, files, alpn=(ALPN_HTTP,)).server.alpn)

    def test_tls12_when_configured(self) -> None:
        tls = server(self.network.layout, TLSVersion.TLS12)
        files = self.network.device()
        for cipher in (b"ECDHE-ECDSA-AES128-GCM-SHA256", b"ECDHE-ECDSA-CHACHA20-POLY1305"):
            meeting = meet(tls, files, versions=TLS12, ciphers=cipher)
            self.assertEqual(meeting.server.identity, "alice/laptop")
            self.assertEqual(meeting.server.version, "TLSv1.2")
            self.assertEqual(meeting.server.cipher, cipher.decode())


class RefuseTests(TLSCase):
    def test_no_certificate(self) -> None:
        self.assertRefused(None, "it presented no certificate")

    def test_self_signed(self) -> None:
        self.assertRefused(self._self_signed(), "its certificate is self-signed")

    def test_other_authority(self) -> None:
        other = Network.make(Path(self.mktemp()), "Other")
        self.assertRefused(other.device(), "its certificate is of an unknown authority")

    def test_same_name_authority(self) -> None:
        twin = Network.make(Path(self.mktemp()))
        self.assertRefused(twin.device(), "its certificate is of an unknown authority")

    def test_expired(self) -> None:
        files = self.network.device(at=now() - timedelta(days=2), lifetime=timedelta(days=1))
        self.assertRefused(files, r"the certificate of alice/laptop expired on \S+ \S+ UTC")

    def test_not_yet_valid(self) -> None:
        files = self.network.device(at=now() + timedelta(days=1))
        words = r"the certificate of alice/laptop is not valid before \S+ \S+ UTC"
        self.assertRefused(files, words)

    def test_revoked(self) -> None:
        files = self.network.device()
        self.network.revoke(self._serial(files))
        self.assertRefused(files, "the certificate of alice/laptop is revoked")

    def test_server_certificate(self) -> None:
        words = "its certificate has the wrong purpose, it is not a client's"
        self.assertRefused(self._server_as_client(), words)

    def test_leaf_as_authority(self) -> None:
        words = "its certificate was signed by one that is no authority"
        self.assertRefused(self._signed_by_a_leaf(), words)

    def test_tls12(self) -> None:
        self.assertRefused(self.network.device(), "its TLS version is too old", versions=TLS12)

    def test_tls11_when_12_is_configured(self) -> None:
        tls = server(self.network.layout, TLSVersion.TLS12)
        meeting = meet(tls, self.network.device(), versions=TLS11, ciphers=OLD_CIPHERS)
        self.assertEqual(meeting.refusal, "its TLS version is too old")

    def test_tls12_without_forward_secrecy_or_aead(self) -> None:
        tls = server(self.network.layout, TLSVersion.TLS12)
        for cipher in (
            b"ECDHE-ECDSA-AES256-SHA384",
            b"AES256-GCM-SHA384",
            b"ECDHE-ECDSA-AES128-SHA",
        ):
            meeting = meet(tls, self.network.device(), versions=TLS12, ciphers=cipher)
            self.assertEqual(meeting.refusal, "it offers no cipher that is accepted here", cipher)

    def test_signed_by_the_root(self) -> None:
        """The root's leaves are on no list: nobody could revoke them."""
        words = "there is no revocation list of its certificate's authority"
        self.assertRefused(self.network.device(issuing=self.network.root), words)


class PeerIdentityTests(TLSCase):
    """What the handshake found good is checked again when it has completed."""

    def setUp(self) -> None:
        super().setUp()
        self.tls = server(self.network.layout)
        self.files = self.network.device()

    def test_expired_since(self) -> None:
        meeting = meet(self.tls, self.files, clock=lambda: now() + timedelta(days=31))
        self.assertRegex(meeting.refusal, "the certificate of alice/laptop expired on")
        self.assertEqual(meeting.client.received, b"")

    def test_revoked_since(self) -> None:
        certificate = x509.load_pem_x509_certificate(self.files.path(".crt").read_bytes())
        self.assertEqual(self.tls.peer_identity(certificate, now()), ALICE)
        self.network.revoke(self._serial(self.files))
        self.tls.reload(now())
        with self.assertRaisesRegex(PeerRefusedError, "alice/laptop is revoked"):
            self.tls.peer_identity(certificate, now())

    def test_nobodys(self) -> None:
        with self.assertRaisesRegex(PeerRefusedError, "names no account and device"):
            self.tls.peer_identity(self.network.issuing.certificate, now())

    def test_no_purpose(self) -> None:
        """OpenSSL takes a certificate without EKU for any purpose; we do not."""
        certificate = x509.load_pem_x509_certificate(self._self_signed().path(".crt").read_bytes())
        with self.assertRaisesRegex(PeerRefusedError, "wrong purpose"):
            self.tls.peer_identity(certificate, now())


class ReloadTests(TLSCase):
    def setUp(self) -> None:
        super().setUp()
        self.tls = server(self.network.layout)
        self.files = self.network.device()
        self.layout = self.network.layout

    def _replace(self, path: Path, content: bytes) -> None:
        write_files({path: content}, replace=True)

    def _list(self) -> RevocationList:
        pem = self.layout.revocations.read_bytes()
        return RevocationList.parse(pem, [self.network.issuing.certificate])

    def assertKept(self, error: type[Exception], words: str) -> None:
        before = self.tls.credentials
        with self.assertRaisesRegex(error, words):
            self.tls.reload(now())
        self.assertIs(self.tls.credentials, before)
        self.assertEqual(meet(self.tls, self.files).server.identity, "alice/laptop")

    def test_new_list_is_in_force(self) -> None:
        self.assertEqual(meet(self.tls, self.files).server.identity, "alice/laptop")
        self.network.revoke(self._serial(self.files))
        self.tls.reload(now())
        refusal = meet(self.tls, self.files).refusal
        self.assertEqual(refusal, "the certificate of alice/laptop is revoked")

    def test_stale_list(self) -> None:
        stale = next_list(self.network.issuing, self._list(), now() - timedelta(days=8))
        self._replace(self.layout.revocations, stale.pem)
        self.assertKept(RevocationError, r"revocations.pem: .* ended on .*: run securechat cert")

    def test_older_list(self) -> None:
        old = self.layout.revocations.read_bytes()
        self.network.revoke(4711)
        self.tls.reload(now())
        self._replace(self.layout.revocations, old)
        self.assertKept(RevocationError, "number 1, older than 2")

    def test_foreign_list(self) -> None:
        twin = Network.make(Path(self.mktemp()))
        self._replace(self.layout.revocations, twin.layout.revocations.read_bytes())
        self.assertKept(RevocationError, "not signed by the network's authority")

    def test_garbage(self) -> None:
        for path in (
            self.layout.revocations,
            self.layout.server_certificate,
            self.layout.authorities,
            self.layout.server_key,
        ):
            good = path.read_bytes()
            self._replace(path, b"no PEM\n")
            self.assertKept(PkiError, path.name)
            self._replace(path, good)

    def test_missing(self) -> None:
        self.layout.revocations.unlink()
        self.assertKept(OSError, "revocations.pem")

    def test_other_key(self) -> None:
        self._replace(self.layout.server_key, encode_key(new_key(), None))
        self.assertKept(PkiError, "is not the key of")

    def test_readable_key(self) -> None:
        self.layout.server_key.chmod(0o640)
        self.assertKept(PkiError, "others can read .*server.key .mode 0640.: run chmod 600")

    def test_expired_server(self) -> None:
        with self.assertRaisesRegex(PkiError, "server.crt expired on"):
            self.tls.reload(now() + timedelta(days=91))

    def test_session_survives(self) -> None:
        """Connections of the old context go on; only new ones see the new files."""
        meeting = meet(self.tls, self.files)
        self.network.revoke(self._serial(self.files))
        self.tls.reload(now())
        self.assertIsNone(meeting.client.reason)


class ExplainTests(TestCase):
    def _explain(self, *reasons: str) -> str:
        queue = [("SSL routines", "", reason) for reason in reasons]
        return explain_failure(None, Failure(SSL.Error(queue)))

    def test_alert(self) -> None:
        self.assertEqual(
            self._explain("tlsv1 alert unknown ca"), "it refused this server: unknown ca"
        )

    def test_unforeseen(self) -> None:
        self.assertEqual(self._explain("Bad Length"), "the handshake failed: bad length")
        self.assertEqual(self._explain(), "it hung up during the handshake")

    def test_refused(self) -> None:
        self.assertEqual(explain_failure(None, Failure(PeerRefusedError("revoked"))), "revoked")


class SocketCase(TLSCase):
    """A listening port, and what its server noted of its first client."""

    def listen(self, minimum: TLSVersion = TLSVersion.TLS13, *, resumes: bool = False) -> int:
        tls = server(self.network.layout, minimum, resumes=resumes)
        self.above = GreeterFactory(tls, closes=True)
        port = listen_tls(0, self.above, tls, "127.0.0.1", reactor)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    @inlineCallbacks
    def s_client(
        self, port: int, files: DeviceFiles | None, *options: str
    ) -> Generator[Any, Any, tuple[bytes, str]]:
        openssl = shutil.which("openssl")
        if openssl is None:
            raise SkipTest("needs openssl")
        arguments = ["s_client", "-connect", f"127.0.0.1:{port}", "-verify_return_error"]
        arguments += ["-CAfile", str(self.network.layout.root_certificate)]
        arguments += ["-verify_ip", "127.0.0.1", *options]
        if files is not None:
            pem = str(files.combined)
            arguments += ["-cert", pem, "-cert_chain", pem, "-key", pem]
        output, errors, _ = yield getProcessOutputAndValue(openssl, arguments, os.environ)
        greeter = self.above.made[-1]
        refusal = yield greeter.ended
        return output + errors, refusal


class NotTLSTests(SocketCase):
    """What else comes to an open port."""

    @inlineCallbacks
    def _send(self, payload: bytes) -> Generator[Any, Any, str]:
        port = self.listen()

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(payload)
                client.shutdown(socket.SHUT_WR)
                answer = b""
                while data := client.recv(4096):
                    answer += data
                return answer

        answer = yield deferToThread(talk)
        self.assertNotIn(b"001", answer)
        refusal = yield self.above.made[0].ended
        return refusal  # type: ignore[no-any-return]

    @inlineCallbacks
    def test_http(self) -> Generator[Any, Any, None]:
        refusal = yield self._send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(refusal, "it speaks HTTP, not TLS")

    @inlineCallbacks
    def test_irc(self) -> Generator[Any, Any, None]:
        refusal = yield self._send(b"NICK alice\r\nUSER alice 0 * :Alice\r\n")
        self.assertEqual(refusal, "it does not speak TLS")

    @inlineCallbacks
    def test_noise(self) -> Generator[Any, Any, None]:
        refusal = yield self._send(b"\x00\xff" * 400)
        self.assertEqual(refusal, "it does not speak TLS")

    @inlineCallbacks
    def test_nothing(self) -> Generator[Any, Any, None]:
        refusal = yield self._send(b"")
        self.assertEqual(refusal, "it hung up during the handshake")

    @inlineCallbacks
    def test_half_a_handshake(self) -> Generator[Any, Any, None]:
        refusal = yield self._send(b"\x16\x03\x01\x02\x00\x01\x00")
        self.assertEqual(refusal, "it hung up during the handshake")


class ToolTests(SocketCase):
    """The same over a socket, with the operating system's own openssl and gnutls-cli."""

    @inlineCallbacks
    def _refused(
        self, files: DeviceFiles | None, words: str, *options: str
    ) -> Generator[Any, Any, bytes]:
        output, refusal = yield self.s_client(self.listen(), files, *options)
        self.assertRegex(refusal, words)
        self.assertNotIn(b"001 you", output)
        return output  # type: ignore[no-any-return]

    @inlineCallbacks
    def test_accepted(self) -> Generator[Any, Any, None]:
        output, refusal = yield self.s_client(
            self.listen(), self.network.device(), "-ign_eof", "-alpn", "irc"
        )
        self.assertEqual(refusal, "")
        self.assertIn(b"001 you", output)
        self.assertIn(b"ALPN protocol: irc", output)

    @inlineCallbacks
    def test_key_exchanges(self) -> Generator[Any, Any, None]:
        """Those of Mozilla's profile "modern", and no other that OpenSSL has."""
        files = self.network.device()
        for groups in ("X25519", "P-256", "P-384"):
            _, refusal = yield self.s_client(self.listen(), files, "-groups", groups)
            self.assertEqual(refusal, "")
        for groups in ("X448", "P-521", "ffdhe2048"):
            _, refusal = yield self.s_client(self.listen(), files, "-groups", groups)
            self.assertEqual(refusal, "it offers no key exchange that is accepted here")

    @inlineCallbacks
    def test_refused(self) -> Generator[Any, Any, None]:
        yield self._refused(None, "no certificate")
        yield self._refused(self._self_signed(), "self-signed")
        yield self._refused(
            Network.make(Path(self.mktemp()), "Other").device(), "unknown authority"
        )
        yield self._refused(Network.make(Path(self.mktemp())).device(), "unknown authority")
        old = self.network.device(at=now() - timedelta(days=2), lifetime=timedelta(days=1))
        yield self._refused(old, "expired on")
        yield self._refused(self.network.device(at=now() + timedelta(days=1)), "not valid before")
        yield self._refused(self._server_as_client(), "wrong purpose")
        yield self._refused(self._signed_by_a_leaf(), "no authority")

    @inlineCallbacks
    def test_revoked(self) -> Generator[Any, Any, None]:
        files = self.network.device()
        self.network.revoke(self._serial(files))
        output = yield self._refused(files, "alice/laptop is revoked", "-ign_eof")
        self.assertIn(b"alert certificate revoked", output)

    @inlineCallbacks
    def test_tls12(self) -> Generator[Any, Any, None]:
        yield self._refused(self.network.device(), "TLS version is too old", "-tls1_2")

    @inlineCallbacks
    def test_gnutls(self) -> Generator[Any, Any, None]:
        """WeeChat's library presents the certificate though no authority is named."""
        gnutls = shutil.which("gnutls-cli")
        if gnutls is None:
            raise SkipTest("needs gnutls-cli")
        pem = str(self.network.device().combined)
        arguments = ["--x509cafile", str(self.network.layout.root_certificate)]
        arguments += ["--x509certfile", pem, "--x509keyfile", pem]
        arguments += ["-p", str(self.listen()), "localhost"]
        output, _, _ = yield getProcessOutputAndValue(gnutls, arguments, os.environ)
        self.assertIn(b"The certificate is trusted", output)
        self.assertIn(b"001 you", output)
