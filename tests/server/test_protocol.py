"""The protocol of one connection, without TLS and with the clock in the test's hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from chat.network.events import MessageSent, NodeStarted
from chat.server.protocol import ChatProtocol
from tests.server.doubles import LIMITS, ConnectionCase, TLSTransport, certificate
from tests.support.world import FEATURES


class ProtocolCase(ConnectionCase):
    def connect(self, host: str = "192.0.2.1") -> ChatProtocol:
        protocol = self.factory.buildProtocol(SimpleNamespace(host=host))
        assert protocol is not None
        protocol.makeConnection(TLSTransport(certificate()))
        return protocol

    def register(self, nick: str) -> ChatProtocol:
        protocol = self.connect()
        protocol.handshakeCompleted()
        protocol.dataReceived(f"NICK {nick}\r\nUSER {nick} 0 * :x\r\n".encode())
        self.clock.advance(0)
        self.assertIn(b" 001 ", protocol.transport.value())
        protocol.transport.clear()
        protocol.transport.writes.clear()
        return protocol


class HandshakeTests(ProtocolCase):
    def test_nothing_before_the_handshake(self) -> None:
        protocol = self.connect()
        self.clock.advance(1)
        self.assertEqual(protocol.transport.value(), b"")
        self.assertEqual(self.hub.connections, {})

    def test_time_out(self) -> None:
        protocol = self.connect()
        self.clock.advance(LIMITS.handshake_timeout)
        self.assertTrue(protocol.transport.is_aborted)
        self.lose(protocol)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused_identity(self) -> None:
        self.tls.refuses = "the certificate of alice/laptop is revoked"
        seen: list[dict[str, Any]] = []
        protocol = self.connect()
        protocol.connection._log = SimpleNamespace(info=lambda text, **fields: seen.append(fields))
        protocol.handshakeCompleted()
        self.lose(protocol)
        self.assertTrue(protocol.transport.is_aborted)
        self.assertEqual(protocol.transport.value(), b"")
        self.assertEqual(seen, [{"host": "192.0.2.1", "why": self.tls.refuses}])

    def test_half_open_connections_of_an_address(self) -> None:
        first, *_ = [self.connect() for _ in range(LIMITS.half_open_per_address)]
        self.assertIsNone(self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1")))
        self.connect("192.0.2.2")
        first.handshakeCompleted()
        self.assertIsNone(self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1")))
        first.dataReceived(b"NICK a\r\nUSER a 0 * :x\r\n")
        self.connect()
        self.lose(first)
        self.assertIsNone(self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1")))

    def test_connections_of_an_address(self) -> None:
        clients = [self.register(f"c{number}") for number in range(5)]
        self.assertIsNone(self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1")))
        self.lose(clients[0])
        self.connect()

    def test_ipv6_hosts_do_not_begin_with_a_colon(self) -> None:
        protocol = self.factory.buildProtocol(SimpleNamespace(host="::1"))
        assert protocol is not None
        self.assertEqual(protocol.connection._host, "0::1")


class TimeTests(ProtocolCase):
    def test_registration_time_out(self) -> None:
        protocol = self.connect()
        protocol.handshakeCompleted()
        for _ in range(int(LIMITS.registration_timeout) - 1):
            protocol.dataReceived(b"PING x\r\n")
            self.clock.advance(1)
        protocol.transport.clear()
        self.clock.advance(1)
        self.clock.advance(0)
        self.assertEqual(protocol.transport.value(), b"ERROR :Registration timed out\r\n")
        self.assertTrue(protocol.transport.disconnecting)

    def test_ping(self) -> None:
        protocol = self.register("alice")
        self.clock.advance(LIMITS.ping_interval)
        self.clock.advance(0)
        self.assertEqual(protocol.transport.value(), b"PING irc.test\r\n")
        protocol.dataReceived(b"PONG irc.test\r\n")
        protocol.transport.clear()
        self.clock.advance(LIMITS.ping_timeout)
        self.assertEqual(protocol.transport.value(), b"")
        self.clock.advance(LIMITS.ping_interval - LIMITS.ping_timeout)
        self.clock.advance(LIMITS.ping_timeout)
        self.clock.advance(0)
        self.assertIn(b"ERROR :Ping timeout: 60 seconds\r\n", protocol.transport.value())

    def test_who_is_not_read_is_not_given_up(self) -> None:
        """A PONG that this server does not read is no PONG that the client did not send."""
        alice, late = self.register("alice"), self.connect()
        late.handshakeCompleted()
        self.hub.brake.set_crowded(True)
        alice.dataReceived(b"AWAY :x\r\nPING x\r\n")
        late.dataReceived(b"NICK late\r\nUSER late 0 * :x\r\n")
        self.assertEqual(alice.transport.producerState, "paused")
        self.clock.pump([LIMITS.ping_interval, *[LIMITS.ping_timeout - 1] * 5])
        self.assertEqual(alice.transport.value(), b"PING irc.test\r\n")
        self.hub.brake.set_crowded(False)
        self.clock.advance(0)
        self.assertEqual(alice.transport.producerState, "producing")
        self.clock.advance(LIMITS.ping_timeout - 1)
        alice.dataReceived(b"PONG irc.test\r\n")
        self.clock.advance(LIMITS.ping_timeout)
        self.assertNotIn(b"ERROR", alice.transport.value())
        self.assertIn(b" 306 ", alice.transport.value())
        self.assertIn(b" 001 late ", late.transport.value())

    def test_who_does_not_read_the_last_lines_is_cut(self) -> None:
        protocol = self.register("alice")
        protocol.transport.producer.pauseProducing()
        protocol.dataReceived(b"QUIT\r\n")
        self.assertFalse(protocol.transport.disconnecting)
        self.clock.advance(3)
        self.assertTrue(protocol.transport.is_aborted)

    def test_a_client_that_hangs_up_before_its_quit_is_stored(self) -> None:
        """A transport that is gone has nothing to abort: Twisted raises AttributeError."""
        protocol = self.register("alice")
        self.log.hold = True
        protocol.dataReceived(b"QUIT\r\n")
        self.lose(protocol)
        protocol.transport.clear()
        self.log.commit()
        self.clock.advance(0)
        self.clock.advance(10)
        self.assertFalse(protocol.transport.is_aborted)
        self.assertEqual(protocol.transport.value(), b"")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_is_left_behind(self) -> None:
        protocol = self.register("alice")
        self.lose(protocol)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.hub.connections, {})
        self.assertEqual(self.hub.network.clients, {})


class InputTests(ProtocolCase):
    def test_any_cut_of_the_bytes(self) -> None:
        """A character of several bytes survives a cut in its middle."""
        protocol = self.register("alice")
        for byte in "PING :\N{SNOWMAN}\r\nPING b\n".encode():
            protocol.dataReceived(bytes([byte]))
        self.clock.advance(0)
        self.assertEqual(
            protocol.transport.value().decode(),
            ":irc.test PONG irc.test \N{SNOWMAN}\r\n:irc.test PONG irc.test b\r\n",
        )

    def test_endless_line(self) -> None:
        protocol = self.register("alice")
        for _ in range(100):
            protocol.dataReceived(b"x" * 1000)
        protocol.dataReceived(b"\r\nPING a\r\n")
        self.clock.advance(0)
        self.assertEqual(
            protocol.transport.value(),
            b":irc.test 417 alice :Input line was too long\r\n:irc.test PONG irc.test a\r\n",
        )
        self.assertLess(len(protocol._buffer), 10_000)

    def test_no_more_is_read_while_too_much_waits(self) -> None:
        protocol = self.register("alice")
        self.log.hold = True
        protocol.dataReceived(b"JOIN #a\r\n" + b"PING x\r\n" * 20)
        self.assertEqual(protocol.transport.producerState, "paused")
        self.log.hold = False
        self.log.commit()
        self.clock.advance(0)
        self.assertEqual(protocol.transport.producerState, "producing")
        self.assertEqual(protocol.transport.value().count(b"PONG"), 20)


class OutputTests(ProtocolCase):
    def test_one_write_per_turn(self) -> None:
        alice, bob = self.register("alice"), self.register("bob")
        for protocol in (alice, bob):
            protocol.dataReceived(b"JOIN #room\r\n")
        self.clock.advance(0)
        bob.transport.writes.clear()
        alice.dataReceived(b"PRIVMSG #room :x\r\n" * 10)
        self.assertEqual(bob.transport.writes, [])
        self.clock.advance(0)
        self.assertEqual(len(bob.transport.writes), 1)
        self.assertEqual(bob.transport.writes[0].count(b"\r\n"), 10)

    def test_a_slow_reader_is_bounded(self) -> None:
        alice, bob = self.register("alice"), self.register("bob")
        bob.transport.producer.pauseProducing()
        alice.dataReceived(b"PRIVMSG bob :%b\r\n" % (b"x" * 400) * 5)
        self.clock.advance(0)
        self.assertEqual(bob.transport.writes, [])
        bob.transport.producer.resumeProducing()
        self.assertEqual(bob.transport.value().count(b"\r\n"), 5)
        bob.transport.producer.pauseProducing()
        alice.dataReceived(b"PRIVMSG bob :%b\r\n" % (b"x" * 400) * 20)
        self.assertTrue(bob.transport.is_aborted)
        self.assertIsNone(self.hub.network.client("bob"))

    def test_same_capabilities_are_rendered_once(self) -> None:
        clients = [self.register(f"c{number}") for number in range(5)]
        clients[0].dataReceived(b"CAP REQ server-time\r\n")
        for protocol in clients:
            protocol.dataReceived(b"JOIN #room\r\n")
        calls = []
        renderers = dict(FEATURES.renderers)
        shown = renderers[MessageSent]
        renderers[MessageSent] = lambda viewer, event: calls.append(viewer) or shown(viewer, event)
        self.hub.features = evolve(FEATURES, renderers=renderers)
        clients[1].dataReceived(b"PRIVMSG #room :x\r\n")
        self.assertEqual(len(calls), 2)


class LogTests(ProtocolCase):
    def test_every_entry_has_an_id_of_its_own(self) -> None:
        ids = {self.hub.stamp(NodeStarted("irc.test")).uid for _ in range(1000)}
        self.assertEqual(len(ids), 1000)
        for uid in ids:
            self.assertRegex(uid, "^[A-Za-z0-9_-]{22}$")

    def test_a_second_server_on_the_same_log_ends_this_one(self) -> None:
        ended: list[str] = []
        self.hub.replaced = lambda: ended.append("ended")
        own = self.hub.stamp(NodeStarted("irc.test"))
        self.hub.started = own.uid
        alice = self.register("alice")
        self.hub.apply([own])
        self.assertEqual(ended, [])
        self.hub.apply([self.hub.stamp(NodeStarted("irc.test"))])
        self.assertEqual(ended, ["ended"])
        alice.dataReceived(b"PING still\r\n")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_an_internal_fault_is_logged_and_does_not_end_the_session(self) -> None:
        protocol = self.register("alice")

        def broken(entries: object, *, deadline: object) -> Deferred[None]:
            return Deferred.fromCoroutine(self._raise())

        self.log.append = broken
        protocol.dataReceived(b"JOIN #a\r\n")
        self.clock.advance(0)
        self.assertIn(b" 400 alice JOIN ", protocol.transport.value())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def _raise(self) -> None:
        raise ZeroDivisionError
