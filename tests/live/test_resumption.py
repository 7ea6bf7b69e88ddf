"""A running server that gives tickets: for IRC only, and behind a reload no more."""

from __future__ import annotations

import json
import signal
import socket
import ssl

from twisted.trial.unittest import TestCase

from chat.pki import enrolment
from tests.support.servers import PATIENCE, Server, make_home, securechat, until

TLS = """\
certificate = "keys/server.crt"
key = "keys/server.key"
authority = "keys/ca.crt"
revocations = "keys/revocations.pem"
resumption = true
"""


class ResumptionTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(tls=TLS)
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        device = self.home.device("alice")
        self.context = ssl.create_default_context(cafile=str(device.ca))
        self.context.load_cert_chain(device.pem)

    def connect(
        self, alpn: bytes, say: bytes, session: ssl.SSLSession | None = None
    ) -> tuple[ssl.SSLSocket, bytes]:
        """Return a connection, and the first that the server says on it."""
        self.context.set_alpn_protocols([alpn.decode()])
        tcp = socket.create_connection(("127.0.0.1", self.server.port), PATIENCE)
        self.addCleanup(tcp.close)
        line = self.context.wrap_socket(tcp, server_hostname="localhost", session=session)
        self.addCleanup(line.close)
        line.sendall(say)
        return line, line.recv(4096)

    def irc(self, session: ssl.SSLSession | None = None) -> tuple[ssl.SSLSession, bool]:
        """Return what a connection of IRC is resumed with, and whether it was itself."""
        line, said = self.connect(b"irc", b"CAP LS 302\r\n", session)
        self.assertIn(b" CAP * LS ", said)
        assert line.session is not None
        return line.session, bool(line.session_reused)

    def reload(self) -> None:
        assert self.server.process is not None
        before = self.server.log().count("was read again")
        self.server.process.send_signal(signal.SIGHUP)
        until(
            lambda: self.server.log().count("was read again") > before, "the files are read again"
        )

    def test_irc(self) -> None:
        session, resumed = self.irc()
        self.assertFalse(resumed)
        session, resumed = self.irc(session)
        self.assertTrue(resumed)
        self.assertTrue(self.irc(session)[1])

    def test_no_certificate_for_a_ticket(self) -> None:
        """Nothing in a resumed handshake proves that the client has its certificate's key."""
        session, _ = self.irc()
        for purpose in (enrolment.JOIN, enrolment.RENEW):
            line, said = self.connect(purpose, b"", session)
            self.assertTrue(line.session_reused)
            self.assertIn("with a resumed session", json.loads(said)["text"])
        self.server.wait_for_log("it came for a certificate with a resumed session")

    def test_no_irc_for_a_ticket_of_an_enrolment(self) -> None:
        """Who comes with a code has no certificate, and a ticket of that is good for nothing."""
        self.context = ssl.create_default_context(cafile=str(self.home.device("alice").ca))
        line, said = self.connect(enrolment.JOIN, b"")
        self.assertIn(b"authority", said)
        for purpose in (b"irc", enrolment.RENEW):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.connect(purpose, b"CAP LS 302\r\n", line.session)
        until(
            lambda: self.server.log().count("it presented no certificate") == 2, "the log says so"
        )

    def test_retired_authority(self) -> None:
        session, _ = self.irc()
        directory = ("--dir", self.home.directory)
        securechat("ca", "rotate-issuing", *directory)
        self.reload()
        session, resumed = self.irc(session)
        self.assertFalse(resumed)
        securechat("ca", "retire", "--force", *directory)
        self.reload()
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect(b"irc", b"CAP LS 302\r\n", session)
        self.server.wait_for_log("there is no revocation list of its certificate's authority")
