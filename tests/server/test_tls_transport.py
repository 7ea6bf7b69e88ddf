"""The transport on its sockets: what is partly sent, what waits, and how connections end."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IHandshakeListener,
    ILoggingContext,
    INegotiated,
    IPushProducer,
    IReadWriteDescriptor,
    ISSLTransport,
    ISystemHandle,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from chat.server.tls import TLSVersion
from chat.server.tls_transport import TRANSITIONS, Phase, TLSTransport
from tests.pki.networks import Network
from tests.server.tls_peers import server
from tests.support.sockets import SocketReactor

#: Seconds after which what should happen at once has gone wrong.
PATIENCE = 20.0
#: More than the kernel takes for a client that does not read.
BURST = bytes(range(256)) * 4096


@implementer(IHandshakeListener)
class Recorder(Protocol):
    """Notes what happens, and echoes nothing."""

    def __init__(self) -> None:
        self.received = b""
        self.handshakes = 0
        self.failures: list[Failure] = []

    def handshakeCompleted(self) -> None:
        self.handshakes += 1

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure) -> None:
        self.failures.append(reason)

    @property
    def reasons(self) -> list[type[BaseException] | None]:
        return [failure.type for failure in self.failures]


@implementer(IPushProducer)
class Producer:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


class Pulled(Producer):
    """Writes a little each time that it is asked, some times."""

    def __init__(self, transport: TLSTransport, times: int) -> None:
        super().__init__()
        self.transport = transport
        self.times = times

    def resumeProducing(self) -> None:
        self.times -= 1
        self.transport.write(b"%d." % self.times)
        if not self.times:
            self.transport.unregisterProducer()
            self.transport.loseConnection()


class TransportCase(SynchronousTestCase):
    """``self.end`` is the client's socket, below the standard library's TLS in ``self.client``."""

    minimum = TLSVersion.TLS12

    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.tls = server(self.network.layout, self.minimum)
        self.reactor = SocketReactor()
        self.protocol = Recorder()
        self.accept()

    def accept(self) -> None:
        """Have a new client, whose handshake has not begun."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.end = socket.create_connection(listening.getsockname())
            accepted, peer = listening.accept()
        self.addCleanup(self.end.close)
        self.addCleanup(accepted.close)
        # Little, so that a megabyte does not fit.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        for each in (accepted, self.end):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        handle = self.tls.accept(accepted)
        self.transport = TLSTransport(accepted, handle, self.protocol, peer, self.reactor)
        self.protocol.makeConnection(self.transport)

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(self.network.device().combined)
        return context

    def connect(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """Make the handshake, and return the client, which does not block."""
        self.end.setblocking(False)
        self.client = (context or self.context()).wrap_socket(
            self.end, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        self.addCleanup(self.client.close)
        self.until(lambda: self._is_over(self.client.do_handshake))
        self.until(lambda: self.transport.phase is not Phase.HANDSHAKE)
        return self.client

    def _is_over(self, call: Any) -> bool:
        try:
            call()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    def turns(self) -> None:
        """Let the server do what it can."""
        while self.reactor.turn():
            pass

    def until(self, condition: Callable[[], object]) -> None:
        """Let the server do something until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, "in vain")
            self.reactor.turn(0.01)

    def read(self, count: int) -> bytes:
        """Return what the client reads, at least ``count`` bytes of it."""
        found = bytearray()

        def is_enough() -> bool:
            with contextlib.suppress(ssl.SSLWantReadError):
                while len(found) < count:
                    data = self.client.recv(65_536)
                    self.assertNotEqual(data, b"", "the end came first")
                    found.extend(data)
            return len(found) >= count

        self.until(is_enough)
        return bytes(found)

    def reset(self) -> None:
        """Have the client go as one that crashed."""
        self.end = socket.socket(fileno=self.client.detach())
        self.end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end.close()

    def send_noise(self) -> None:
        """Send a record that nobody encrypted."""
        self.end = socket.socket(fileno=self.client.detach())
        self.addCleanup(self.end.close)
        self.end.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)

    def reason(self) -> type[BaseException] | None:
        """Return why the connection was lost, once it is."""
        self.until(lambda: self.protocol.reasons)
        self.turns()
        (reason,) = self.protocol.reasons
        return reason

    def write_past_the_socket(self) -> None:
        """Leave the transport with more than the socket takes."""
        self.transport.write(BURST)
        self.turns()
        self.assertIn(self.transport, self.reactor.writers)


class InterfaceTests(TransportCase):
    def test_twisteds(self) -> None:
        for interface in (
            ITCPTransport,
            ISSLTransport,
            INegotiated,
            IConsumer,
            IPushProducer,
            IReadWriteDescriptor,
            ISystemHandle,
            ILoggingContext,
        ):
            verifyObject(interface, self.transport)

    def test_addresses_and_options(self) -> None:
        self.assertEqual(self.transport.getPeer().port, self.end.getsockname()[1])
        self.assertEqual(self.transport.getHost().port, self.end.getpeername()[1])
        for set_it, get_it in (
            (self.transport.setTcpNoDelay, self.transport.getTcpNoDelay),
            (self.transport.setTcpKeepAlive, self.transport.getTcpKeepAlive),
        ):
            for enabled in (True, False):
                set_it(enabled)
                self.assertIs(get_it(), enabled)

    def test_phases_have_an_end(self) -> None:
        """From everywhere one comes to the end, and from there nowhere."""
        for phase, following in TRANSITIONS.items():
            self.assertEqual(Phase.CLOSED in following, phase is not Phase.CLOSED)


class HandshakeTests(TransportCase):
    def test_completes_once(self) -> None:
        context = self.context()
        context.set_alpn_protocols(["irc"])
        self.connect(context)
        self.assertEqual((self.protocol.handshakes, self.transport.phase), (1, Phase.OPEN))
        self.assertEqual(self.transport.negotiatedProtocol, b"irc")
        certificate = self.transport.getPeerCertificate()
        assert certificate is not None
        self.assertEqual(certificate.get_subject().CN, "alice")

    def test_what_is_written_before_leaves_behind_it(self) -> None:
        self.transport.write(b"early ")
        self.transport.writeSequence([b"and ", b"late"])
        self.connect()
        self.assertEqual(self.read(14), b"early and late")

    def test_abort_and_end_during_it(self) -> None:
        for end in ("abortConnection", "loseConnection"):
            self.protocol = Recorder()
            self.accept()
            getattr(self.transport, end)()
            self.assertEqual(self.protocol.reasons, [])
            self.assertIs(self.reason(), ConnectionAborted)
            with self.assertRaises(ConnectionResetError):
                self.end.recv(1)

    def test_the_alert_arrives(self) -> None:
        """A client that sent more than was read gets the alert, and no reset in its place."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with self.assertRaisesRegex(ssl.SSLError, "certificate required"):
            self.connect(context).send(b"NICK alice\r\n")
            self.read(1)
        self.assertEqual(self.protocol.handshakes, 0)
        reason = self.reason()
        assert reason is not None
        self.assertTrue(issubclass(reason, SSL.Error))

    def test_no_tls(self) -> None:
        self.end.send(b"NICK alice\r\n")
        self.turns()
        self.assertEqual(len(self.protocol.reasons), 1)
        self.assertEqual(self.reactor.readers, set())


class OutputTests(TransportCase):
    def test_leaves_at_once(self) -> None:
        """The reactor is not asked whether the socket takes it."""
        self.connect()
        self.transport.write(b"hello")
        self.assertEqual(self.reactor.writers, set())
        self.assertEqual(self.read(5), b"hello")

    def test_a_megabyte_to_a_stalled_reader(self) -> None:
        self.connect()
        self.write_past_the_socket()
        self.transport.write(b"end")
        self.assertEqual(self.read(len(BURST) + 3), BURST + b"end")
        self.assertEqual(self.reactor.writers, set())

    def test_pieces_that_were_held_leave_in_order(self) -> None:
        self.connect()
        self.write_past_the_socket()
        lines = [b"%06d\r\n" % number for number in range(10_000)]
        for line in lines:
            self.transport.write(line)
        found = self.read(len(BURST) + 80_000)
        self.assertEqual(found[len(BURST) :], b"".join(lines))

    def test_nothing(self) -> None:
        self.connect()
        self.transport.write(b"")
        self.transport.write(b"x")
        self.assertEqual(self.read(1), b"x")

    def test_a_producer_waits_while_the_socket_does(self) -> None:
        self.connect()
        producer = Producer()
        self.transport.registerProducer(producer, True)
        self.transport.write(b"short")
        self.assertEqual(producer.told, [])
        self.write_past_the_socket()
        self.transport.write(b"more")
        self.assertEqual(producer.told, ["pause"])
        self.read(len(BURST) + 9)
        self.assertEqual(producer.told, ["pause", "resume"])
        self.transport.abortConnection()
        self.turns()
        self.assertEqual(producer.told, ["pause", "resume", "stop"])

    def test_a_producer_that_is_asked(self) -> None:
        self.transport.registerProducer(Pulled(self.transport, 5), False)
        self.connect()
        self.assertEqual(self.read(10), b"4.3.2.1.0.")
        self.until(lambda: self.transport.phase is Phase.FAREWELL)

    def test_one_producer_at_a_time(self) -> None:
        self.transport.registerProducer(Producer(), True)
        with self.assertRaises(RuntimeError):
            self.transport.registerProducer(Producer(), True)

    def test_a_producer_that_comes_too_late(self) -> None:
        self.transport.abortConnection()
        producer = Producer()
        self.transport.registerProducer(producer, True)
        self.assertEqual(producer.told, ["stop"])


class InputTests(TransportCase):
    def test_many_records(self) -> None:
        """More than one turn reads, and than a record carries."""
        self.connect()
        lines = [b"%03d\r\n" % number for number in range(100)]
        for line in lines:
            self.client.send(line)
        self.client.send(b"x" * 16_384)
        self.until(lambda: self.protocol.received.endswith(b"x" * 16_384))
        self.assertEqual(self.protocol.received[:500], b"".join(lines))

    def test_others_have_their_turn(self) -> None:
        self.connect()
        for _ in range(100):
            self.client.send(b"x")
        self.until(lambda: self.protocol.received)
        self.assertLess(len(self.protocol.received), 50)
        self.until(lambda: len(self.protocol.received) == 100)

    def test_pause(self) -> None:
        """What came in the meantime is there afterwards, and nothing before."""
        self.connect()
        self.transport.pauseProducing()
        for _ in range(3):
            self.client.send(b"x" * 1000)
        self.turns()
        self.assertEqual(self.protocol.received, b"")
        self.transport.resumeProducing()
        self.until(lambda: self.protocol.received == b"x" * 3000)

    def test_pause_while_reading(self) -> None:
        def received(data: bytes) -> None:
            self.protocol.received += data
            self.transport.pauseProducing()

        self.connect()
        self.protocol.dataReceived = received  # type: ignore[method-assign]
        for _ in range(3):
            self.client.send(b"x")
        self.until(lambda: self.protocol.received == b"x")
        self.transport.resumeProducing()
        self.until(lambda: self.protocol.received == b"xx")

    def test_a_fault_of_one_is_not_the_next_ones(self) -> None:
        """OpenSSL's queue of errors is the thread's: what a call left there is nobody else's."""
        self.connect()
        lib = SSL._lib  # type: ignore[attr-defined]
        lib.SSL_CTX_use_certificate_file(self.tls.credentials.context._context, b"none", 1)
        self.addCleanup(lib.ERR_clear_error)
        self.send_noise()
        self.reason()
        ((faults,),) = [failure.value.args for failure in self.protocol.failures]
        self.assertEqual({library for library, _, _ in faults}, {"SSL routines"})


class EndTests(TransportCase):
    def test_close_notify_of_the_client(self) -> None:
        """Answered with one (RFC 8446, 6.1), and a connection that ended well."""
        self.connect()
        self.client.send(b"QUIT\r\n")
        self._is_over(self.client.unwrap)
        self.assertIs(self.reason(), ConnectionDone)
        self.assertEqual(self.protocol.received, b"QUIT\r\n")
        self.until(lambda: self._is_over(self.client.unwrap))

    def test_close_notify_of_the_server(self) -> None:
        """What waits leaves first; what comes behind it is not looked at."""
        self.connect()
        self.transport.write(BURST)
        self.transport.loseConnection()
        self.transport.write(b"too late")
        self.client.send(b"still talking")
        self.assertEqual(self.read(len(BURST)), BURST)
        self.turns()
        self.assertEqual((self.protocol.received, self.protocol.reasons), (b"", []))
        self.assertEqual(self.transport.phase, Phase.FAREWELL)
        self.assertTrue(self.transport.disconnecting)
        self.until(lambda: self._is_over(self.client.unwrap))
        self.assertIs(self.reason(), ConnectionDone)

    def test_the_client_goes_without_a_farewell(self) -> None:
        self.connect()
        self.transport.loseConnection()
        os.close(self.client.detach())
        self.assertIs(self.reason(), ConnectionDone)

    def test_end_without_close_notify(self) -> None:
        """An attacker can do that too: it is not an end, it is a loss."""
        self.connect()
        self.client.send(b"QUIT\r\n")
        self.client.shutdown(socket.SHUT_WR)
        self.assertIs(self.reason(), ConnectionLost)
        self.assertEqual(self.protocol.received, b"QUIT\r\n")

    def test_reset(self) -> None:
        self.connect()
        self.reset()
        self.assertIs(self.reason(), ConnectionLost)

    def test_half_close(self) -> None:
        """The output ends behind what waits, and what the client says then still arrives."""
        self.connect()
        self.transport.write(BURST)
        self.transport.loseWriteConnection()
        self.assertEqual(self.read(len(BURST)), BURST)
        self.until(lambda: self.transport.phase is Phase.HALF_CLOSED)
        self.transport.write(b"too late")
        self.client.send(b"thanks")
        self.until(lambda: self.protocol.received == b"thanks")
        self.transport.loseConnection()
        self.until(lambda: self._is_over(self.client.unwrap))
        self.assertIs(self.reason(), ConnectionDone)

    def test_end_while_half_closing(self) -> None:
        self.connect()
        self.write_past_the_socket()
        self.transport.loseWriteConnection()
        self.transport.loseConnection()
        self.assertEqual(self.read(len(BURST)), BURST)
        self.until(lambda: self.transport.phase is Phase.FAREWELL)

    def test_abort_during_a_write(self) -> None:
        """What was not sent is lost, the socket is reset, and the protocol told once."""
        self.connect()
        self.write_past_the_socket()
        self.transport.abortConnection()
        self.transport.abortConnection()
        self.transport.write(b"too late")
        self.assertEqual(self.protocol.reasons, [])
        self.assertIs(self.reason(), ConnectionAborted)
        self.assertEqual((self.reactor.readers, self.reactor.writers), (set(), set()))
        self.assertEqual(self.transport.fileno(), -1)
        end = socket.socket(fileno=self.client.detach())
        self.addCleanup(end.close)
        with self.assertRaises(ConnectionResetError):
            while end.recv(65_536):
                pass

    def test_behind_the_end(self) -> None:
        """Nothing raises: who is late cannot know."""
        self.connect()
        self.transport.abortConnection()
        self.turns()
        for late in (
            self.transport.abortConnection,
            self.transport.loseConnection,
            self.transport.loseWriteConnection,
            self.transport.pauseProducing,
            self.transport.resumeProducing,
            lambda: self.transport.write(b"x"),
            lambda: self.transport.connectionLost(Failure(ConnectionDone())),
        ):
            late()
        self.turns()
        self.assertEqual(len(self.protocol.reasons), 1)

    def test_behind_a_producer(self) -> None:
        """ITransport: "it will not be closed until the producer has been unregistered"."""
        self.connect()
        self.transport.registerProducer(Producer(), True)
        self.transport.loseConnection()
        self.transport.write(b"the last of it")
        self.assertEqual(self.read(14), b"the last of it")
        self.assertEqual(self.transport.phase, Phase.CLOSING)
        self.transport.unregisterProducer()
        self.assertEqual(self.transport.phase, Phase.FAREWELL)

    def test_paused(self) -> None:
        """The farewell is read though nothing else was to be."""
        self.connect()
        self.transport.pauseProducing()
        self.transport.loseConnection()
        self._is_over(self.client.unwrap)
        self.assertIs(self.reason(), ConnectionDone)

    def test_a_write_that_fails(self) -> None:
        """The protocol is not called from inside its own call."""
        self.connect()
        self.transport.pauseProducing()
        self.reset()
        self.transport.write(b"x")
        self.transport.write(b"x")
        self.assertEqual(self.protocol.reasons, [])
        self.assertIs(self.reason(), ConnectionLost)

    def test_noise_in_place_of_a_record(self) -> None:
        self.connect()
        self.send_noise()
        reason = self.reason()
        assert reason is not None
        self.assertTrue(issubclass(reason, SSL.Error))


class PostHandshakeTests(TransportCase):
    """What only a client of OpenSSL's own functions can do."""

    def connect_openssl(self, version: int) -> SSL.Connection:
        self.end.setblocking(False)
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(version)
        pem = str(self.network.device().combined)
        context.use_certificate_chain_file(pem)
        context.use_privatekey_file(pem)
        handle = SSL.Connection(context, self.end)
        handle.set_connect_state()
        while self.transport.phase is Phase.HANDSHAKE:
            try:
                handle.do_handshake()
            except SSL.WantReadError:
                self.turns()
        return handle

    def test_renegotiation_is_refused(self) -> None:
        """RFC 9325, 3.5; and what goes on is the connection that there was."""
        handle = self.connect_openssl(SSL.TLS1_2_VERSION)
        handle.do_handshake()
        self.assertTrue(handle.renegotiate())
        with self.assertRaisesRegex(SSL.Error, "no renegotiation"):
            for _ in range(10):
                try:
                    handle.do_handshake()
                except SSL.WantReadError:
                    self.turns()
        self.assertEqual(self.protocol.handshakes, 1)
