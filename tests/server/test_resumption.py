"""Sessions that are resumed: who gets in with a ticket, and who does not any more."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import inlineCallbacks

from chat.pki.authority import make_issuing
from chat.pki.bundles import to_pem
from chat.pki.enrolment import JOIN, RENEW
from chat.pki.files import read_certificates, write_files
from chat.pki.lists import read_lists
from chat.pki.revocation import LIFETIME, first_list, next_list
from chat.server.tls import ALPN_HTTP, ALPN_IRC, TICKET_LIFETIME, ServerTLS, TLSVersion
from tests.pki.networks import Network, now
from tests.server.test_tls import TLS12, SocketCase, TLSCase
from tests.server.tls_peers import GREETING, meet, server

TLS13 = (SSL.TLS1_3_VERSION, SSL.TLS1_3_VERSION)


def retire(network: Network) -> None:
    """Have another issuing authority trusted in place of the one there is, on disk."""
    layout, root = network.layout, network.root
    issuing = make_issuing(root, now())
    authorities = to_pem(issuing.certificate) + to_pem(root.certificate)
    pem = first_list(issuing, now()).pem
    write_files({layout.authorities: authorities, layout.revocations: pem}, replace=True)


class ResumptionCase(TLSCase):
    def setUp(self) -> None:
        super().setUp()
        self.restart()

    def restart(self) -> None:
        """Have another network, and its server."""
        self.network = Network.make(Path(self.mktemp()))
        self.tls = server(self.network.layout, TLSVersion.TLS12, resumes=True)
        self.files = self.network.device()

    def ticket(self, tls: ServerTLS | None = None, **client: Any) -> SSL.Connection:
        """Connect, and return what the client can come back with."""
        meeting = meet(tls or self.tls, self.files, **client)
        self.assertEqual((meeting.refusal, meeting.server.resumed), ("", False))
        return meeting.handle


class ResumeTests(ResumptionCase):
    def test_resumes(self) -> None:
        for versions in (TLS12, TLS13):
            ticket = self.ticket(versions=versions)
            for _ in range(2):
                meeting = meet(self.tls, self.files, versions=versions, resuming=ticket)
                self.assertTrue(meeting.server.resumed)
                self.assertEqual(meeting.server.identity, "alice/laptop")
                self.assertEqual(meeting.client.received, GREETING)
                ticket = meeting.handle

    def test_off(self) -> None:
        tls = server(self.network.layout, TLSVersion.TLS12)
        for versions in (TLS12, TLS13):
            ticket = self.ticket(tls, versions=versions)
            meeting = meet(tls, self.files, versions=versions, resuming=ticket)
            self.assertFalse(meeting.server.resumed)
            self.assertEqual(meeting.client.received, GREETING)

    def test_lifetime(self) -> None:
        """RFC 8446, 4.6.1: a server "MUST NOT use any value greater than" seven days."""
        self.assertEqual(self.tls.credentials.context.get_timeout(), TICKET_LIFETIME)
        self.assertLessEqual(TICKET_LIFETIME, 3600)

    def test_other_keys(self) -> None:
        """A ticket from before a rotation or a reload is a full handshake, and no error."""
        for change in (self.tls.rotate_ticket_keys, lambda: self.tls.reload(now())):
            for versions in (TLS12, TLS13):
                ticket = self.ticket(versions=versions)
                change()
                meeting = meet(self.tls, self.files, versions=versions, resuming=ticket)
                self.assertFalse(meeting.server.resumed)
                self.assertEqual(meeting.client.received, GREETING)

    def test_rotation_leaves_all_else(self) -> None:
        before = self.tls.credentials
        self.tls.rotate_ticket_keys()
        after = self.tls.credentials
        self.assertIsNot(after.context, before.context)
        self.assertEqual(after.revocations, before.revocations)


class RefuseTests(ResumptionCase):
    """What a full handshake refuses, a ticket does not bring in, and the words are the same."""

    def assertRefused(self, words: str, **options: Any) -> None:
        meeting = meet(self.tls, self.files, **options)
        self.assertRegex(meeting.refusal, words)
        self.assertEqual((meeting.server.identity, meeting.client.received), ("", b""))

    def _revoke(self) -> None:
        self.network.revoke(read_certificates(self.files.combined)[0].serial_number)
        self.tls.reload(now())

    def _retire(self) -> None:
        retire(self.network)
        self.tls.reload(now())

    def _let_the_list_end(self) -> None:
        then = now() - LIFETIME - timedelta(days=1)
        stale = next_list(self.network.issuing, read_lists(self.network.layout).lists[0], then)
        write_files({self.network.layout.revocations: stale.pem}, replace=True)
        self.tls.reload(then)

    def test_changed_before_the_connection(self) -> None:
        ticket = self.ticket()
        self._revoke()
        self.assertRefused("the certificate of alice/laptop is revoked", resuming=ticket)

    def test_changed_before_the_handshake(self) -> None:
        """The context of a connection is the one of when it was accepted, with its tickets."""
        for change, words in (
            (self._revoke, "the certificate of alice/laptop is revoked"),
            (self._let_the_list_end, "this server's revocation list is out of date"),
            (self._retire, "its certificate is of an unknown authority"),
        ):
            for versions in (TLS12, TLS13):
                self.restart()
                ticket = self.ticket(versions=versions)
                meeting = meet(
                    self.tls, self.files, versions=versions, resuming=ticket, accepted=change
                )
                self.assertTrue(meeting.server.resumed)
                self.assertRegex(meeting.refusal, f"^{words}")
                self.assertEqual(meeting.client.received, b"")

    def test_full_handshake_with_what_was_in_force(self) -> None:
        """The same holds without a ticket."""
        self.assertRefused("^its certificate is of an unknown authority$", accepted=self._retire)

    def test_expired(self) -> None:
        later = now() + timedelta(days=31)
        words = "the certificate of alice/laptop expired on"
        self.assertRefused(words, resuming=self.ticket(), clock=lambda: later)

    def test_web(self) -> None:
        """IRC and WebSocket let the same people in: RFC 7301, 3.1, for a resumed session:

        "only the values in the new handshake messages are considered".
        """
        ticket = self.ticket(alpn=(ALPN_IRC,))
        meeting = meet(self.tls, self.files, web=True, alpn=(ALPN_HTTP,), resuming=ticket)
        self.assertEqual((meeting.server.resumed, meeting.server.alpn), (True, ALPN_HTTP))


class EnrolmentTests(ResumptionCase):
    """Who came for a certificate comes back with a full handshake."""

    def setUp(self) -> None:
        super().setUp()
        self.tls.enrols = True

    def test_tickets_of_enrolments_are_not_taken(self) -> None:
        for purpose in (JOIN, RENEW):
            for then in ((ALPN_IRC,), (), (RENEW,)):
                before = meet(self.tls, self.files, alpn=(purpose,))
                self.assertEqual(before.server.alpn, purpose)
                meeting = meet(self.tls, self.files, alpn=then, resuming=before.handle)
                self.assertEqual(meeting.server.identity, "alice/laptop")
                self.assertFalse(meeting.server.resumed, (purpose, then))

    def test_nobody_gets_in_without_a_certificate(self) -> None:
        before = meet(self.tls, None, alpn=(JOIN,))
        self.assertEqual(before.server.alpn, JOIN)
        for then in ((ALPN_IRC,), (), (RENEW,)):
            meeting = meet(self.tls, None, alpn=then, resuming=before.handle)
            self.assertEqual(meeting.refusal, "it presented no certificate")
            self.assertEqual(meeting.client.received, b"")


class ToolTests(SocketCase):
    """The same over a socket, with the operating system's own openssl."""

    @inlineCallbacks
    def _twice(
        self, version: str, between: Callable[[], None] = lambda: None, *, resumes: bool = True
    ) -> Generator[Any, Any, tuple[bytes, str]]:
        """Return what openssl prints when it comes back, and why it was refused."""
        port = self.listen(TLSVersion.TLS12, resumes=resumes)
        self.files = self.network.device()
        session = Path(self.mktemp())
        options = (version, "-ign_eof", "-sess_out", str(session))
        output, _ = yield self.s_client(port, self.files, *options)
        self.assertIn(b"001 you", output)
        between()
        options = (version, "-ign_eof", *(("-sess_in", str(session)) if session.exists() else ()))
        result = yield self.s_client(port, self.files, *options)
        return result  # type: ignore[no-any-return]

    @inlineCallbacks
    def test_resumes(self) -> Generator[Any, Any, None]:
        for version in ("-tls1_2", "-tls1_3"):
            output, _ = yield self._twice(version)
            self.assertIn(b"\nReused, TLSv1", output)
            self.assertIn(b"001 you", output)

    @inlineCallbacks
    def test_off(self) -> Generator[Any, Any, None]:
        for version in ("-tls1_2", "-tls1_3"):
            output, _ = yield self._twice(version, resumes=False)
            self.assertIn(b"\nNew, TLSv1", output)
            self.assertIn(b"001 you", output)

    @inlineCallbacks
    def test_no_early_data(self) -> Generator[Any, Any, None]:
        output, _ = yield self._twice("-tls1_3")
        self.assertIn(b"Early data was not sent", output)
        self.assertIn(b"Max Early Data: 0", output)

    @inlineCallbacks
    def test_revoked(self) -> Generator[Any, Any, None]:
        def revoke() -> None:
            self.network.revoke(self._serial(self.files))
            self.above.tls.reload(now())

        for version in ("-tls1_2", "-tls1_3"):
            output, refusal = yield self._twice(version, revoke)
            self.assertEqual(refusal, "the certificate of alice/laptop is revoked")
            self.assertIn(b"alert certificate revoked", output)
            self.assertNotIn(b"001 you", output)

    @inlineCallbacks
    def test_retired_authority(self) -> Generator[Any, Any, None]:
        def change() -> None:
            retire(self.network)
            self.above.tls.reload(now())

        output, refusal = yield self._twice("-tls1_3", change)
        # openssl sends the authority that is not trusted any more.
        self.assertEqual(refusal, "there is no revocation list of its certificate's authority")
        self.assertNotIn(b"001 you", output)

    @inlineCallbacks
    def test_expired(self) -> Generator[Any, Any, None]:
        def expire() -> None:
            self.above.clock = lambda: now() + timedelta(days=31)

        output, refusal = yield self._twice("-tls1_3", expire)
        self.assertRegex(refusal, "the certificate of alice/laptop expired on")
        self.assertNotIn(b"001 you", output)
