"""What is told of people, and about messages."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import (
    AccountChanged,
    AwayChanged,
    HostChanged,
    Reacted,
    ReadUpTo,
    RealnameChanged,
    Redacted,
    Said,
    Typing,
)
from chat.client.rooms import Member
from tests.client.connections import JOIN, Connection, line


class AnnotationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection()
        self.connection.feed(JOIN, ":s 353 alice = #lab :alice bob", ":s 366 alice #lab :End")
        self.connection.feed(line(9, "one"))

    def members(self, nick: str) -> list[Member]:
        return list(self.connection.state.rooms.members(nick))

    def test_replies(self) -> None:
        for tag in ("+reply", "+draft/reply"):
            (event,) = self.connection.feed(f"@{tag}=one :bob!u@h PRIVMSG #lab yes")
            assert isinstance(event, Said)
            self.assertEqual(event.reply_to, "one")

    def test_reactions(self) -> None:
        """react: "this tag MUST be used in conjunction with the +reply client tag"."""
        events = self.connection.feed(
            "@+reply=one;+draft/react=:) :bob!u@h TAGMSG #lab",
            "@+reply=one;+draft/unreact=:) :alice!u@h TAGMSG #lab",
            "@+reply=other;+draft/react=x :bob!u@h TAGMSG alice",
            "@+draft/react=x :bob!u@h TAGMSG #lab",
        )
        self.assertEqual(
            events,
            [
                Reacted("#lab", "bob", ":)", "one", False, False, text="one"),
                Reacted("#lab", "alice", ":)", "one", True, True, text="one"),
                Reacted("bob", "bob", "x", "other", False, False),
            ],
        )

    def test_redactions(self) -> None:
        events = self.connection.feed(
            ":carol!u@h REDACT #lab one :too loud", ":bob!u@h REDACT alice other"
        )
        self.assertEqual(
            events,
            [
                Redacted("#lab", "carol", "one", "too loud", sender="bob"),
                Redacted("bob", "bob", "other", ""),
            ],
        )

    def test_typing(self) -> None:
        """typing: assumed to go on until "6 seconds have passed" (active), 30 (paused)."""
        words = ("active", "paused", "done", "unheard-of")
        events = self.connection.feed(*(f"@+typing={word} :bob!u@h TAGMSG #lab" for word in words))
        seconds = [event.seconds for event in events if isinstance(event, Typing)]
        self.assertEqual(seconds, [6.0, 30.0, 0.0, 0.0])
        self.assertEqual(self.connection.feed("@+typing=active :alice!u@h TAGMSG #lab"), [])

    def test_read_markers(self) -> None:
        events = self.connection.feed(
            ":s MARKREAD #lab timestamp=2026-01-01T00:00:09.000Z", ":s MARKREAD bob *"
        )
        read = datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC)
        self.assertEqual(events, [ReadUpTo("#lab", read), ReadUpTo("bob", None)])

    def test_away(self) -> None:
        events = self.connection.feed(":bob!u@h AWAY :lunch", ":s 306 alice :You are away")
        expected = [AwayChanged("bob", True, False, "lunch"), AwayChanged("alice", True, True)]
        self.assertEqual(events, expected)
        self.assertEqual([m.away for m in self.members("bob") + self.members("alice")], [True] * 2)
        self.connection.feed(":bob!u@h AWAY", ":s 305 alice :You are back")
        self.assertEqual([m.away for m in self.members("bob") + self.members("alice")], [False] * 2)

    def test_accounts(self) -> None:
        """extended-join: "an asterisk (*) if they are not" logged in."""
        self.connection.feed(":dave!u@h JOIN #lab dave :Dave", ":eve!u@h JOIN #lab * :Eve")
        accounts = [member.account for member in self.members("dave") + self.members("eve")]
        self.assertEqual(accounts, ["dave", None])
        events = self.connection.feed(":dave!u@h ACCOUNT *", ":eve!u@h ACCOUNT eve")
        self.assertEqual(
            events, [AccountChanged("dave", None, False), AccountChanged("eve", "eve", False)]
        )
        (said,) = self.connection.feed("@account=bob :bob!u@h PRIVMSG #lab hi")
        assert isinstance(said, Said)
        self.assertEqual((said.account, self.members("bob")[0].account), ("bob", "bob"))
        # A list of names knows nothing of accounts, and takes nothing back.
        self.connection.feed(":s 353 alice = #lab :alice @bob", ":s 366 alice #lab :End")
        self.assertEqual(self.members("bob"), [Member("bob", "@", "bob")])

    def test_names_and_hosts(self) -> None:
        events = self.connection.feed(
            ":bob!u@h SETNAME :Bob B", ":bob!u@h CHGHOST v w", ":alice!u@h CHGHOST v longer.host"
        )
        self.assertEqual(
            events[:2], [RealnameChanged("bob", "Bob B"), HostChanged("bob", "v", "w")]
        )
        self.assertEqual(self.connection.state.source, "alice!v@longer.host")
