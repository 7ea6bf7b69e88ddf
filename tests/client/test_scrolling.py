"""What was said before, by lists: lines in, lines and events out."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Disconnected, Earlier, Reacted, Said
from tests.client.connections import CAPABILITIES, JOIN, Connection, line
from tests.client.test_history import page, targets

FAIL = ":s FAIL CHATHISTORY MESSAGE_ERROR BEFORE #lab :No such message"


class ScrollingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection()
        self.connection.feed(":s CAP alice ACK :draft/chathistory", JOIN)
        (said,) = self.connection.feed(line(9, "nine"))
        assert isinstance(said, Said)
        self.said = said
        self.connection.sent()

    def earlier(self, room: str = "#lab", before: Said | None = None) -> bool:
        return self.connection.state.earlier(room, before)

    def told(self, *lines: str) -> list[str]:
        """Return the rooms that are told of, with the text of what is said there."""
        return [
            f"{event.room} {' '.join(getattr(one, 'text', '?') for one in event.messages)}"
            f"{'|' if event.is_end else ''}"
            if isinstance(event, Earlier)
            else type(event).__name__
            for event in self.connection.feed(*lines)
        ]

    def test_pages(self) -> None:
        self.assertTrue(self.earlier("#LAB", self.said))
        self.assertEqual(
            self.connection.sent(), ["CHATHISTORY BEFORE #LAB msgid=nine 50", "PING history-1"]
        )
        (event,) = self.connection.feed(*page("#lab", line(7, "seven"), line(8, "eight")))
        assert isinstance(event, Earlier)
        self.assertEqual([getattr(one, "replayed", None) for one in event.messages], [True, True])
        self.assertEqual((event.room, event.is_end), ("#LAB", False))
        self.assertEqual(self.connection.feed(":s PONG s history-1"), [])
        oldest = event.messages[0]
        assert isinstance(oldest, Said)
        self.assertTrue(self.earlier("#lab", oldest))
        self.assertEqual(self.connection.sent()[0], "CHATHISTORY BEFORE #lab msgid=seven 50")
        self.assertEqual(self.told(*page("#lab", line(6, "six"), end=True)), ["#lab six|"])
        self.earlier("#lab", oldest)
        self.assertEqual(self.told(*page("#lab")), ["#lab |"])

    def test_the_latest(self) -> None:
        self.assertTrue(self.earlier("bob"))
        self.assertEqual(self.connection.sent()[0], "CHATHISTORY LATEST bob * 50")
        # What was said to him when he had another nickname.
        own = line(3, "mine", room="rob", sender="alice")
        (event,) = self.connection.feed(*page("bob", own))
        assert isinstance(event, Earlier)
        self.assertEqual([one.room for one in event.messages], ["bob"])

    def test_what_cannot_be_asked(self) -> None:
        self.assertFalse(self.earlier("#lab", evolve(self.said, msgid="", time=None)))
        self.assertTrue(self.earlier())
        self.assertFalse(self.earlier())
        self.assertTrue(self.earlier("bob"))
        without = Connection(offer="batch message-tags server-time")
        self.assertFalse(without.state.earlier("#lab", None))

    def test_a_message_that_the_server_does_not_know_any_more(self) -> None:
        """It is asked by time then, which is that of the message itself too."""
        self.earlier("#lab", self.said)
        self.connection.sent()
        self.assertEqual(self.told(FAIL, ":s PONG s history-1"), [])
        self.assertEqual(
            self.connection.sent()[0],
            "CHATHISTORY BEFORE #lab timestamp=2026-01-01T00:00:09.001Z 50",
        )
        self.assertEqual(
            self.told(*page("#lab", line(8, "eight"), line(9, "nine"))), ["#lab eight"]
        )

    def test_a_server_that_knows_times_alone(self) -> None:
        self.connection.feed(":s 005 alice MSGREFTYPES=timestamp :are supported")
        self.earlier("#lab", self.said)
        self.assertIn("timestamp=", self.connection.sent()[0])
        self.earlier("#other", evolve(self.said, msgid="", room="#other"))
        self.connection.feed(*page("#lab"))
        again = line(9, "nine", room="#other").replace("msgid=nine", "")
        self.assertEqual(self.told(*page("#other", again, end=True)), ["#other |"])

    def test_a_refusal(self) -> None:
        self.earlier()
        self.assertEqual(self.told(FAIL, ":s PONG s history-1"), ["#lab |"])
        self.assertTrue(self.earlier())

    def test_a_lost_connection(self) -> None:
        self.earlier()
        self.assertEqual(
            self.connection.state.close("gone"),
            [Earlier("#lab", (), False), Disconnected("gone")],
        )
        self.assertEqual(self.connection.state.close("gone"), [])

    def test_a_lost_connection_that_the_server_announced(self) -> None:
        self.earlier()
        self.connection.feed("ERROR :Bye")
        self.assertEqual(self.connection.state.close("gone"), [Earlier("#lab", (), False)])

    def test_reactions_come_with_their_message(self) -> None:
        self.earlier("#lab", self.said)
        reactions = [
            f"@time=2026-01-01T00:00:08.500Z;+reply={about};+draft/react=+1 :carol!u@h TAGMSG #lab"
            for about in ("eight", "nine", "lost")
        ]
        (event,) = self.connection.feed(*page("#lab", line(8, "eight"), *reactions))
        assert isinstance(event, Earlier)
        time = datetime(2026, 1, 1, 0, 0, 8, 500_000, UTC)
        self.assertEqual(
            event.messages[1:],
            tuple(
                Reacted("#lab", "carol", "+1", about, False, False, time, text)
                for about, text in (("eight", "eight"), ("nine", "nine"), ("lost", ""))
            ),
        )

    def test_a_page_without_messages_is_passed_over(self) -> None:
        """With event-playback a page may have nothing but who came and went."""
        self.earlier("#lab", self.said)
        self.connection.sent()
        joined = "@time=2026-01-01T00:00:05.000Z;msgid=j :carol!u@h JOIN #lab"
        self.assertEqual(self.told(*page("#lab", joined)), [])
        self.assertEqual(self.connection.sent()[0], "CHATHISTORY BEFORE #lab msgid=j 50")
        # Nor for ever, from a server that does not get anywhere.
        self.assertEqual(self.told(*page("#lab", joined)), ["#lab |"])


class BesideWhatWasMissedTests(SynchronousTestCase):
    """Two ask about one room at the same time: the answers are in the order of the requests."""

    def setUp(self) -> None:
        first = Connection()
        first.feed(":s CAP alice ACK :draft/chathistory", JOIN, line(9, "one"))
        self.connection = Connection(first, offer=CAPABILITIES)
        self.connection.feed(JOIN, *targets(), ":s PONG s history-1")
        self.connection.sent()
        self.connection.state.earlier("#lab", None)

    def test_both_are_answered(self) -> None:
        self.assertEqual(
            self.connection.texts(
                *page("#lab", line(12, "missed"), end=True), ":s PONG s history-2"
            ),
            ["#lab old missed"],
        )
        (event,) = self.connection.feed(*page("#lab", line(11, "a"), line(12, "missed")))
        assert isinstance(event, Earlier)
        self.assertEqual(len(event.messages), 2)
        self.assertEqual(self.connection.texts(line(20, "live")), ["#lab live"])

    def test_the_first_is_refused(self) -> None:
        self.assertEqual(self.connection.texts(FAIL, ":s PONG s history-2"), [])
        self.assertEqual(self.connection.texts(*page("#lab", line(12, "x"))), ["Earlier"])
        self.assertEqual(self.connection.texts(*page("#lab", line(12, "x"))), ["#lab old x"])

    def test_the_second_is_refused(self) -> None:
        self.connection.feed(*page("#lab", end=True), ":s PONG s history-2")
        self.assertEqual(self.connection.texts(FAIL, ":s PONG s history-3"), ["Earlier"])

    def test_what_another_reads_is_told_as_ever(self) -> None:
        """A page that answers none of our requests: somebody asked for it by hand."""
        self.assertEqual(self.connection.texts(*page("bob", line(3, "x"))), ["bob old x"])
