from __future__ import annotations

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList

from chat.network.events import AccountRemoved, Entry
from chat.network.ids import EventId, Timestamp
from chat.network.records import Account
from chat.store.accounts import Accounts
from chat.store.interfaces import AccountExistsError, IAccounts
from chat.store.log import EventLog
from chat.store.migrations import prepare
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test

HASH = bytes(range(256))[:255]
ALICE = Account("Alice", HASH, "admin", Timestamp(1_700_000_000_123), HASH[::-1])


class AccountTests(StoreTestCase):
    @coroutine_test
    async def test_found_in_any_case(self) -> None:
        accounts = Accounts(await self.new_database())
        self.assertTrue(IAccounts.providedBy(accounts))
        await accounts.add(ALICE)
        self.assertEqual(await accounts.find("aLICE"), ALICE)
        self.assertIsNone(await accounts.find("alice2"))

    @coroutine_test
    async def test_only_ascii_is_folded_and_bytes_are_compared(self) -> None:
        accounts = Accounts(await self.new_database())
        # A collation would call some of these equal; '0012' tests SQLite's type affinity.
        names = ["ß", "ss", "É", "é", "e", "0012", "12", "a "]
        for name in names:
            await accounts.add(Account(name, b"", "user", Timestamp(1)))
        self.assertCountEqual([account.name for account in await accounts.all()], names)
        self.assertIsNone(await accounts.find("a"))
        self.assertIsNone(await accounts.find("\udc80' OR 1=1 --"))

    @coroutine_test
    async def test_all_by_name(self) -> None:
        accounts = Accounts(await self.new_database())
        for name in ("bob", "Alice", "carol"):
            await accounts.add(evolve(ALICE, name=name))
        self.assertEqual([a.name for a in await accounts.all()], ["Alice", "bob", "carol"])

    @coroutine_test
    async def test_one_of_two_that_ask_at_once_has_the_name(self) -> None:
        url = self.make_url()
        first, second = self.open_database(url), self.open_database(url)
        await prepare(first)
        adds: list[Deferred[None]] = [
            Accounts(database).add(evolve(ALICE, name=name, role=role))
            for database, name, role in (
                (first, "alice", "user"),
                (second, "ALICE", "admin"),
                (first, "Alice", "operator"),
            )
        ]
        results = await DeferredList(adds, consumeErrors=True)
        self.assertEqual(sum(success for success, _ in results), 1)
        for success, result in results:
            if not success:
                self.assertIsInstance(result.value, AccountExistsError)
                self.assertNotIn("\\x", str(result.value))
        self.assertEqual(len(await Accounts(first).all()), 1)

    @coroutine_test
    async def test_set_password_and_remove_say_whether_it_was_there(self) -> None:
        accounts = Accounts(await self.new_database())
        await accounts.add(ALICE)
        self.assertTrue(await accounts.set_password("ALICE", b"new"))
        # The same value again: found, though nothing changes.
        self.assertTrue(await accounts.set_password("alice", b"new"))
        self.assertFalse(await accounts.set_password("bob", b"new"))
        found = await accounts.find("alice")
        # Keys of the password before must not log in any more.
        self.assertEqual(found, evolve(ALICE, password=b"new", scram=b""))
        self.assertTrue(await accounts.set_password("alice", b"newer", b"keys"))
        found = await accounts.find("alice")
        self.assertEqual(found, evolve(ALICE, password=b"newer", scram=b"keys"))
        removal = Entry(EventId("u1"), Timestamp(1), AccountRemoved("Alice"))
        self.assertTrue(await accounts.remove("Alice", removal))
        self.assertFalse(await accounts.remove("Alice", evolve(removal, uid=EventId("u2"))))
        self.assertEqual(await accounts.all(), [])

    @coroutine_test
    async def test_a_removal_is_in_the_log(self) -> None:
        """A server that runs must hear of it: both are there, or neither is."""
        database = await self.new_database()
        accounts, log = Accounts(database), EventLog(database, reactor)
        applied: list[Entry] = []
        await log.subscribe(0, applied.extend)
        await accounts.add(ALICE)
        removal = Entry(EventId("u1"), Timestamp(1), AccountRemoved("Alice"))
        await accounts.remove("Alice", removal)
        await accounts.remove("Alice", evolve(removal, uid=EventId("u2")))
        self.assertEqual(applied, [])
        # The server's next append finds what another process wrote before it.
        await log.append([evolve(removal, uid=EventId("u3"))], deadline=None)
        self.assertEqual([(entry.uid, entry.sequence) for entry in applied], [("u1", 1), ("u3", 2)])

    @coroutine_test
    async def test_a_length_that_the_schema_refuses_is_an_error_of_the_program(self) -> None:
        accounts = Accounts(await self.new_database())
        with self.assertRaises(self.driver_error()):
            await accounts.add(evolve(ALICE, name="x" * 256))
        with self.assertRaises(self.driver_error()):
            await accounts.add(evolve(ALICE, scram=b"x" * 256))


class SQLiteAccountTests(AccountTests, SQLiteCase):
    pass


class MariaDBAccountTests(AccountTests, MariaDBCase):
    pass


del AccountTests
