from __future__ import annotations

from attrs import evolve

from chat.network.ids import Timestamp
from chat.network.records import (
    ChannelRecord,
    Checkpoint,
    ListEntry,
    NetworkBan,
    RecordKey,
    TopicRecord,
)
from chat.store.checkpoints import Checkpoints
from chat.store.interfaces import ICheckpoints
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test

ROOM = ChannelRecord(
    name="#Room",
    created=Timestamp(1),
    topic=TopicRecord("Grüße 🎉", "alice!a@host", Timestamp(2)),
    modes={"n": "", "l": "10"},
    lists={"b": (ListEntry("*!*@evil", "alice", Timestamp(3)),)},
    ranks={"alice": "ov"},
)


def key(name: str) -> RecordKey:
    return RecordKey(ChannelRecord, name)


class CheckpointTests(StoreTestCase):
    @coroutine_test
    async def test_a_new_database_is_at_zero(self) -> None:
        checkpoints = Checkpoints(await self.new_database())
        self.assertTrue(ICheckpoints.providedBy(checkpoints))
        self.assertEqual(await checkpoints.load(), Checkpoint(0, ()))

    @coroutine_test
    async def test_changed_are_replaced_and_removed_are_gone(self) -> None:
        checkpoints = Checkpoints(await self.new_database())
        other = evolve(ROOM, name="#other", topic=None)
        await checkpoints.save(5, [ROOM, other], [])
        self.assertEqual(await checkpoints.load(), Checkpoint(5, (other, ROOM)))
        changed = evolve(ROOM, name="#ROOM", topic=None)
        await checkpoints.save(9, [changed], [key("#Other"), key("#never")])
        self.assertEqual(await checkpoints.load(), Checkpoint(9, (changed,)))
        await checkpoints.save(9, [changed], [])

    @coroutine_test
    async def test_a_name_of_each_kind(self) -> None:
        checkpoints = Checkpoints(await self.new_database())
        ban = NetworkBan("#room", "spam", "op", Timestamp(1), Timestamp(2))
        await checkpoints.save(5, [ROOM, ban], [])
        self.assertEqual(await checkpoints.load(), Checkpoint(5, (ban, ROOM)))
        await checkpoints.save(6, [], [RecordKey(NetworkBan, "#room")])
        self.assertEqual(await checkpoints.load(), Checkpoint(6, (ROOM,)))

    @coroutine_test
    async def test_never_goes_back(self) -> None:
        checkpoints = Checkpoints(await self.new_database())
        await checkpoints.save(5, [ROOM], [])
        with self.assertRaisesRegex(ValueError, "at 5 cannot go back to 4"):
            await checkpoints.save(4, [], [key("#room")])
        self.assertEqual(await checkpoints.load(), Checkpoint(5, (ROOM,)))

    @coroutine_test
    async def test_a_save_is_all_or_nothing(self) -> None:
        database = await self.new_database()
        checkpoints = Checkpoints(database)
        await checkpoints.save(5, [ROOM], [])
        with self.assertRaises(self.driver_error()):
            await checkpoints.save(6, [evolve(ROOM, topic=None), evolve(ROOM, name="x" * 300)], [])
        self.assertEqual(await checkpoints.load(), Checkpoint(5, (ROOM,)))

    @coroutine_test
    async def test_a_large_record(self) -> None:
        checkpoints = Checkpoints(await self.new_database())
        many = tuple(ListEntry(f"*!*@host{n}", "alice", Timestamp(n)) for n in range(20_000))
        large = evolve(ROOM, lists={"b": many})
        await checkpoints.save(1, [large], [])
        self.assertEqual(await checkpoints.load(), Checkpoint(1, (large,)))


class SQLiteCheckpointTests(CheckpointTests, SQLiteCase):
    pass


class MariaDBCheckpointTests(CheckpointTests, MariaDBCase):
    pass


del CheckpointTests
