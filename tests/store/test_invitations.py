"""The invitations' table, on both databases."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import gatherResults

from chat.network.ids import Timestamp
from chat.network.records import Invited
from chat.store.invitations import Invitations
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test

ONE = Invited(b"1" * 32, "Alice", "laptop", "user", Timestamp(1000), Timestamp(5000))


class InvitationsTests(StoreTestCase):
    @coroutine_test
    async def test_add_find_withdraw(self) -> None:
        invitations = Invitations(await self.new_database())
        later = evolve(ONE, id=b"2" * 32, created=Timestamp(2000))
        await invitations.add(later)
        await invitations.add(ONE)
        self.assertEqual(await invitations.all(), [ONE, later])
        self.assertEqual(await invitations.find(ONE.id), ONE)
        self.assertIs(await invitations.withdraw(ONE.id), True)
        self.assertIs(await invitations.withdraw(ONE.id), False)
        self.assertIsNone(await invitations.find(ONE.id))

    @coroutine_test
    async def test_only_open_ones_of_the_account_count(self) -> None:
        invitations = Invitations(await self.new_database())
        names = ("alice", "ALICE", "bob", "Alice")
        made = [evolve(ONE, id=bytes([n] * 32), account=name) for n, name in enumerate(names)]
        added = [await invitations.add_within(2, invited) for invited in made]
        self.assertEqual(added, [True, True, True, False])
        await invitations.use(made[0].id, Timestamp(2000))
        self.assertTrue(await invitations.add_within(2, made[3]))
        later = evolve(ONE, created=ONE.expires, expires=Timestamp(9000))
        self.assertTrue(await invitations.add_within(1, later))

    @coroutine_test
    async def test_used_once_and_in_time(self) -> None:
        """Of eight at the same time one gets it."""
        invitations = Invitations(await self.new_database())
        await invitations.add(ONE)
        self.assertIs(await invitations.use(ONE.id, Timestamp(5000)), False)
        uses = [invitations.use(ONE.id, Timestamp(4999)) for _ in range(8)]
        self.assertEqual(sorted(await gatherResults(uses)), [False] * 7 + [True])
        self.assertEqual(await invitations.find(ONE.id), evolve(ONE, used=Timestamp(4999)))
        self.assertIs(await invitations.use(b"3" * 32, Timestamp(1)), False)

    @coroutine_test
    async def test_prune(self) -> None:
        invitations = Invitations(await self.new_database())
        await invitations.add(ONE)
        self.assertEqual(await invitations.prune(Timestamp(5000)), 0)
        self.assertEqual(await invitations.prune(Timestamp(5001)), 1)
        self.assertEqual(await invitations.all(), [])


class SQLiteInvitationsTests(InvitationsTests, SQLiteCase):
    pass


class MariaDBInvitationsTests(InvitationsTests, MariaDBCase):
    pass


del InvitationsTests
