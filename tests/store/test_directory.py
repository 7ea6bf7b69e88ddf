"""The tables of the directory of end-to-end encryption, on both databases."""

from __future__ import annotations

import random
from collections import Counter

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from chat.network.directory import (
    Bundle,
    DeviceName,
    Payload,
    QueueLimits,
    Sending,
    SignedKey,
)
from chat.network.events import AccountRemoved
from chat.network.ids import Timestamp
from chat.network.records import Account
from chat.store.accounts import Accounts
from chat.store.database import Cursor, Database
from chat.store.directory import Directory
from chat.store.queues import Queues
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test, entry

NOW = Timestamp(1_700_000_000_000)
ALICE, BOB = DeviceName("Alice", "Laptop"), DeviceName("bob", "phone")
BUNDLE = Bundle(ALICE, b"bundle", "aa", Timestamp(NOW + 1000))
LIMITS = QueueLimits(5, 3, Timestamp(NOW - 1000))
EVERYTHING = 1 << 20


def key(name: str, *, is_fallback: bool = False) -> SignedKey:
    return SignedKey(name, b"public " + name.encode(), name.encode(), is_fallback)


class DirectoryTests(StoreTestCase):
    async def open(self) -> None:
        self.database: Database = await self.new_database()
        self.directory = Directory(self.database)
        self.queues = Queues(self.database, reactor, step=3)  # type: ignore[arg-type]

    async def publish(self, *bundles: Bundle) -> None:
        for bundle in bundles:
            await self.directory.publish(bundle, (), NOW)

    async def send(self, id_: str, data: bytes = b"x", *, at: int = 0) -> Sending:
        now = Timestamp(NOW + at)
        return await self.queues.send(ALICE, BOB, id_, data, (), LIMITS, now)

    async def waiting(self, after: int = 0, room: int = EVERYTHING) -> list[tuple[int, bytes]]:
        found = await self.queues.read(ALICE, (), after, LIMITS.since, room)
        return [(payload.position, payload.data) for payload in found.payloads]

    @coroutine_test
    async def test_bundles(self) -> None:
        await self.open()
        bob = Bundle(BOB, bytes(range(256)) * 64, "bb", Timestamp(5))
        phone = evolve(BUNDLE, device=DeviceName("alice", "a-phone"))
        self.assertEqual(await self.directory.bundles(["alice"], ()), [])
        self.assertIs(await self.directory.publish(BUNDLE, (), NOW), True)
        self.assertIs(await self.directory.publish(BUNDLE, (), NOW), False)
        await self.publish(bob, phone)
        self.assertEqual(await self.directory.bundles(["ALICE", "bob"], ()), [phone, BUNDLE, bob])
        self.assertEqual(await self.directory.bundles(["alice", "bob"], {"aa"}), [bob])
        many = [f"nobody{n}" for n in range(1200)]
        self.assertEqual(await self.directory.bundles([*many, "bob"], ()), [bob])
        self.assertEqual(await self.directory.bundles([], ()), [])
        renewed = evolve(BUNDLE, data=b"other", certificate="ac", expires=Timestamp(NOW + 5000))
        self.assertIs(await self.directory.publish(renewed, (), NOW), True)
        self.assertEqual(await self.directory.bundles(["alice"], {"aa"}), [renewed])
        self.assertEqual(
            await self.directory.all(),
            [evolve(each, data=b"") for each in (phone, renewed, bob)],
        )

    @coroutine_test
    async def test_of_a_certificate_that_is_gone_nothing_is_there(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        await self.directory.add_keys(ALICE, [key("A")], 100, (), NOW)
        await self.send("m1")
        gone = frozenset({"aa"})
        self.assertIsNone(await self.directory.claim(ALICE, gone, NOW))
        self.assertEqual(await self.directory.count_keys(ALICE, gone), 0)
        self.assertIsNone(await self.directory.add_keys(ALICE, [key("B")], 100, gone, NOW))
        sent = await self.queues.send(ALICE, BOB, "m2", b"", gone, LIMITS, NOW)
        self.assertIs(sent, Sending.UNKNOWN_DEVICE)
        found = await self.queues.read(ALICE, gone, 0, LIMITS.since, EVERYTHING)
        self.assertEqual(found.payloads, ())
        back = evolve(BUNDLE, certificate="ab")
        self.assertIs(await self.directory.publish(back, gone, Timestamp(NOW + 500)), True)
        self.assertEqual(await self.directory.count_keys(ALICE, ()), 0)
        self.assertEqual(await self.waiting(), [])
        await self.send("m1")
        self.assertEqual(await self.waiting(), [(NOW + 501, b"x")])

    @coroutine_test
    async def test_removed_with_all_that_is_there(self) -> None:
        await self.open()
        await self.publish(BUNDLE, Bundle(BOB, b"", "bb", NOW))
        await self.directory.add_keys(ALICE, [key("A")], 100, (), NOW)
        await self.send("m1")
        self.assertIs(await self.directory.remove(ALICE, "ab"), False)
        self.assertIs(await self.directory.remove(ALICE, "aa"), True)
        self.assertIs(await self.directory.remove(ALICE, "aa"), False)
        self.assertEqual(await self.rows(), (1, 0, 0))

    async def rows(self) -> tuple[int, ...]:
        return tuple(
            [
                await self.database.run_read(count, table)
                for table in ("e2e_device", "e2e_key", "e2e_payload")
            ]
        )

    @coroutine_test
    async def test_an_account_s_go_with_the_account(self) -> None:
        await self.open()
        accounts = Accounts(self.database)
        await accounts.add(Account("Alice", b"", "user", NOW))
        await self.publish(BUNDLE)
        await self.directory.add_keys(ALICE, [key("A")], 100, (), NOW)
        await self.send("m1")
        self.assertEqual(await self.rows(), (1, 1, 1))
        await accounts.remove("aLICE", entry(AccountRemoved("Alice")))
        self.assertEqual(await self.rows(), (0, 0, 0))

    @coroutine_test
    async def test_each_key_is_given_to_one_of_those_who_claim_at_once(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        await self.directory.add_keys(ALICE, [key(f"k{n}") for n in range(10)], 100, (), NOW)
        await self.directory.add_keys(ALICE, [key("F", is_fallback=True)], 100, (), NOW)
        claims = await gatherResults([self.directory.claim(ALICE, (), NOW) for _ in range(12)])
        given = [claim.key for claim in claims if claim is not None]
        self.assertEqual(given, [b"k%d" % n for n in range(10)] + [b"F", b"F"])
        self.assertEqual([claim.left for claim in claims if claim], [*range(9, -1, -1), 0, 0])
        self.assertIsNone(await self.directory.claim(BOB, (), NOW))

    @coroutine_test
    async def test_the_newest_keys_are_kept_and_the_last_given_remembered(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        for start in range(0, 60, 4):
            keys = [key(f"k{n}") for n in range(start, start + 4)]
            self.assertEqual(await self.directory.add_keys(ALICE, keys, 4, (), NOW), 4)
        self.assertEqual((await self.rows())[1], 44)  # four, and ten times as many
        self.assertEqual(await self.directory.add_keys(ALICE, [key("k50")], 4, (), NOW), 4)
        claim = await self.directory.claim(ALICE, (), NOW)
        assert claim is not None
        self.assertEqual(claim.key, b"k56")

    @coroutine_test
    async def test_a_key_of_the_same_id_takes_the_place(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        other = SignedKey("A", b"other", b"A2")
        for each in (key("A"), other, key("F", is_fallback=True), key("A", is_fallback=True)):
            # Keys of both kinds may have one id.
            await self.directory.add_keys(ALICE, [each], 100, (), NOW)
        given = [await self.directory.claim(ALICE, (), NOW) for _ in range(2)]
        self.assertEqual([claim.key for claim in given if claim], [b"A2", b"A"])

    @coroutine_test
    async def test_what_is_sent_waits_in_order_until_it_is_acknowledged(self) -> None:
        await self.open()
        self.assertIs(await self.send("m0"), Sending.UNKNOWN_DEVICE)
        await self.publish(BUNDLE)
        sent = [self.send(f"m{n}", b"%d" % n) for n in range(3)]
        for each in sent:
            self.assertIs(await each, Sending.SENT)
        everything = [(NOW + 1 + n, b"%d" % n) for n in range(3)]
        self.assertEqual(await self.waiting(), everything)
        self.assertEqual(await self.waiting(NOW + 1), everything[1:])
        self.assertEqual(await self.waiting(room=1), everything[:1])
        self.assertEqual(await self.waiting(room=0), everything[:1])
        found = await self.queues.read(ALICE, (), 0, LIMITS.since, 2)
        self.assertEqual((len(found.payloads), found.is_end), (2, False))
        self.assertEqual(found.payloads[0], Payload(BOB, NOW + 1, b"0"))
        self.assertEqual(await self.queues.acknowledge(ALICE, NOW + 2), 2)
        self.assertEqual(await self.queues.acknowledge(ALICE, NOW + 2), 0)
        self.assertEqual(await self.waiting(), everything[2:])
        await self.queues.acknowledge(ALICE, 2**63 - 1)
        await self.send("m3")
        self.assertEqual(await self.waiting(), [(NOW + 4, b"x")])

    @coroutine_test
    async def test_limits_and_repetitions(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        answers = [
            await self.send(word[0], word[1:].encode())
            for word in ("a1", "a1", "a2", "b1", "c1", "d1", "b1")
        ]
        sent, full = Sending.SENT, Sending.QUEUE_FULL
        self.assertEqual(answers, [sent, sent, Sending.ID_IN_USE, sent, sent, full, sent])
        others = [DeviceName(f"c{n}", "x") for n in range(3)]
        answers = [
            await self.queues.send(ALICE, each, "a", b"", (), LIMITS, NOW) for each in others
        ]
        self.assertEqual(answers, [sent, sent, full])
        later = evolve(LIMITS, since=Timestamp(NOW + 1))
        self.assertIs(await self.queues.send(ALICE, BOB, "a", b"3", (), later, later.since), sent)
        self.assertEqual(len(await self.waiting()), 1)

    @coroutine_test
    async def test_what_is_too_old_is_pruned_in_steps(self) -> None:
        await self.open()
        await self.publish(BUNDLE)
        wide = QueueLimits(100, 100, Timestamp(0))
        for n in range(10):
            await self.queues.send(ALICE, BOB, f"m{n}", b"", (), wide, Timestamp(NOW + n))
        self.assertEqual(await self.queues.prune(Timestamp(NOW + 7)), 7)
        self.assertEqual(await self.queues.prune(Timestamp(NOW + 7)), 0)
        self.assertEqual(
            [position for position, _ in await self.waiting()], [*range(NOW + 8, NOW + 11)]
        )

    @coroutine_test
    async def test_whatever_devices_do_keys_are_given_once_and_payloads_come_once(self) -> None:
        """A random history; what was uploaded or sent comes again now and then."""
        await self.open()
        for seed in range(3):
            chance = random.Random(seed)
            names = [DeviceName(f"p{seed}", device) for device in ("one", "two", "three")]
            await self.publish(*(Bundle(name, b"", "cc", NOW) for name in names))
            given: Counter[tuple[DeviceName, bytes | None]] = Counter()
            sent: dict[DeviceName, list[bytes]] = {name: [] for name in names}
            came: dict[DeviceName, dict[int, bytes]] = {name: {} for name in names}
            done: dict[DeviceName, int] = dict.fromkeys(names, 0)
            taken: dict[DeviceName, list[bytes]] = {name: [] for name in names}
            wide = QueueLimits(20, 20, Timestamp(0))
            for step in range(120):
                name, other = chance.choice(names), chance.choice(names)
                match chance.choice(("upload", "claim", "claim", "send", "send", "read", "ack")):
                    case "upload":
                        some = [key(f"{name.device}{chance.randrange(30)}") for _ in range(4)]
                        await self.directory.add_keys(name, some, 8, (), NOW)
                    case "claim":
                        claim = await self.directory.claim(name, (), NOW)
                        assert claim is not None
                        given[name, claim.key] += claim.key is not None
                    case "send":
                        for _ in range(chance.choice((1, 1, 2))):
                            data = b"%d" % step
                            answer = await self.queues.send(
                                name, other, f"m{step}", data, (), wide, NOW
                            )
                        if answer is Sending.SENT:
                            sent[name].append(data)
                    case "read":
                        # A new session: it begins at what was acknowledged.
                        found = await self.queues.read(name, (), 0, Timestamp(0), 10)
                        for payload in found.payloads:
                            before = came[name].setdefault(payload.position, payload.data)
                            self.assertEqual(before, payload.data)
                            self.assertGreater(payload.position, done[name])
                    case "ack":
                        fresh = [p for p in sorted(came[name]) if p > done[name]]
                        if fresh:
                            position = chance.choice(fresh)
                            await self.queues.acknowledge(name, position)
                            taken[name] += [came[name][p] for p in fresh if p <= position]
                            done[name] = position
            self.assertEqual([one for one, times in given.items() if times > 1], [])
            self.assertGreater(sum(given.values()), 5)
            for name in names:
                left = await self.queues.read(name, (), 0, Timestamp(0), EVERYTHING)
                rest = [payload.data for payload in left.payloads]
                self.assertEqual(taken[name] + rest, sent[name])


def count(cursor: Cursor, table: str) -> int:
    cursor.execute(f"SELECT COUNT(*) FROM {table}")
    ((rows,),) = cursor.fetchall()
    return int(rows)


class SQLiteDirectoryTests(DirectoryTests, SQLiteCase):
    pass


class MariaDBDirectoryTests(DirectoryTests, MariaDBCase):
    pass


del DirectoryTests
