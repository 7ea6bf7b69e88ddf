"""What is deleted, what is not, and that a log some of which is deleted still works."""

from __future__ import annotations

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.task import Clock

from chat.network.certificate import Certificate
from chat.network.devices import of_account
from chat.network.events import (
    Actor,
    AwayChanged,
    Entry,
    Event,
    Joined,
    KeptSessionRegistered,
    MessageSent,
    SessionEnded,
)
from chat.network.history import PLAYBACK, Conversation, Place, Room, Span
from chat.network.ids import ClientId, EventId, SessionId, Timestamp
from chat.network.retention import Retention
from chat.network.state import Network
from chat.store.checkpoints import Checkpoints
from chat.store.database import Cursor, Database
from chat.store.history import History
from chat.store.interfaces import UnavailableError, UnusableError
from chat.store.log import EventLog
from chat.store.pruning import Pruner
from tests.store.databases import (
    ALICE,
    BOB,
    MariaDBCase,
    SQLiteCase,
    StoreTestCase,
    coroutine_test,
    entry,
    message,
    texts,
)

DAY = 86_400
ENDED = SessionEnded(SessionId("s"), "bye")
FOR_EVER = Retention()


def told(text: str, account: str = "bob") -> MessageSent:
    return MessageSent(ALICE, "PRIVMSG", account, text, account=account)


class PruningTests(StoreTestCase):
    database: Database
    log: EventLog

    async def fill(self, *events: Event, checkpoint: int | None = None) -> Pruner:
        """Store the events, one a day from day 1 on; by default all are behind the checkpoint."""
        self.database = await self.new_database()
        self.log = EventLog(self.database, reactor)
        await self.log.subscribe(0, lambda entries: None)
        await self.log.append(
            [
                Entry(EventId(f"e{n}"), Timestamp(n * DAY * 1000), event)
                for n, event in enumerate(events, start=1)
            ],
            deadline=10,
        )
        last = len(events) if checkpoint is None else checkpoint
        await Checkpoints(self.database).save(last, [], [])
        return Pruner(self.database, self.log, reactor, step=2)

    async def left(self) -> list[int]:
        """Return the sequences that are left."""
        return await self.database.run_read(_sequences)

    async def shown(self, place: Place) -> list[str]:
        page = await History(self.database).read(place, Span(99), PLAYBACK)
        assert page is not None
        return [entry.uid for entry in page.entries]

    def at(self, day: float) -> Timestamp:
        return Timestamp(int(day * DAY * 1000))

    @coroutine_test
    async def test_what_is_no_history_goes_after_a_day(self) -> None:
        pruner = await self.fill(ENDED, message("1"), ENDED, told("2"), ENDED, ENDED)
        self.assertEqual(await pruner.run(FOR_EVER, {}, self.at(6.5)), 3)
        self.assertEqual(await self.left(), [2, 4, 6])
        self.assertEqual(await pruner.run(FOR_EVER, {}, self.at(6.5)), 0)

    @coroutine_test
    async def test_age(self) -> None:
        pruner = await self.fill(
            message("1"), told("2"), Joined(ALICE, "#room"), message("4"), told("5"), ENDED
        )
        self.assertEqual(await pruner.run(Retention(0, 2 * DAY), {}, self.at(5.5)), 3)
        self.assertEqual(await self.left(), [4, 5, 6])

    @coroutine_test
    async def test_number(self) -> None:
        """So many messages of each place, and the events since the first of them."""
        events = [
            Joined(ALICE, "#Room"), message("2"), told("3"), message("4"), Joined(BOB, "#room"),
            told("6", "carol"), message("7"), message("8", "#other"), told("9"), told("10"),
        ]  # fmt: skip
        pruner = await self.fill(*events)
        self.assertEqual(await pruner.run(Retention(2), {}, self.at(10)), 3)
        self.assertEqual(await self.shown(Room("#room")), ["e4", "e5", "e7"])
        self.assertEqual(await self.shown(Room("#other")), ["e8"])
        self.assertEqual(await self.shown(Conversation("alice", "bob")), ["e9", "e10"])
        self.assertEqual(await self.shown(Conversation("alice", "carol")), ["e6"])

    @coroutine_test
    async def test_a_room_of_its_own_bounds(self) -> None:
        events = [message(str(n), f"#{name}") for n in range(3) for name in ("few", "new", "x")]
        pruner = await self.fill(*events)
        rooms = {"#Few": Retention(1), "#new": Retention(0, 3 * DAY)}
        await pruner.run(FOR_EVER, rooms, self.at(10.5))
        self.assertEqual(await self.shown(Room("#few")), ["e7"])
        self.assertEqual(await self.shown(Room("#new")), ["e8"])
        self.assertEqual(await self.shown(Room("#x")), ["e3", "e6", "e9"])

    @coroutine_test
    async def test_nothing_goes_that_the_checkpoint_has_not_passed(self) -> None:
        events = [ENDED, message("2"), ENDED, message("4"), message("5")]
        pruner = await self.fill(*events, checkpoint=3)
        await pruner.run(Retention(1, DAY), {"#room": Retention(1, 1)}, self.at(99))
        self.assertEqual(await self.left(), [4, 5])

    @coroutine_test
    async def test_a_start_still_finds_who_stays_with_no_device(self) -> None:
        registered = KeptSessionRegistered(
            SessionId("s"), "alice", "a", "host", "Alice", "alice", Certificate("aa")
        )
        actor = Actor(ClientId("s"), "alice!a@host", "alice")
        events = [registered, Joined(actor, "#room"), ENDED, AwayChanged(actor, "Out")]
        pruner = await self.fill(*events, checkpoint=3)
        network = Network()
        for logged in await self.log.read(0, 3):
            network.apply(logged)
        changed, removed = network.take_touched()
        await Checkpoints(self.database).save(3, changed, removed)
        await pruner.run(Retention(1, DAY), {}, self.at(99))
        self.assertEqual(await self.left(), [4])
        network = Network()
        checkpoint = await Checkpoints(self.database).load()
        network.restore(checkpoint.records)
        for logged in await self.log.read(checkpoint.sequence, 9):
            network.apply(logged)
        (alice,) = network.channels["#room"].members
        self.assertEqual((alice.nick, alice.is_kept, alice.away), ("alice", True, "Out"))
        (device,) = of_account(network, "alice")
        self.assertEqual(device.last_seen, self.at(3))

    @coroutine_test
    async def test_not_while_much_waits_for_the_log(self) -> None:
        await self.fill(ENDED, ENDED)
        log = EventLog(self.database, Clock())
        for _ in range(101):
            # It has no subscriber yet, and so writes nothing.
            log.append([entry("waits")], deadline=None).addErrback(lambda failure: None)
        self.assertEqual(await Pruner(self.database, log, reactor).run(FOR_EVER, {}, self.at(9)), 0)
        self.assertEqual(await self.left(), [1, 2])
        await log.drain()

    @coroutine_test
    async def test_a_start_from_the_checkpoint(self) -> None:
        pruner = await self.fill(ENDED, message("2"), ENDED, message("4"), checkpoint=3)
        await pruner.run(Retention(0, DAY), {}, self.at(99))
        seen: list[Entry] = []
        log = EventLog(self.database, reactor)
        await log.subscribe(3, seen.extend)
        self.assertEqual((texts(seen), log.position), (["4"], 4))
        await log.append([entry("5")], deadline=10)
        self.assertEqual((texts(seen), log.position), (["4", "5"], 5))

    @coroutine_test
    async def test_a_start_at_an_end_that_is_deleted(self) -> None:
        pruner = await self.fill(message("1"), ENDED)
        await pruner.run(Retention(0, DAY), {}, self.at(99))
        self.assertEqual(await self.left(), [])
        log = EventLog(self.database, reactor)
        await log.subscribe(2, lambda entries: None)
        await log.append([entry("3")], deadline=10)
        self.assertEqual(log.position, 3)

    @coroutine_test
    async def test_a_second_process_reads_what_it_missed(self) -> None:
        pruner = await self.fill(ENDED, message("2"))
        seen: list[Entry] = []
        second = EventLog(self.database, reactor)
        await second.subscribe(2, seen.extend)
        await self.log.append([entry("3")], deadline=10)
        await pruner.run(Retention(0, DAY), {}, self.at(99))
        await second.append([entry("4")], deadline=10)
        self.assertEqual(texts(seen), ["3", "4"])

    @coroutine_test
    async def test_who_missed_what_is_deleted_takes_nothing(self) -> None:
        """No state is built from a part of the log: neither by a start, nor by a gap."""
        await self.fill(message("1"))
        late = EventLog(self.database, reactor)
        await late.subscribe(1, lambda entries: None)
        await self.log.append([entry(ENDED), entry("3")], deadline=10)
        await Checkpoints(self.database).save(3, [], [])
        away = evolve(FOR_EVER, seconds=1)
        await Pruner(self.database, self.log, reactor).run(away, {}, Timestamp(2**60))
        self.assertEqual(await self.left(), [])
        await self.log.append([entry("4")], deadline=10)
        with self.assertRaises(UnavailableError):
            await late.append([entry("5")], deadline=0.1)
        with self.assertRaisesRegex(UnusableError, "not whole"):
            await EventLog(self.database, reactor).subscribe(1, lambda entries: None)
        self.assertEqual(await self.left(), [4])
        await late.drain(0.0)


def _sequences(cursor: Cursor) -> list[int]:
    cursor.execute("SELECT sequence FROM event ORDER BY sequence")
    return [sequence for (sequence,) in cursor.fetchall()]


class SQLitePruningTests(PruningTests, SQLiteCase):
    pass


class MariaDBPruningTests(PruningTests, MariaDBCase):
    pass


del PruningTests
