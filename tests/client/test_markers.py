"""Up to where we have read, by lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import ReadUpTo
from chat.client.history import NEEDED
from tests.client.connections import JOIN, Connection, line
from tests.client.test_history import targets

OFFER = " ".join(sorted(NEEDED | {"draft/read-marker"}))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class MarkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection(offer=OFFER)
        self.connection.feed(":s CAP alice ACK :draft/chathistory", JOIN)
        self.connection.sent()

    def read(self, time: datetime, room: str = "#lab") -> list[str]:
        self.connection.state.read(room, time)
        return self.connection.sent()

    def test_forwards_only_and_once(self) -> None:
        """read-marker: "The last read timestamp of a target MUST only ever increase"."""
        self.assertEqual(self.read(NOON), ["MARKREAD #lab timestamp=2026-01-01T12:00:00.000Z"])
        self.assertEqual(self.read(NOON, "#LAB"), [])
        self.assertEqual(self.read(NOON + timedelta(microseconds=999)), [])
        self.assertEqual(self.read(NOON - timedelta(seconds=1)), [])
        self.assertEqual(len(self.read(NOON, "bob")), 1)

    def test_what_another_device_has_read(self) -> None:
        events = self.connection.feed(":s MARKREAD #lab timestamp=2026-01-01T12:00:00.000Z")
        self.assertEqual(events, [ReadUpTo("#lab", NOON)])
        self.assertEqual(self.read(NOON), [])
        self.connection.feed(":s MARKREAD #lab *")
        self.assertEqual(self.read(NOON), [])
        self.assertEqual(len(self.read(NOON + timedelta(seconds=1))), 1)

    def test_conversations_are_asked_about_once(self) -> None:
        """read-marker: "for user targets [...] they have to request the initial timestamp"."""
        self.connection.feed(*(line(9, f"n{n}", "alice", who) for n, who in enumerate("cbc")))
        self.connection.feed(line(9, "x"))
        self.assertEqual(self.connection.sent(), ["MARKREAD c"])
        self.connection.feed(":s MARKREAD c *")
        self.assertEqual(self.connection.sent(), ["MARKREAD b"])
        self.assertEqual(self.connection.feed(":s FAIL MARKREAD INTERNAL_ERROR b :Too many"), [])
        self.connection.feed(line(10, "y", "alice", "d"))
        self.assertEqual(self.connection.sent(), ["MARKREAD d"])

    def test_the_next_connection_asks_about_those_that_are_known(self) -> None:
        self.connection.feed(line(9, "n1", "alice", "bob"), line(9, "n2", "alice", "carol"))
        again = Connection(self.connection, offer=OFFER)
        self.assertEqual(again.sent()[-1], "MARKREAD carol")
        again.feed(":s MARKREAD carol *", JOIN, *targets("#lab", "dave", "bob"))
        self.assertEqual(again.sent()[0], "MARKREAD bob")
        again.feed(":s MARKREAD bob *")
        self.assertIn("MARKREAD dave", again.sent())

    def test_a_server_without_markers(self) -> None:
        self.connection = Connection(offer="echo-message server-time")
        self.connection.feed(line(9, "n", "alice", "bob"))
        self.assertEqual(self.read(NOON), ["CAP END"])
