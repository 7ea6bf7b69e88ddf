from __future__ import annotations

from collections.abc import Generator
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, gatherResults, inlineCallbacks, succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chat.features.feature import CheckOperator, CheckPassword, FindAccount
from chat.network.errors import UnavailableError
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.server.backoff import Backoff
from chat.server.gatekeeper import Gatekeeper
from chat.server.passwords import hash_password

ALICE = Account("Alice", hash_password("secret", 4), "user", Timestamp(0))


class Accounts:
    away = False

    def find(self, name: str) -> Deferred[Account | None]:
        if self.away:
            return fail(UnavailableError("The accounts could not be read in time"))
        return succeed(ALICE if name.lower() == "alice" else None)


class GatekeeperTests(TestCase):
    def setUp(self) -> None:
        self.accounts = Accounts()
        operators = {"root": hash_password("sesame", 4).decode()}
        self.gatekeeper = Gatekeeper(reactor, self.accounts, operators)
        self.gatekeeper.start()
        self.addCleanup(self.gatekeeper.stop)

    def check(self, name: str, password: str, host: str = "h") -> Deferred[Account | None]:
        return self.gatekeeper.ask(CheckPassword(name, password), host)

    @inlineCallbacks
    def test_answers(self) -> Generator[Deferred[Any], Any, None]:
        self.assertEqual((yield self.check("alice", "secret")), ALICE)
        self.assertIsNone((yield self.check("alice", "wrong")))
        self.assertIsNone((yield self.check("nobody", "secret")))
        self.assertEqual((yield self.gatekeeper.ask(FindAccount("alice"), "h")), ALICE)
        for name, password, wanted in (
            ("root", "sesame", True),
            ("root", "x", False),
            ("x", "", False),
        ):
            query = CheckOperator(name, password)
            self.assertIs((yield self.gatekeeper.ask(query, "other")), wanted)

    @inlineCallbacks
    def test_who_fails_again_and_again_waits(self) -> Generator[Deferred[Any], Any, None]:
        """By account from anywhere, and by address for any account."""
        for _ in range(4):
            yield self.check("alice", "wrong", "attacker")
        for name, password, host in (("alice", "secret", "home"), ("bob", "x", "attacker")):
            refused = yield self.assertFailure(self.check(name, password, host), RefusedError)
            self.assertIn("try again in", refused.reply.text)
        self.assertIsNone((yield self.check("bob", "x", "home")))

    @inlineCallbacks
    def test_bounded(self) -> Generator[Deferred[Any], Any, None]:
        checks = [self.check("alice", "secret", f"h{number}") for number in range(130)]
        refused = [self.assertFailure(check, RefusedError) for check in checks[100:]]
        yield gatherResults([*checks[:100], *refused])

    def test_the_database_away(self) -> Deferred[Any]:
        self.accounts.away = True
        return self.assertFailure(self.check("alice", "secret"), UnavailableError)

    def test_no_secrets_in_a_repr(self) -> None:
        for query in (CheckPassword("a", "hidden"), CheckOperator("a", "hidden")):
            self.assertNotIn("hidden", repr(query))
        self.assertNotIn("$2b$", repr(ALICE))


class BackoffTests(SynchronousTestCase):
    def test_doubles_after_three(self) -> None:
        backoff = Backoff()
        waits = []
        for _ in range(12):
            backoff.failed("key", 0)
            waits.append(backoff.wait("key", 0))
        self.assertEqual(waits[:7], [0, 0, 0, 2, 4, 8, 16])
        self.assertEqual(waits[-1], 300)
        self.assertEqual(backoff.wait("key", 299), 1)
        self.assertEqual(backoff.wait("other", 0), 0)
        backoff.succeeded("key")
        self.assertEqual(backoff.wait("key", 0), 0)

    def test_memory_is_bounded(self) -> None:
        backoff = Backoff()
        for number in range(10_050):
            backoff.failed(str(number), 0)
        self.assertEqual(len(backoff._failures), 10_000)
