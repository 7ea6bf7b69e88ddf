from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet import reactor

from chat.network.events import (
    Actor,
    Entry,
    Event,
    Joined,
    MessageRedacted,
    MessageSent,
    TagsSent,
    Tombstone,
)
from chat.network.history import (
    MESSAGES,
    PLAYBACK,
    Around,
    Conversation,
    Layer,
    Recent,
    Room,
    Span,
)
from chat.network.ids import ClientId, EventId, Timestamp
from chat.store.database import Cursor, Database
from chat.store.history import History
from chat.store.interfaces import IHistory
from chat.store.log import EventLog
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test, entry

ALICE = Actor(ClientId("a"), "alice!a@h", "Alice")
BOB = Actor(ClientId("b"), "bob!b@h", "bob")


def said(text: str, channel: str = "#Room") -> MessageSent:
    return MessageSent(ALICE, "PRIVMSG", channel, text, channel=channel)


def told(sender: Actor, account: str, text: str) -> MessageSent:
    return MessageSent(sender, "PRIVMSG", account, text, account=account)


class HistoryTests(StoreTestCase):
    database: Database

    async def fill(self, *events: Event) -> History:
        """Store the events, one a second from 1000 on, with the ids e1, e2, ..."""
        database = self.database = await self.new_database()
        log = EventLog(database, reactor)
        await log.subscribe(0, lambda entries: None)
        await log.append(
            [
                Entry(EventId(f"e{n}"), Timestamp(n * 1000), event)
                for n, event in enumerate(events, start=1)
            ],
            deadline=10,
        )
        return History(database)

    async def texts(self, history: History, part: Span | Around, place: Any = None) -> list[str]:
        page = await history.read(place or Room("#room"), part, MESSAGES)
        return [entry.event.text for entry in page.entries] if page is not None else ["unknown"]

    @coroutine_test
    async def test_spans_by_id_and_by_time(self) -> None:
        history = await self.fill(*(said(str(n)) for n in range(1, 11)))
        self.assertTrue(IHistory.providedBy(history))
        e, t = EventId, Timestamp
        for span, wanted in (
            (Span(3, from_end=True), "8 9 10"),
            (Span(99, after=e("e7"), from_end=True), "8 9 10"),
            (Span(2, after=t(7000), from_end=True), "9 10"),
            (Span(3, before=e("e5"), from_end=True), "2 3 4"),
            (Span(3, before=t(5000), from_end=True), "2 3 4"),
            (Span(3, before=t(5500), from_end=True), "3 4 5"),
            (Span(3, after=e("e5")), "6 7 8"),
            (Span(3, after=t(5000)), "6 7 8"),
            (Span(3, after=t(4500)), "5 6 7"),
            (Span(3, after=t(0)), "1 2 3"),
            (Span(3, after=t(10_000)), ""),
            (Span(3, before=t(1000), from_end=True), ""),
            (Span(9, after=e("e2"), before=e("e6")), "3 4 5"),
            (Span(2, after=e("e2"), before=e("e6")), "3 4"),
            (Span(2, after=e("e6"), before=e("e2")), "4 5"),
            (Span(2, after=t(2000), before=t(6000), from_end=True), "4 5"),
            (Span(9, after=e("unknown")), "unknown"),
            (Span(9, before=e("unknown")), "unknown"),
            (Around(4, e("e5")), "3 4 5 6"),
            (Around(3, t(5000)), "4 5 6"),
            (Around(4, e("e1")), "1 2 3 4"),
            (Around(4, e("unknown")), "unknown"),
        ):
            self.assertEqual(" ".join(await self.texts(history, span)), wanted, span)

    @coroutine_test
    async def test_places_are_apart(self) -> None:
        history = await self.fill(
            said("in room"),
            said("elsewhere", "#other"),
            told(ALICE, "bob", "hello"),
            told(BOB, "alice", "hi"),
            told(ALICE, "carol", "secret"),
            told(ALICE, "alice", "note"),
        )
        whole = Span(99)
        self.assertEqual(await self.texts(history, whole), ["in room"])
        for pair, wanted in (
            (("alice", "BOB"), ["hello", "hi"]),
            (("bob", "alice"), ["hello", "hi"]),
            (("bob", "carol"), []),
            (("alice", "alice"), ["note"]),
        ):
            self.assertEqual(await self.texts(history, whole, Conversation(*pair)), wanted)

    @coroutine_test
    async def test_kinds(self) -> None:
        reaction = TagsSent(ALICE, "TAGMSG", "#room", "", channel="#room", tags={"+react": "x"})
        history = await self.fill(Joined(ALICE, "#room"), said("one"), reaction)
        entries = (await history.read(Room("#room"), Span(9), PLAYBACK)).entries
        kinds = [type(entry.event) for entry in entries]
        self.assertEqual(kinds, [Joined, MessageSent, TagsSent])
        self.assertEqual(entries[2].event, reaction)
        self.assertEqual((entries[1].uid, entries[1].time), ("e2", 2000))
        self.assertEqual(await self.texts(history, Span(9)), ["one"])

    @coroutine_test
    async def test_nothing_of_a_redacted_message_stays(self) -> None:
        history = await self.fill(
            said("keep"),
            said("secret words"),
            MessageRedacted(ALICE, "#room", EventId("e2"), "oops", "#room"),
        )
        self.assertEqual(await self.texts(history, Span(9)), ["keep"])
        self.assertEqual((await history.find("e2")).event, Tombstone())
        self.assertIsNone(await history.find("e9"))
        everything = await history.read(Room("#room"), Span(9), list(Layer))
        self.assertEqual([entry.uid for entry in everything.entries], ["e1", "e2", "e3"])
        # Who was away, and keeps the message, is told.
        page = await history.read(Room("#room"), Span(9, after=EventId("e2")), PLAYBACK)
        self.assertEqual([entry.uid for entry in page.entries], ["e3"])
        self.assertNotIn("secret", repr(everything))
        # What others know its id for still works.
        self.assertEqual(await self.texts(history, Span(9, before=EventId("e2"))), ["keep"])

    @coroutine_test
    async def test_the_end_is_told(self) -> None:
        history = await self.fill(*(said(str(n)) for n in range(1, 6)))
        for part, is_end in (
            (Span(4, from_end=True), False),
            (Span(5, from_end=True), True),
            (Span(2, after=EventId("e3")), True),
            (Span(1, after=EventId("e3")), False),
            (Span(1, after=EventId("e5"), before=EventId("e3")), True),
            (Span(1, after=EventId("e5"), before=EventId("e2")), False),
            (Around(5, EventId("e3")), False),
            (Around(6, EventId("e3")), True),
        ):
            page = await history.read(Room("#room"), part, MESSAGES)
            self.assertEqual(page.is_end, is_end, part)

    @coroutine_test
    async def test_nothing_is_shown_of_before_a_moment(self) -> None:
        history = await self.fill(
            *(said(str(n)) for n in range(1, 6)), told(ALICE, "bob", "old"), said("7")
        )
        room = Room("#room", since=Timestamp(3000))
        for part, wanted in (
            (Span(9), "3 4 5 7"),
            (Span(2, from_end=True), "5 7"),
            (Span(9, before=EventId("e4"), from_end=True), "3"),
            (Span(9, after=Timestamp(1000)), "3 4 5 7"),
            (Around(4, EventId("e3")), "3 4 5 7"),
            (Span(9, before=Timestamp(2000)), ""),
        ):
            self.assertEqual(" ".join(await self.texts(history, part, room)), wanted, part)
        moments = Timestamp(0), Timestamp(9999)
        recent = await history.targets(
            "alice", [Room("#room", Timestamp(7001))], Timestamp(6001), *moments, 9
        )
        self.assertEqual(recent, [])
        recent = await history.targets("alice", [room], Timestamp(6000), *moments, 9)
        self.assertEqual(recent, [Recent("bob", 6000), Recent("#room", 7000)])

    @coroutine_test
    async def test_what_was_said_to_operators_alone_is_no_history(self) -> None:
        history = await self.fill(evolve(said("psst"), target="@#room", rank="o"), said("all"))
        self.assertEqual(await self.texts(history, Span(9)), ["all"])

    @coroutine_test
    async def test_targets(self) -> None:
        history = await self.fill(
            said("old", "#quiet"),
            said("one"),
            told(ALICE, "bob", "hello"),
            told(BOB, "Alice", "hi"),
            evolve(told(BOB, "carol", "secret"), actor=BOB),
            said("two"),
        )

        async def targets(after: int, before: int, limit: int = 9) -> list[Recent]:
            rooms = [Room("#Room"), Room("#quiet"), Room("#empty")]
            return await history.targets(
                "Alice", rooms, Timestamp(0), Timestamp(after), Timestamp(before), limit
            )

        room, bob, quiet = Recent("#Room", 6000), Recent("bob", 4000), Recent("#quiet", 1000)
        self.assertEqual(await targets(0, 9999), [quiet, bob, room])
        self.assertEqual(await targets(0, 9999, 2), [quiet, bob])
        self.assertEqual(await targets(1000, 6000), [bob])
        self.assertEqual(await history.targets(None, [], 0, 0, 9999, 9), [])


class SQLiteHistoryTests(HistoryTests, SQLiteCase):
    @coroutine_test
    async def test_no_byte_of_a_redacted_message_stays_in_the_file(self) -> None:
        """Neither in the row nor in pages that are free now, which a long text had."""
        long = "sesame " * 2000
        messages = [said(f"keep {n}") for n in range(50)]
        await self.fill(*messages, said("open sesame"), said(long), said("keep the last"))
        path = Path(self.database.dialect.url.path)
        await self.database.run_write(_checkpoint, deadline=5)
        self.assertIn(b"sesame", path.read_bytes())
        log = EventLog(self.database, reactor)
        await log.subscribe(53, lambda entries: None)
        for uid in ("e51", "e52"):
            redaction = MessageRedacted(ALICE, "#room", EventId(uid), "oops", "#room")
            await log.append([entry(redaction)], deadline=10)
        await self.database.run_write(_checkpoint, deadline=5)
        self.assertNotIn(b"sesame", path.read_bytes())
        self.assertIn(b"keep the last", path.read_bytes())


def _checkpoint(cursor: Cursor) -> None:
    """Bring the write-ahead log into the file, outside of a transaction, and empty it."""
    cursor.execute("COMMIT")
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((busy, *_),) = cursor.fetchall()
    assert not busy


class MariaDBHistoryTests(HistoryTests, MariaDBCase):
    pass


del HistoryTests
