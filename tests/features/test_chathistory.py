"""CHATHISTORY: who may read what, and how it is asked for and told."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.history import Around, Conversation, Page, Room, Span
from chat.network.settings import HistorySettings
from tests.support.world import World

CAPS = "draft/chathistory batch server-time message-tags labeled-response echo-message"
T1, T2 = "timestamp=2023-11-14T22:13:20.000Z", "timestamp=2023-11-14T22:13:21.500Z"

END = "@draft/chathistory-end"


class HistoryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob"):
            self.world.add_account(name)
        self.alice = self.world.client("alice", CAPS, account="alice")
        self.alice.exchange("JOIN #room")

    def test_batch(self) -> None:
        """ "the batch MUST have type chathistory and take a single additional parameter" """
        (echo,) = self.alice.exchange("@+x=y PRIVMSG #room :one")
        self.alice.exchange("TOPIC #room :not a message")
        start, line, end = self.alice.exchange("CHATHISTORY LATEST #ROOM * 10")
        self.assertEqual(start, f"{END} :irc.test BATCH +history chathistory #room")
        self.assertEqual(end, ":irc.test BATCH -history")
        played, live = parse(line.encode()), parse(echo.encode())
        self.assertEqual(played.tags, {**live.tags, "batch": "history"})
        self.assertEqual(played.params, ("#room", "one"))

    def test_a_reference_that_is_gone(self) -> None:
        """ "If no message history can be returned due to an error, the MESSAGE_ERROR error code
        SHOULD be returned" """
        self.world.page = None
        (line,) = self.alice.exchange("CHATHISTORY AFTER #room msgid=gone 10")
        self.assertIn(" FAIL CHATHISTORY MESSAGE_ERROR AFTER #room :", line)

    def test_label_is_on_the_batch(self) -> None:
        start, *_ = self.alice.exchange("@label=x CHATHISTORY LATEST #room * 10")
        self.assertEqual(start, f"{END};label=x :irc.test BATCH +history chathistory #room")

    def test_event_playback(self) -> None:
        self.alice.exchange("TOPIC #room :Topic", "@+react=x TAGMSG #room")
        self.alice.exchange("@+typing=active TAGMSG #room", "CAP REQ draft/event-playback")
        lines = self.alice.exchange("CHATHISTORY LATEST #room * 10")[1:-1]
        commands = [parse(line.encode()).command for line in lines]
        self.assertEqual(commands, ["JOIN", "TOPIC", "TAGMSG"])

    def test_parts(self) -> None:
        self.alice.exchange(
            "CHATHISTORY LATEST #room msgid=a 5",
            f"CHATHISTORY BEFORE #room {T1} 5",
            "CHATHISTORY AFTER #room msgid=a 9999",
            "CHATHISTORY AROUND #room msgid=a 5",
            f"CHATHISTORY BETWEEN #room {T2} {T1} 5",
            "CHATHISTORY BETWEEN #room msgid=a msgid=b 5",
            "CHATHISTORY LATEST bob * 5",
        )
        t1, t2 = 1_700_000_000_000, 1_700_000_001_500
        self.assertEqual(
            [query.part for query in self.world.history_asked],
            [
                Span(5, after="a", from_end=True),
                Span(5, before=t1, from_end=True),
                Span(100, after="a"),
                Around(5, "a"),
                Span(5, after=t1, before=t2, from_end=True),
                Span(5, after="a", before="b"),
                Span(5, from_end=True),
            ],
        )
        places = {query.place for query in self.world.history_asked}
        self.assertEqual(places, {Room("#room"), Conversation("alice", "bob")})

    def test_only_members_read(self) -> None:
        bob = self.world.client("bob", CAPS, account="bob")
        for target in ("#room", "#none"):
            (line,) = bob.exchange(f"CHATHISTORY LATEST {target} * 10")
            self.assertIn(f"FAIL CHATHISTORY INVALID_TARGET LATEST {target} :", line)
        self.assertEqual(self.world.history_asked, [])

    def test_a_guest_has_no_conversations(self) -> None:
        guest = self.world.client("guest", CAPS)
        self.assertEqual(len(guest.exchange("CHATHISTORY LATEST alice * 10")), 2)
        self.assertEqual(self.world.history_asked, [])

    def test_invalid(self) -> None:
        for words, code in (
            ("NONSENSE #room * 10", "INVALID_PARAMS"),
            ("LATEST #room", "INVALID_PARAMS"),
            ("LATEST #room * 10 20", "INVALID_PARAMS"),
            ("LATEST #room * many", "INVALID_PARAMS"),
            ("LATEST #room * 0", "INVALID_PARAMS"),
            ("BEFORE #room * 10", "INVALID_PARAMS"),
            ("BEFORE #room timestamp=yesterday 10", "INVALID_PARAMS"),
            ("BEFORE #room timestamp=2023-11-14 10", "INVALID_PARAMS"),
            ("BEFORE #room sequence=5 10", "INVALID_MSGREFTYPE"),
            ("TARGETS msgid=a msgid=b 10", "INVALID_PARAMS"),
            ("TARGETS 10", "INVALID_PARAMS"),
        ):
            (line,) = self.alice.exchange(f"CHATHISTORY {words}")
            self.assertIn(f" FAIL CHATHISTORY {code} {words.split()[0]} ", line)

    def test_the_end_is_marked(self) -> None:
        """Pull request 598 of the specifications: the tag is on the batch behind which there is
        nothing; without it a client may go on, however few messages came."""
        self.alice.exchange("PRIVMSG #room :one")
        for is_end in (True, False):
            self.world.page = Page((), is_end, from_end=True)
            start = self.alice.exchange("CHATHISTORY LATEST #room * 1")[0]
            self.assertEqual(start.startswith(END), is_end)
        (first, *_) = self.alice.exchange("JOIN #other", f"CHATHISTORY TARGETS {T1} {T2} 1")[-3:]
        self.assertEqual(first, ":irc.test BATCH +history draft/chathistory-targets")
        plain = self.world.client("bob", "batch", account="bob")
        plain.exchange("JOIN #room")
        self.world.page = Page((), is_end=True, from_end=True)
        start = plain.exchange("CHATHISTORY LATEST #room * 1")[0]
        self.assertEqual(start, ":irc.test BATCH +history chathistory #room")

    def test_a_page_fits_into_what_may_wait_for_a_client(self) -> None:
        for n in range(6):
            self.alice.exchange(f"PRIVMSG #room :{n} {'x' * 300}")
        limits = evolve(self.world.settings.limits, sendq=2 * 1000)
        self.alice.machine.settings = evolve(self.world.settings, limits=limits)
        for from_end, wanted in ((True, "4 5"), (False, "0 1"), (None, "2 3")):
            self.world.page = Page((), is_end=True, from_end=from_end)
            start, *lines, _ = self.alice.exchange("CHATHISTORY LATEST #room * 50")
            self.assertFalse(start.startswith(END))
            texts = [parse(line.encode()).params[1].split()[0] for line in lines]
            self.assertEqual(" ".join(texts), wanted)
        limits = evolve(limits, sendq=20)
        self.alice.machine.settings = evolve(self.world.settings, limits=limits)
        self.assertEqual(len(self.alice.exchange("CHATHISTORY LATEST #room * 50")), 3)

    def test_bounds_hold_at_once(self) -> None:
        self.world.settings = evolve(self.world.settings, history=HistorySettings(keep_days=2))
        self.alice.machine.settings = self.world.settings
        self.world.clock.advance(1000)
        now, day = 1_700_001_000_000, 86_400_000
        self.alice.exchange(
            "CHATHISTORY LATEST #room * 5",
            "CHATHISTORY LATEST bob * 5",
            "MODE #room +H 0:1d",
            "CHATHISTORY LATEST #room * 5",
            f"CHATHISTORY TARGETS {T1} {T2} 5",
            # A room can only be stricter.
            "MODE #room +H 0:30d",
            "CHATHISTORY LATEST #room * 5",
        )
        room, talk = Room("#room", now - 2 * day), Conversation("alice", "bob", now - 2 * day)
        short = Room("#room", now - day)
        places = [query.place for query in self.world.history_asked]
        self.assertEqual(places, [room, talk, short, room])
        (targets,) = self.world.targets_asked
        self.assertEqual((targets.rooms, targets.since), ((short,), now - 2 * day))

    def test_targets(self) -> None:
        lines = self.alice.exchange(f"CHATHISTORY TARGETS {T1} {T2} 10")
        self.assertEqual(lines[0], f"{END} :irc.test BATCH +history draft/chathistory-targets")
        self.assertEqual(
            lines[1],
            "@batch=history :irc.test CHATHISTORY TARGETS #room 2023-11-14T22:13:20.000Z",
        )
