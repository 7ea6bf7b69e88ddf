"""What was missed, by lists: lines in, lines and events out."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import (
    JoinedRoom,
    Reacted,
    Said,
)
from chat.client.history import MOST_HELD, MOST_MESSAGES, MOST_PAGES, MOST_PLACES
from tests.client.connections import JOIN, Connection, line, stamp

TARGETS = (
    "CHATHISTORY TARGETS timestamp=2026-01-01T00:00:08.000Z timestamp=9999-12-31T23:59:59.999Z 100"
)


def page(room: str, *lines: str, end: bool = False) -> list[str]:
    tags = "@draft/chathistory-end " if end else ""
    inside = [line.replace("@", "@batch=h;", 1) for line in lines]
    return [f"{tags}:s BATCH +h chathistory {room}", *inside, ":s BATCH -h"]


def targets(*names: str) -> list[str]:
    listed = (f"@batch=t :s CHATHISTORY TARGETS {name} 2026-01-01T00:00:20.000Z" for name in names)
    return [":s BATCH +t draft/chathistory-targets", *listed, ":s BATCH -t"]


class HistoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        first = Connection()
        first.feed(":s CAP alice ACK :draft/chathistory", JOIN, line(9, "one"))
        self.connection = Connection(first)

    def test_the_server_sends_by_itself_what_the_first_connection_missed(self) -> None:
        """The capability, without which it does so, is asked for behind the welcome."""
        first = Connection()
        self.assertNotIn("draft/chathistory", first.first)
        self.assertEqual(first.sent(), ["CAP END", "CAP REQ draft/chathistory"])
        self.assertEqual(
            first.texts(JOIN, *page("#lab", line(1, "a"))), ["JoinedRoom", "#lab old a"]
        )
        self.assertIsNone(first.state.history.memory.heard)

    def test_what_was_missed_comes_before_what_is_said_meanwhile(self) -> None:
        self.assertIn("draft/chathistory", self.connection.first)
        self.assertEqual(
            self.connection.sent(), ["CAP END", "JOIN #lab", TARGETS, "PING history-1"]
        )
        self.assertEqual(self.connection.texts(JOIN, *targets("#lab")), ["JoinedRoom"])
        self.assertEqual(
            self.connection.sent(), ["CHATHISTORY AFTER #lab msgid=one 50", "PING history-2"]
        )
        self.assertEqual(self.connection.texts(line(14, "five"), ":s PONG s history-1"), [])
        shown = self.connection.texts(*page("#lab", line(11, "two"), line(12, "three")))
        self.assertEqual(shown, ["#lab old two", "#lab old three"])
        self.assertEqual(
            self.connection.sent(), ["CHATHISTORY AFTER #lab msgid=three 50", "PING history-3"]
        )
        shown = self.connection.texts(*page("#lab", line(13, "four"), line(14, "five"), end=True))
        self.assertEqual(shown, ["#lab old four", "#lab five"])
        self.assertEqual(self.connection.texts(line(15, "six")), ["#lab six"])
        self.assertEqual(self.connection.sent(), [])

    def test_nothing_is_told_twice(self) -> None:
        self.connection.feed(JOIN, *targets())
        self.connection.feed(line(12, "three"))
        shown = self.connection.texts(*page("#lab", line(9, "one"), line(11, "two"), end=True))
        self.assertEqual(shown, ["#lab old two", "#lab three"])
        self.assertEqual(self.connection.texts(line(11, "two")), [])

    def test_reactions_that_were_missed(self) -> None:
        """event-playback: a page has them too, and what comes by itself meanwhile once."""
        self.connection.feed(JOIN, *targets())
        old = f"@{stamp(12, 'r')};+reply=one;+draft/react=+1 :bob!u@h TAGMSG #lab"
        self.assertEqual(self.connection.feed(old), [])
        joined = f"@{stamp(11, 'j')} :carol!u@h JOIN #lab"
        events = self.connection.feed(*page("#lab", joined, old, end=True))
        time = datetime(2026, 1, 1, 0, 0, 12, tzinfo=UTC)
        self.assertEqual(events, [Reacted("#lab", "bob", "+1", "one", False, False, time, "one")])

    def test_conversations(self) -> None:
        self.connection.sent()
        direct = line(14, "direct", room="alice", sender="carol")
        self.assertEqual(self.connection.texts(direct, *targets("#lab", "bob", "Carol")), [])
        self.assertEqual(
            self.connection.sent(),
            ["CHATHISTORY AFTER carol timestamp=2026-01-01T00:00:08.000Z 50", "PING history-2"],
        )
        old = line(13, "before", room="alice", sender="carol")
        shown = self.connection.texts(*page("carol", old, direct, end=True))
        self.assertEqual(shown, ["carol old before", "carol direct"])
        own = line(12, "mine", room="rob", sender="alice")
        # What was said to bob when he had another nickname.
        self.assertEqual(self.connection.texts(*page("bob", own, end=True)), ["bob old mine"])

    def test_some_pages_and_then_the_latest(self) -> None:
        self.connection.feed(JOIN, *targets())
        for number in range(MOST_PAGES):
            self.connection.feed(*page("#lab", line(11, f"n{number}")))
        self.assertEqual(self.connection.sent()[-2], "CHATHISTORY LATEST #lab msgid=n19 50")
        shown = self.connection.texts(*page("#lab", line(20, "last")), line(21, "live"))
        self.assertEqual(shown, ["Gap", "#lab old last", "#lab live"])

    def test_some_messages_and_then_the_latest(self) -> None:
        self.connection.feed(JOIN, *targets())
        self.connection.feed(*page("#lab", *(line(11, f"n{n}") for n in range(MOST_MESSAGES))))
        self.assertIn(" LATEST #lab ", self.connection.sent()[-2])

    def test_an_empty_page_is_the_end(self) -> None:
        self.connection.feed(JOIN, *targets(), line(12, "two"))
        self.assertEqual(self.connection.texts(*page("#lab")), ["#lab two"])

    def test_a_message_that_the_server_does_not_know_any_more(self) -> None:
        """It is asked by time then; what is held is told in the end, whatever the server says."""
        self.connection.feed(JOIN, *targets(), line(12, "two"))
        self.connection.sent()
        fail = ":s FAIL CHATHISTORY MESSAGE_ERROR AFTER #lab :No such message"
        self.assertEqual(self.connection.texts(fail, ":s PONG s history-2"), [])
        self.assertEqual(
            self.connection.sent(),
            ["CHATHISTORY AFTER #lab timestamp=2026-01-01T00:00:08.000Z 50", "PING history-3"],
        )
        self.assertEqual(self.connection.texts(fail, ":s PONG s history-3"), ["#lab two"])
        self.assertEqual(len(self.connection.feed(fail)), 1)

    def test_a_server_without_a_list_of_conversations(self) -> None:
        self.connection.feed(JOIN)
        self.connection.sent()
        self.connection.feed(
            ":s FAIL CHATHISTORY INVALID_PARAMS TARGETS :What", ":s PONG s history-1"
        )
        self.assertEqual(self.connection.sent()[0], "CHATHISTORY AFTER #lab msgid=one 50")

    def test_what_was_held_when_the_connection_broke_is_asked_for_again(self) -> None:
        self.connection.feed(JOIN, *targets(), line(30, "held"))
        again = Connection(self.connection)
        self.assertIn(TARGETS, again.sent())
        again.feed(JOIN, *targets())
        self.assertEqual(again.sent()[0], "CHATHISTORY AFTER #lab msgid=one 50")
        self.assertEqual(again.texts(*page("#lab", line(30, "held"), end=True)), ["#lab old held"])

    def test_no_more_is_held_than_the_limit(self) -> None:
        self.connection.feed(JOIN, *targets())
        shown = self.connection.texts(*(line(12, f"n{n}") for n in range(MOST_HELD)))
        self.assertEqual((shown[0], len(shown)), ("Gap", MOST_HELD + 1))

    def test_behind_that_the_next_place_is_asked_for(self) -> None:
        self.connection.feed(JOIN, *targets("carol"))
        self.connection.feed(*(line(12, f"n{n}") for n in range(MOST_HELD)))
        self.connection.sent()
        self.connection.feed(*page("#lab", line(11, "late")), ":s PONG s history-2")
        self.assertEqual(
            self.connection.sent(),
            ["CHATHISTORY AFTER carol timestamp=2026-01-01T00:00:08.000Z 50", "PING history-3"],
        )

    def test_what_is_missing_stays_so_when_the_connection_breaks_early(self) -> None:
        """Times that the server tells while it welcomes us say nothing about what we were told."""
        late = Connection(self.connection)
        late.feed("@time=2026-01-01T00:00:50.000Z :s 002 alice :Hi")
        early = Connection(late, welcomed=False)
        early.feed("@time=2026-01-01T00:00:55.000Z :s NOTICE * :Hi")
        self.assertIn(TARGETS, Connection(early).sent())

    def test_a_room_that_is_new_to_us_has_no_history(self) -> None:
        self.connection.feed(JOIN, *targets(), *page("#lab", end=True))
        self.connection.sent()
        self.assertEqual(
            self.connection.feed(":alice!u@h JOIN #new"), [JoinedRoom("#new", "alice", True)]
        )
        self.assertEqual(self.connection.sent(), [])

    def test_a_server_without_history(self) -> None:
        other = Connection(self.connection, offer="echo-message server-time")
        self.assertEqual(other.sent(), ["CAP END", "JOIN #lab"])
        self.assertEqual(other.texts(JOIN, line(20, "x")), ["JoinedRoom", "#lab x"])

    def test_our_message_whose_echo_was_lost_is_acknowledged_by_history(self) -> None:
        self.connection.feed(JOIN, *targets())
        own = line(12, "mine", sender="alice", tags=";+securechat/id=n1")
        (said,) = self.connection.feed(*page("#lab", own, end=True))
        assert isinstance(said, Said)
        self.assertEqual((said.name, said.own), ("n1", True))
        self.assertEqual(self.connection.feed(own), [])

    def test_times_that_are_none(self) -> None:
        """A server may say what it likes: no time is better than a wrong one."""
        for word in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00", "x"):
            (said,) = self.connection.feed(f"@time={word} :bob!u@h PRIVMSG #lab hi")
            assert isinstance(said, Said)
            self.assertIsNone(said.time)

    def test_no_more_is_remembered_than_the_limits(self) -> None:
        self.connection.feed(*targets())
        for number in range(MOST_PLACES + 5):
            self.connection.feed(line(12, f"n{number}", room="alice", sender=f"p{number}"))
        marks = self.connection.state.history.memory.marks
        self.assertEqual((len(marks), "p0" in marks, "p1004" in marks), (MOST_PLACES, False, True))

    def test_nor_is_asked_for(self) -> None:
        self.connection.feed(*targets(*(f"p{number}" for number in range(MOST_PLACES + 1))))
        last = line(12, "told", room="alice", sender=f"p{MOST_PLACES}")
        self.assertEqual(self.connection.texts(last), [f"p{MOST_PLACES} told"])
