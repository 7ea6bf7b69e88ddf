"""SEARCH in the store: what is found, in which order, and where it ends."""

from __future__ import annotations

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import Clock

from chat.network.events import (
    Actor,
    Entry,
    Event,
    Joined,
    MessageRedacted,
    MessageRelayed,
    MessageSent,
    TextLine,
)
from chat.network.history import Conversation, Place, Room
from chat.network.ids import EventId, Timestamp
from chat.network.search import Found, Search
from chat.store.database import Database
from chat.store.interfaces import ISearcher
from chat.store.log import EventLog
from chat.store.search import Searcher
from tests.store.databases import (
    ALICE,
    BOB,
    MariaDBCase,
    SQLiteCase,
    StoreTestCase,
    coroutine_test,
    message,
)

ROOM = Room("#room")


def told(sender: Actor, account: str, text: str) -> MessageSent:
    return MessageSent(sender, "PRIVMSG", account, text, account=account)


class SearchTests(StoreTestCase):
    database: Database
    log: EventLog
    searcher: Searcher

    async def fill(self, *events: Event) -> None:
        """Store the events, one a second from 1000 on, with the ids e1, e2, ..."""
        self.database = await self.new_database()
        self.log = EventLog(self.database, reactor)
        await self.log.subscribe(0, lambda entries: None)
        await self.log.append(
            [
                Entry(EventId(f"e{n}"), Timestamp(n * 1000), event)
                for n, event in enumerate(events, start=1)
            ],
            deadline=10,
        )
        self.searcher = Searcher(self.database, reactor)

    async def find(
        self, text: str = "", *places: Place, limit: int = 99, rows: int = 9999, **more: object
    ) -> Found:
        wanted = Search(places or (ROOM,), limit, rows, text=text, **more)  # type: ignore[arg-type]
        return await self.searcher.search(wanted)

    async def ids(self, text: str = "", *places: Place, **more: object) -> str:
        """Return the numbers of what is found, which has to be all there is."""
        found = await self.find(text, *places, **more)  # type: ignore[arg-type]
        self.assertIsNone(found.moment)
        return numbers(found)

    @coroutine_test
    async def test_text_is_compared_without_case(self) -> None:
        texts = [
            "Fast food", "nothing", "breakFAST", "Straße", "ΣΊΣΥΦΟΣ", 'say "hi"', "back\\slash",
            "200 \u212a",
        ]  # fmt: skip
        await self.fill(*map(message, texts), Joined(ALICE, "#room", "fast"))
        self.assertTrue(ISearcher.providedBy(self.searcher))
        for text, wanted in (
            ("fast", "1 3"),
            ("FAST F", "1"),
            ("STRASSE", "4"),
            ("σίσυφος", "5"),
            ('"HI"', "6"),
            ("\\", "7"),
            ("200 k", "8"),
            ("", "1 2 3 4 5 6 7 8"),
            # What stands in the payload around the text.
            ("privmsg", ""),
            ("alice", ""),
            ("command", ""),
            ('"', "6"),
            ("#room", ""),
        ):
            self.assertEqual(await self.ids(text), wanted, text)

    @coroutine_test
    async def test_lines_of_one_message(self) -> None:
        lines = (TextLine("first line"), TextLine("second"))
        await self.fill(evolve(message("first line\nsecond"), lines=lines), message("x"))
        for text in ("FIRST", "line\nsec", "second"):
            self.assertEqual(await self.ids(text), "1")

    @coroutine_test
    async def test_sender(self) -> None:
        nick = Actor(BOB.client, "Bobby!b@host", "bob")
        guest = Actor(BOB.client, "bob_!b@bob", None)
        await self.fill(
            message("by alice"),
            evolve(message("bob"), actor=nick),
            evolve(message("x"), actor=guest),
            MessageRelayed(ALICE, "#room", "bob/d!relay@host", "bridge", "relayed"),
        )
        for sender, wanted in (("ALICE", "1"), ("bob", "2"), ("bobby", "2"), ("bob/D", "4")):
            self.assertEqual(await self.ids(sender=sender), wanted, sender)
        self.assertEqual(await self.ids("alice", sender="bob"), "")

    @coroutine_test
    async def test_moments_belong_to_what_is_searched(self) -> None:
        await self.fill(*(message(str(n)) for n in range(1, 10)))
        t = Timestamp
        self.assertEqual(await self.ids(after=t(3000), before=t(5000)), "3 4 5")
        # "If after is specified, messages SHOULD be searched from that time."
        self.assertEqual(await self.ids(after=t(2500), limit=2), "3 4")
        self.assertEqual(await self.ids(before=t(5000), limit=2), "4 5")
        self.assertEqual(await self.ids(limit=2), "8 9")
        self.assertEqual(await self.ids("", Room("#room", since=t(7500))), "8 9")
        self.assertEqual(await self.ids("", Room("#room", t(7500)), after=t(0), limit=1), "8")

    @coroutine_test
    async def test_all_places_newest_first(self) -> None:
        await self.fill(
            message("1"),
            told(ALICE, "bob", "2"),
            message("3", "#other"),
            told(BOB, "alice", "4"),
            told(BOB, "carol", "5"),
            message("6", "#secret"),
            message("7"),
            told(ALICE, "alice", "8"),
        )
        places = (ROOM, Room("#other"), Room("#empty"))
        for size in (1, 2, 100):
            self.searcher = Searcher(self.database, reactor, first_page=size)
            everywhere = {"account": "Alice"}
            self.assertEqual(await self.ids("", *places, **everywhere), "1 2 3 4 7 8")
            self.assertEqual(await self.ids("", *places, **everywhere, limit=3), "4 7 8")
            begin = {"after": Timestamp(0), **everywhere}
            self.assertEqual(await self.ids("", *places, **begin, limit=3), "1 2 3")
            late = {"since": Timestamp(3000), **everywhere}
            self.assertEqual(await self.ids("", *places, **late), "1 3 4 7 8")
        self.assertEqual(await self.ids("", Conversation("alice", "BOB")), "2 4")
        self.assertEqual(await self.ids("", *places), "1 3 7")

    @coroutine_test
    async def test_a_search_that_ends_too_early_says_where_to_go_on(self) -> None:
        names = ("#room", "#room", "#other")
        texts = ("yes", "no", "no", "no", "no")
        await self.fill(*(message(texts[n % 5], names[n % 3]) for n in range(60)))
        places = (ROOM, Room("#other"))
        whole = await self.ids("yes", *places)
        for direction in ("before", "after"):
            moment: dict[str, Timestamp] = {"after": Timestamp(0)} if direction == "after" else {}
            seen: set[str] = set()
            for _ in range(50):
                found = await self.find("yes", *places, rows=7, **moment)
                seen |= set(numbers(found).split())
                if found.moment is None:
                    break
                moment = {direction: found.moment}
            self.assertEqual(seen, set(whole.split()), direction)

    @coroutine_test
    async def test_a_search_ends_at_its_deadline(self) -> None:
        await self.fill(*(message(str(n)) for n in range(9)))
        clock = Clock()
        seconds = iter((0.0, 1.0, 9.0))
        self.patch(clock, "seconds", lambda: next(seconds))
        self.searcher = Searcher(self.database, clock, first_page=2)
        found = await self.find()
        self.assertEqual((numbers(found), found.moment), ("8 9", 8000))

    @coroutine_test
    async def test_a_redacted_message_is_not_found(self) -> None:
        await self.fill(
            message("secret"), MessageRedacted(ALICE, "#room", EventId("e1"), "secret", "#room")
        )
        self.assertEqual(await self.ids("secret"), "")

    @coroutine_test
    async def test_many_at_once(self) -> None:
        await self.fill(*(message(str(n)) for n in range(300)))
        searches = [self.searcher.search(Search((ROOM,), 1, 999, text="zzz")) for _ in range(20)]
        self.assertEqual(await gatherResults(searches), [Found(())] * 20)


def numbers(found: Found) -> str:
    return " ".join(entry.uid.removeprefix("e") for entry in found.entries)


class SQLiteSearchTests(SearchTests, SQLiteCase):
    pass


class MariaDBSearchTests(SearchTests, MariaDBCase):
    pass


del SearchTests
