"""A running server while its authority is looked after."""

from __future__ import annotations

import ssl

from twisted.trial.unittest import TestCase

from chat.pki.files import read_certificates
from tests.live.irc import IRC, ConnectionEndedError
from tests.support.servers import Device, Server, make_home, securechat


class AuthorityTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.alice = self.home.device("alice")
        self.bob = self.home.device("bob")
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def connect(self, device: Device) -> IRC:
        client = IRC.login(self.server.port, device)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, device: Device, why: str) -> None:
        # In TLS 1.3 the client's own handshake succeeds: the refusal comes with the first read.
        with self.assertRaises((ConnectionEndedError, ssl.SSLError, OSError)):
            IRC(self.server.port, device).expect("anything")
        self.server.wait_for_log(f"Refused 127.0.0.1: {why}")

    def test_rotation(self) -> None:
        """Nobody is cut off; old and new certificates get in; in the end only new ones."""
        alice = self.connect(self.alice)
        securechat("ca", "move-root", self.home.directory / "stick", "--dir", self.home.directory)
        securechat(
            "ca", "rotate-issuing", "--root", self.home.directory / "stick",
            "--dir", self.home.directory,
        )  # fmt: skip
        (current, *_) = read_certificates(self.home.authority.layout.issuing_certificate)
        phone = self.home.device("bob", "phone")
        self.assertEqual(read_certificates(phone.pem)[1], current)
        self.connect(self.bob).send("JOIN #lab")
        bob = self.connect(phone)
        bob.send("PRIVMSG alice :hello from the new one")
        alice.expect(r"bob!\S+ PRIVMSG alice :hello from the new one")
        bob.exchange()
        earlier = securechat("ca", "retire", "--dir", self.home.directory).split()[0]
        securechat("ca", "retire", earlier, "--force", "--dir", self.home.directory)
        alice.expect("ERROR :The authority of your certificate is no longer trusted here$")
        alice.read_to_end()
        self.assertEqual(bob.exchange(), [])
        self.assert_refused(
            self.alice, "there is no revocation list of its certificate's authority"
        )
