"""What bytes say, whatever bytes they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.inspection.flights import Chunk, count
from chat.inspection.messages import Said, Ticket, understand
from chat.inspection.records import (
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    Message,
    Transcript,
    looks_like_tls,
    parse_key_log,
    read_server,
)

HELLO = b"\x03\x03" + bytes(32) + b"\x00" + b"\x13\x01" + b"\x00"
TLS13 = b"\x00\x06" + b"\x00\x2b\x00\x02\x03\x04"


def vector(length: int, content: bytes) -> bytes:
    return len(content).to_bytes(length, "big") + content


def record(kind: int, payload: bytes) -> bytes:
    return bytes([kind, 3, 3]) + vector(2, payload)


def handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def said_by(*messages: Message) -> Said:
    said = understand(Transcript(messages))
    assert said is not None
    return said


class AnyBytesTests(SynchronousTestCase):
    @given(st.binary())
    def test_a_stream(self, stream: bytes) -> None:
        understand(read_server(stream, {}))

    @given(st.integers(0, 25), st.binary(), st.booleans())
    def test_a_message(self, kind: int, body: bytes, is_tls13: bool) -> None:
        hello = HELLO + TLS13 if is_tls13 else HELLO
        said_by(Message(SERVER_HELLO, hello), Message(kind, body))

    @given(st.binary(), st.binary(min_size=32, max_size=32))
    def test_an_encrypted_record(self, payload: bytes, secret: bytes) -> None:
        stream = record(22, handshake(SERVER_HELLO, HELLO + TLS13)) + record(23, payload)
        transcript = read_server(stream, {"SERVER_HANDSHAKE_TRAFFIC_SECRET": secret})
        self.assertEqual(len(transcript.messages), 1)


class RecordTests(SynchronousTestCase):
    def test_a_message_in_several_records(self) -> None:
        """RFC 8446, 5.1: "Handshake messages MAY be ... fragmented across several records"."""
        whole = handshake(SERVER_HELLO, HELLO)
        stream = record(22, whole[:7]) + record(22, whole[7:])
        self.assertEqual(read_server(stream, {}).messages, (Message(SERVER_HELLO, HELLO),))

    def test_alerts(self) -> None:
        """RFC 8446, 6.1: close_notify is no error."""
        stream = record(21, b"\x01\x00") + record(21, b"\x02\x28")
        self.assertEqual(read_server(stream, {}).alerts, (40,))

    def test_what_is_no_tls(self) -> None:
        for stream in (b"", b"\x16", b"HTTP/1.1", b":irc", b"\x16\x02"):
            self.assertFalse(looks_like_tls(stream), stream)
        self.assertTrue(looks_like_tls(b"\x15\x03"))

    def test_key_log(self) -> None:
        lines = [b"SERVER_TRAFFIC_SECRET_0 00ff 0a0b"]
        self.assertEqual(parse_key_log(lines), {"SERVER_TRAFFIC_SECRET_0": b"\x0a\x0b"})


class TicketTests(SynchronousTestCase):
    def test_early_data(self) -> None:
        """RFC 8446, 4.6.1: lifetime, age_add, nonce, ticket, and max_early_data_size."""
        extension = b"\x00\x2a\x00\x04\x00\x00\x40\x00"
        body = (
            b"\x00\x00\x1c\x20" + bytes(4) + b"\x01\x00" + b"\x00\x02xy" + b"\x00\x08" + extension
        )
        said = said_by(Message(SERVER_HELLO, HELLO + TLS13), Message(NEW_SESSION_TICKET, body))
        self.assertEqual(said.tickets, (Ticket(7200, 16384),))

    def test_empty(self) -> None:
        """RFC 5077, 3.3: a server that gives no ticket after all sends "a zero-length ticket"."""
        empty = Message(NEW_SESSION_TICKET, bytes(6))
        self.assertEqual(said_by(Message(SERVER_HELLO, HELLO), empty).tickets, ())


class HelloTests(SynchronousTestCase):
    def test_renegotiation_that_is_not_safe(self) -> None:
        """RFC 5746, 3.4: without the extension, the server "does not support" it."""
        self.assertIs(said_by(Message(SERVER_HELLO, HELLO)).secure_renegotiation, False)
        info = b"\x00\x05" + b"\xff\x01\x00\x01\x00"
        self.assertIs(said_by(Message(SERVER_HELLO, HELLO + info)).secure_renegotiation, True)

    def test_compression(self) -> None:
        """RFC 5246, 7.4.1.3: compression_method, of which 0 is none."""
        self.assertIs(said_by(Message(SERVER_HELLO, HELLO[:-1] + b"\x01")).compression, True)

    def test_nothing_without_it(self) -> None:
        self.assertIsNone(understand(Transcript((Message(NEW_SESSION_TICKET, bytes(6)),))))


class FlightTests(SynchronousTestCase):
    def test_pieces_of_a_flight_are_one(self) -> None:
        chunks = [Chunk(True, b"a"), Chunk(False, b"bc"), Chunk(False, b"d"), Chunk(True, b"e")]
        found = count(chunks, server_waits=False)
        self.assertEqual((found.round_trips_to_send, found.flights), (1, 3))
        self.assertEqual((found.bytes_sent, found.bytes_received), (2, 3))
        self.assertEqual(count(chunks, server_waits=True).round_trips_to_receive, 2)

    def test_nothing(self) -> None:
        self.assertEqual(count([], server_waits=True).round_trips_to_send, 0)
