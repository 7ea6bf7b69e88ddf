"""The protocol's deadlines and back-pressure, with a clock and a transport in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import define
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import ClientEvent, Disconnected, Registered, Secured, Writable
from chat.client.protocol import REGISTRATION_DEADLINE, SILENCE, ClientProtocol
from chat.client.registration import Identity
from chat.client.state import ClientState
from chat.client.tls import ClientTLS, Credentials
from chat.irc.message import Message

END = datetime(2030, 1, 1, tzinfo=UTC)


@define
class Handle:
    not_valid_after_utc = END

    def get_peer_certificate(self, as_cryptography: bool) -> Handle:
        return self

    was_cut = False

    def get_session(self) -> None:
        return None

    def get_protocol_version_name(self) -> str:
        return "TLSv1.3"

    def get_cipher_name(self) -> str:
        return "CIPHER"


class SecureTransport(StringTransport):
    """A transport in memory that looks like one over TLS."""

    def getHandle(self) -> Handle:
        return Handle()


class ProtocolTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[ClientEvent] = []
        tls = ClientTLS(Credentials((), None, (), "ca.crt"), "localhost")
        state = ClientState(Identity("alice", "alice", "Alice"))
        self.protocol = ClientProtocol(state, self.events.append, self.clock, tls, "there:1")
        self.transport: Any = SecureTransport()
        self.protocol.makeConnection(self.transport)
        self.protocol.handshakeCompleted()

    def welcome(self) -> None:
        self.protocol.dataReceived(b":s 001 alice :Hi\r\n")
        self.transport.clear()
        self.events.clear()

    def test_secured_only_with_the_welcome(self) -> None:
        self.assertEqual(self.transport.value()[:12], b"CAP LS 302\r\n")
        self.protocol.dataReceived(b":s NOTICE * :Looking up\r\n")
        self.events.clear()
        self.protocol.dataReceived(b":s 001 ali")
        self.protocol.dataReceived(b"ce :Hi\n")
        secured = Secured("there:1", "localhost", "TLSv1.3", "CIPHER", END, None)
        self.assertEqual(self.events, [secured, Registered("alice", None)])

    def test_no_welcome(self) -> None:
        self.clock.advance(REGISTRATION_DEADLINE)
        self.assertEqual(self.events, [Disconnected("the server did not welcome us within 30 s")])
        self.assertTrue(self.transport.disconnected)

    def test_silence(self) -> None:
        """A PING after some silence; an answer to it is not told; then we give up."""
        self.welcome()
        self.clock.advance(SILENCE)
        self.assertEqual(self.transport.value(), b"PING keepalive\r\n")
        self.protocol.dataReceived(b":s PONG s keepalive\r\n")
        self.clock.advance(SILENCE)
        self.assertEqual(self.events, [])
        self.clock.advance(SILENCE)
        self.assertEqual(self.events, [Disconnected("the server has been silent for 180 s")])

    def test_back_pressure(self) -> None:
        """What is sent while the transport is full waits, in order."""
        self.welcome()
        outlet = self.transport.producer
        outlet.pauseProducing()
        self.protocol.send(Message("PRIVMSG", ("#lab", "one")))
        self.protocol.send(Message("QUIT"))
        self.assertEqual(self.transport.value(), b"")
        outlet.resumeProducing()
        self.assertEqual(self.transport.value(), b"PRIVMSG #lab one\r\nQUIT\r\n")
        self.assertEqual([self.events[0], self.events[-1]], [Writable(False), Writable(True)])

    def test_what_is_no_message_is_passed_over(self) -> None:
        self.welcome()
        self.protocol.dataReceived(b"\xff\xfe\x00\r\n\r\n@\r\n:x\r\n" + b"A" * 600 + b"\r\n")
        self.assertEqual(self.events, [])
        self.assertFalse(self.transport.disconnecting)

    def test_endless_line(self) -> None:
        self.welcome()
        self.protocol.dataReceived(b"A" * 20_000)
        self.assertTrue(self.transport.disconnected)
        self.assertEqual(len(self.events), 1)

    def test_why_it_is_gone(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))
        text = "the server closed the connection before it welcomed us"
        self.assertEqual(self.events, [Disconnected(text)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost_after_the_welcome(self) -> None:
        self.welcome()
        self.protocol.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.events, [Disconnected("the connection was lost")])
