"""IRC over WebSocket, without TLS and with the clock in the test's hand."""

from __future__ import annotations

import struct
from types import SimpleNamespace

from chat.server.websocket import WebSocketFactory, WebSocketProtocol
from tests.server.doubles import LIMITS, ConnectionCase, TLSTransport, certificate

TEXT, BINARY = "text.ircv3.net", "binary.ircv3.net"
ORIGIN = "https://chat.lab.example"
REQUEST = (
    "GET / HTTP/1.1",
    "Host: chat.lab.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
#: Opcodes (RFC 6455, 5.2).
CONTINUED, A_TEXT, A_BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def http(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def frame(opcode: int, payload: bytes = b"", *, final: bool = True) -> bytes:
    """Return a client's frame; its mask is one that changes nothing."""
    size = len(payload)
    length = struct.pack("!B", size | 0x80) if size < 126 else struct.pack("!BH", 126 | 0x80, size)
    return bytes([opcode | (0x80 if final else 0)]) + length + bytes(4) + payload


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return opcode and payload of a server's frames, which are whole, final and not masked."""
    found = []
    while data:
        first, size = data[:2]
        start = 2
        if size == 126:
            start, (size,) = 4, struct.unpack("!H", data[2:4])
        found.append((first & ~0x80, data[start : start + size]))
        assert first & 0x80
        data = data[start + size :]
    return found


class WebSocketCase(ConnectionCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = WebSocketFactory(self.factory, lambda: (ORIGIN,))
        self.logged: list[str] = []

    def connect(self, host: str = "192.0.2.1") -> WebSocketProtocol:
        protocol = self.web.buildProtocol(SimpleNamespace(host=host))
        assert protocol is not None
        protocol.connection._log = SimpleNamespace(
            info=lambda line, **fields: self.logged.append(line.format(**fields))
        )
        protocol.makeConnection(TLSTransport(certificate()))
        return protocol

    def ask(self, *lines: str) -> tuple[WebSocketProtocol, str]:
        """Return a connection on which these lines were sent, and what is answered."""
        protocol = self.connect()
        protocol.handshakeCompleted()
        protocol.dataReceived(http(*lines))
        self.clock.advance(0)
        return protocol, self.taken(protocol).decode()

    def taken(self, protocol: WebSocketProtocol) -> bytes:
        data = protocol.transport.value()
        protocol.transport.clear()
        return data

    def open(self, *offered: str) -> WebSocketProtocol:
        more = (f"Sec-WebSocket-Protocol: {', '.join(offered)}",) if offered else ()
        protocol, answer = self.ask(*REQUEST, *more)
        self.assertTrue(answer.startswith("HTTP/1.1 101 "), answer)
        return protocol

    def register(self, nick: str, subprotocol: str = TEXT) -> WebSocketProtocol:
        protocol = self.open(subprotocol)
        opcode = A_TEXT if subprotocol == TEXT else A_BINARY
        for line in (f"NICK {nick}", f"USER {nick} 0 * :x"):
            protocol.dataReceived(frame(opcode, line.encode()))
        self.assertIn(b" 001 ", self.said(protocol)[0][1])
        return protocol

    def said(self, protocol: WebSocketProtocol) -> list[tuple[int, bytes]]:
        self.clock.advance(0)
        return frames(self.taken(protocol))

    def assert_closed(self, protocol: WebSocketProtocol, code: int) -> None:
        """The last word is a Close with this code, and nothing is left behind."""
        opcode, payload = self.said(protocol)[-1]
        self.assertEqual((opcode, *struct.unpack("!H", payload[:2])), (CLOSE, code))
        self.assertTrue(protocol.transport.disconnecting)
        self.lose(protocol)
        self.assertEqual(self.hub.connections, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])


class RequestTests(WebSocketCase):
    def test_nothing_before_the_certificate(self) -> None:
        protocol = self.connect()
        self.tls.refuses = "the certificate of alice/laptop is revoked"
        protocol.handshakeCompleted()
        self.assertTrue(protocol.transport.is_aborted)
        self.lose(protocol)
        self.assertEqual(protocol.transport.value(), b"")
        self.assertEqual(self.logged, [f"Refused 192.0.2.1: {self.tls.refuses}"])

    def test_no_session_before_the_request_is_granted(self) -> None:
        protocol = self.connect()
        protocol.handshakeCompleted()
        self.assertEqual(self.hub.connections, {})
        protocol.dataReceived(http(*REQUEST))
        self.assertEqual(len(self.hub.connections), 1)

    def test_both_handshakes_have_one_time(self) -> None:
        protocol = self.connect()
        self.clock.advance(LIMITS.handshake_timeout - 1)
        protocol.handshakeCompleted()
        protocol.dataReceived(b"GET / HTTP/1.1\r\n")
        self.clock.advance(1)
        self.assertTrue(protocol.transport.is_aborted)
        self.lose(protocol)
        self.assertEqual(
            self.logged, ["Refused 192.0.2.1: it did not complete the handshake in time"]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_hangs_up_before_its_request_is_one_line_in_the_log(self) -> None:
        protocol = self.connect()
        protocol.handshakeCompleted()
        self.lose(protocol)
        self.assertEqual(len(self.logged), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_subprotocols(self) -> None:
        """ "The server MUST accept any subprotocol it supports, respecting the client's order of
        preference" (IRCv3 websocket).
        """
        for offered, taken in (
            ((TEXT,), TEXT),
            ((BINARY,), BINARY),
            ((BINARY, TEXT), BINARY),
            ((TEXT, BINARY), TEXT),
            (("mqtt", BINARY), BINARY),
        ):
            protocol, answer = self.ask(*REQUEST, f"Sec-WebSocket-Protocol: {', '.join(offered)}")
            self.assertIn(f"\r\nSec-WebSocket-Protocol: {taken}\r\n", answer)
            self.lose(protocol)

    def test_no_subprotocol(self) -> None:
        """ "If no subprotocol can be agreed on, the server MAY continue connection establishment
        without sending the `Sec-WebSocket-Protocol` header" (IRCv3 websocket).
        """
        for more in ((), ("Sec-WebSocket-Protocol: mqtt",)):
            protocol, answer = self.ask(*REQUEST, *more)
            self.assertTrue(answer.startswith("HTTP/1.1 101 "))
            self.assertNotIn("Sec-WebSocket-Protocol", answer)
            for opcode in (A_TEXT, A_BINARY):
                protocol.dataReceived(frame(opcode, b"CAP LS"))
                [(answered, line)] = self.said(protocol)
                self.assertEqual(answered, A_TEXT)
                self.assertIn(b" CAP * LS ", line)
            self.lose(protocol)

    def test_no_compression(self) -> None:
        """What is offered and not accepted is not used (RFC 6455, 9.1)."""
        _, answer = self.ask(*REQUEST, "Sec-WebSocket-Extensions: permessage-deflate")
        self.assertTrue(answer.startswith("HTTP/1.1 101 "))
        self.assertNotIn("Sec-WebSocket-Extensions", answer)

    def test_origins(self) -> None:
        """ "Servers that are not intended to process input from any web page but only for certain
        sites SHOULD verify the |Origin| field is an origin they expect" (RFC 6455, 10.2).
        """
        for origin in ("https://evil.example", "null", "file://", f"{ORIGIN}:8443", "http://x"):
            protocol, answer = self.ask(*REQUEST, f"Origin: {origin}")
            self.assertTrue(answer.startswith("HTTP/1.1 403 Forbidden\r\n"), answer)
            self.assertIn("websocket_origins", answer)
            self.lose(protocol)
            self.assertEqual(
                self.logged.pop(),
                "Refused 192.0.2.1: the WebSocket request of alice/laptop got 403: The origin"
                f" {origin} is not in websocket_origins of the server's [listen]",
            )
        self.assertEqual(self.hub.connections, {})
        _, answer = self.ask(*REQUEST, f"Origin: {ORIGIN}")
        self.assertTrue(answer.startswith("HTTP/1.1 101 "), answer)

    def test_what_is_no_request_for_websocket(self) -> None:
        asks = "GET / HTTP/1.1", "Host: x"
        for lines, status in (
            (asks, "426 Upgrade Required"),
            (("POST / HTTP/1.1", "Host: x"), "405 Method Not Allowed"),
            (("NICK alice",), "400 Bad Request"),
            ((*asks, "Upgrade: h2c", "Connection: Upgrade"), "400 Bad Request"),
            ([line.replace("13", "8") for line in REQUEST], "400 Bad Request"),
            (REQUEST[:-1], "400 Bad Request"),
        ):
            protocol, answer = self.ask(*lines)
            self.assertTrue(answer.startswith(f"HTTP/1.1 {status}\r\n"), answer)
            self.assertIn("This port is for IRC clients that speak WebSocket", answer)
            self.assertTrue(protocol.transport.disconnecting)
            self.lose(protocol)
            self.assertIn(f"got {status[:3]}: ", self.logged.pop())
            self.assertEqual(self.logged, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_a_request_holds_breaks_no_line_of_the_log(self) -> None:
        protocol, _ = self.ask("GET / HTTP/1.1\x1b[2J", *REQUEST[1:])
        self.lose(protocol)
        self.assertIn(r"\x1b[2J", self.logged[0])

    def test_an_endless_request(self) -> None:
        protocol = self.connect()
        protocol.handshakeCompleted()
        for _ in range(100):
            protocol.dataReceived(b"x" * 1000)
        self.clock.advance(0)
        self.assertTrue(protocol.transport.value().startswith(b"HTTP/1.1 431 "))
        self.assertLess(len(protocol._frames.data), 10_000)

    def test_the_limits_are_those_of_all_listeners(self) -> None:
        for build in (self.web.buildProtocol, self.factory.buildProtocol):
            for _ in range(LIMITS.half_open_per_address - 1):
                build(SimpleNamespace(host="192.0.2.1"))
        self.assertIsNone(self.web.buildProtocol(SimpleNamespace(host="192.0.2.1")))
        self.assertIsNone(self.factory.buildProtocol(SimpleNamespace(host="192.0.2.1")))


class MessageTests(WebSocketCase):
    def test_one_message_is_one_line(self) -> None:
        """ "each message MUST consist of a single IRC line, except that servers and clients MUST
        NOT include trailing `\\r` or `\\n` characters in the message" (IRCv3 websocket).
        """
        for nick, subprotocol, opcode in (("a", TEXT, A_TEXT), ("b", BINARY, A_BINARY)):
            protocol = self.register(nick, subprotocol)
            protocol.transport.writes.clear()
            for line in (b"PING :\xe2\x98\x83", b"PING " + b"y" * 200):
                protocol.dataReceived(frame(opcode, line))
            self.assertEqual(
                self.said(protocol),
                [
                    (opcode, b":irc.test PONG irc.test \xe2\x98\x83"),
                    (opcode, b":irc.test PONG irc.test " + b"y" * 200),
                ],
            )
            self.assertEqual(len(protocol.transport.writes), 1)
            self.lose(protocol)

    def test_any_cut_of_the_bytes(self) -> None:
        protocol = self.register("alice")
        parts = (
            frame(A_TEXT, b"PING :\xe2\x98", final=False),
            frame(PING, b"between"),
            frame(CONTINUED, b"\x83", final=False),
            frame(CONTINUED, b""),
        )
        for byte in b"".join(parts):
            protocol.dataReceived(bytes([byte]))
        self.assertEqual(
            self.said(protocol),
            [(PONG, b"between"), (A_TEXT, b":irc.test PONG irc.test \xe2\x98\x83")],
        )

    def test_a_line_ending_at_the_end_is_forgiven(self) -> None:
        protocol = self.register("alice")
        protocol.dataReceived(frame(A_TEXT, b"PING a\r\n"))
        self.assertEqual(self.said(protocol), [(A_TEXT, b":irc.test PONG irc.test a")])

    def test_two_lines_are_not_one(self) -> None:
        for ending in (b"\r\n", b"\n", b"\r"):
            protocol = self.register("alice")
            protocol.dataReceived(frame(A_TEXT, b"PING a%bQUIT" % ending))
            self.assert_closed(protocol, 1008)

    def test_the_other_kind_is_read_too(self) -> None:
        """ "servers and clients should strive for maximum compatibility" (IRCv3 websocket): what
        is sent is of the kind that was agreed on.
        """
        for nick, subprotocol, agreed, other in (
            ("a", TEXT, A_TEXT, A_BINARY),
            ("b", BINARY, A_BINARY, A_TEXT),
        ):
            protocol = self.register(nick, subprotocol)
            protocol.dataReceived(frame(other, b"PING a"))
            self.assertEqual(self.said(protocol), [(agreed, b":irc.test PONG irc.test a")])

    def test_text_that_is_not_utf8(self) -> None:
        """ "1007 indicates that an endpoint is terminating the connection because it has received
        data within a message that was not consistent with the type of the message"
        (RFC 6455, 7.4.1).
        """
        protocol = self.register("alice")
        protocol.dataReceived(frame(A_TEXT, b"PRIVMSG bob :caf\xe9"))
        self.assert_closed(protocol, 1007)

    def test_bytes_that_are_not_utf8(self) -> None:
        """ "Servers MUST NOT relay non-UTF-8 content to clients using text messages"
        (IRCv3 websocket).
        """
        alice, bob = self.register("alice", BINARY), self.register("bob")
        alice.dataReceived(frame(A_BINARY, b"PRIVMSG bob :caf\xe9"))
        [(_, line)] = self.said(alice)
        self.assertIn(b"FAIL PRIVMSG INVALID_UTF8 ", line)
        self.assertEqual(self.said(bob), [])

    def test_as_long_as_a_line(self) -> None:
        """ "Maximum message size is reduced by two bytes accordingly (ie. to 510 bytes by default
        for the non-tags part of a message)" (IRCv3 websocket).
        """
        protocol = self.register("alice")
        tags = b"@+a=" + b"x" * 4091 + b" "
        head = b"PONG "
        protocol.dataReceived(frame(A_TEXT, tags + head + b"x" * (510 - len(head))))
        self.assertEqual(self.said(protocol), [])
        for line in (head + b"x" * (511 - len(head)), b"x" * 16_000):
            protocol.dataReceived(frame(A_TEXT, line))
            self.assertEqual(
                self.said(protocol), [(A_TEXT, b":irc.test 417 alice :Input line was too long")]
            )

    def test_absurdly_long(self) -> None:
        """ "Clients and servers SHOULD impose limits on the maximum size of messages they will
        accept, in order to prevent denial-of-service attacks" (IRCv3 websocket).
        """
        protocol = self.register("alice")
        protocol.dataReceived(frame(A_TEXT, b"x" * 20_000)[:8])
        for _ in range(100):
            protocol.dataReceived(b"x" * 1000)
        self.assertEqual(protocol._frames.data, b"")
        self.assert_closed(protocol, 1009)

    def test_endless_fragments(self) -> None:
        protocol = self.register("alice")
        protocol.dataReceived(frame(A_TEXT, final=False))
        for _ in range(300):
            protocol.dataReceived(frame(CONTINUED, final=False))
        self.assert_closed(protocol, 1009)

    def test_frames_that_break_the_protocol(self) -> None:
        """ "a server MAY send a Close frame with a status code of 1002 (protocol error)"
        (RFC 6455, 5.1, of a frame without a mask).
        """
        unmasked = b"\x81\x04PING"
        for broken in (
            unmasked,
            b"\xf1" + frame(A_TEXT, b"PING a")[1:],  # bits that no extension gives a meaning
            frame(CONTINUED, b"PING a"),
            frame(3, b"PING a"),
            frame(PING, b"x" * 126),
            frame(PING, b"x", final=False),
        ):
            protocol = self.register("alice")
            protocol.dataReceived(broken + frame(A_TEXT, b"PING never"))
            self.assert_closed(protocol, 1002)

    def test_no_more_is_read_while_too_much_waits(self) -> None:
        protocol = self.register("alice")
        self.log.hold = True
        lines = [b"JOIN #a", *[b"PING x"] * 20]
        protocol.dataReceived(b"".join(frame(A_TEXT, line) for line in lines))
        self.assertEqual(protocol.transport.producerState, "paused")
        self.assertEqual(len(protocol.connection.machine._waiting), LIMITS.recvq)
        self.log.hold = False
        self.log.commit()
        self.assertEqual(protocol.transport.producerState, "producing")
        pongs = [line for _, line in self.said(protocol) if b" PONG " in line]
        self.assertEqual(len(pongs), 20)

    def test_a_slow_reader_is_bounded(self) -> None:
        """WebSocket's own PING is answered within ``sendq`` too."""
        for data, times in ((frame(PING, b"x" * 125), 50), (frame(A_TEXT, b"VERSION"), 20)):
            protocol = self.register("alice")
            protocol.transport.producer.pauseProducing()
            protocol.dataReceived(data * times)
            self.assertTrue(protocol.transport.is_aborted)
            self.assertIn("its send queue is full", self.logged.pop())
            self.lose(protocol)


class EndTests(WebSocketCase):
    def test_the_client_closes(self) -> None:
        """ "If an endpoint receives a Close frame and did not previously send a Close frame, the
        endpoint MUST send a Close frame in response" (RFC 6455, 5.5.1).
        """
        protocol = self.register("alice")
        protocol.dataReceived(frame(CLOSE, struct.pack("!H", 1001)) + frame(A_TEXT, b"PING a"))
        self.assertIsNone(self.hub.network.client("alice"))
        self.assert_closed(protocol, 1000)

    def test_the_client_quits(self) -> None:
        protocol = self.register("alice")
        protocol.dataReceived(frame(A_TEXT, b"QUIT"))
        self.clock.advance(0)
        words = frames(protocol.transport.value())
        self.assertEqual(words[0], (A_TEXT, b"ERROR Quit"))
        protocol.dataReceived(frame(CLOSE, struct.pack("!H", 1000)))
        self.assert_closed(protocol, 1000)

    def test_who_does_not_read_the_end_is_cut(self) -> None:
        protocol = self.register("alice")
        protocol.transport.producer.pauseProducing()
        protocol.dataReceived(frame(CLOSE))
        self.assertFalse(protocol.transport.disconnecting)
        self.clock.advance(3)
        self.assertTrue(protocol.transport.is_aborted)
        self.lose(protocol)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_connection_is_lost(self) -> None:
        protocol = self.register("alice")
        self.lose(protocol)
        self.assertEqual(self.hub.network.clients, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_server_pings(self) -> None:
        """With IRC's PING: a pong of WebSocket would come from a browser whose page hangs."""
        protocol = self.register("alice")
        self.clock.advance(LIMITS.ping_interval)
        self.assertEqual(self.said(protocol), [(A_TEXT, b"PING irc.test")])
        protocol.dataReceived(frame(PONG))
        self.clock.advance(LIMITS.ping_timeout)
        self.clock.advance(0)
        [(_, error), _] = frames(protocol.transport.value())
        self.assertEqual(error, b"ERROR :Ping timeout: 60 seconds")
        self.assert_closed(protocol, 1000)


class TwoWaysTests(WebSocketCase):
    def test_a_line_of_one_kind_of_connection_is_a_message_of_the_other(self) -> None:
        alice = self.register("alice")
        bob = self.factory.buildProtocol(SimpleNamespace(host="192.0.2.2"))
        assert bob is not None
        bob.makeConnection(TLSTransport(certificate()))
        bob.handshakeCompleted()
        bob.dataReceived(b"NICK bob\r\nUSER bob 0 * :x\r\n")
        bob.dataReceived(b"PRIVMSG alice :one\r\nPRIVMSG alice :two\r\n")
        messages = self.said(alice)
        self.assertEqual([opcode for opcode, _ in messages], [A_TEXT, A_TEXT])
        self.assertTrue(messages[1][1].endswith(b"PRIVMSG alice two"), messages)
        bob.transport.clear()
        alice.dataReceived(frame(A_TEXT, b"PRIVMSG bob :and back"))
        self.clock.advance(0)
        self.assertTrue(bob.transport.value().endswith(b"PRIVMSG bob :and back\r\n"))
