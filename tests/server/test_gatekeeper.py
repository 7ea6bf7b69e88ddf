from __future__ import annotations

from collections.abc import Generator
from typing import Any

from attrs import evolve
from scramp import ScramMechanism
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, gatherResults, inlineCallbacks, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chat.features.feature import AddAccount, CheckOperator, CheckPassword, FindAccount, Query
from chat.features.scram import Challenge, JudgeProof, ScramKeys
from chat.network.errors import UnavailableError
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.server.backoff import Backoff
from chat.server.gatekeeper import Gatekeeper
from chat.server.passwords import (
    SCRAM_ITERATIONS,
    check_password,
    hash_password,
    make_scram_keys,
    parse_scram_keys,
)

ALICE = Account(
    "Alice", hash_password("secret", 4), "user", Timestamp(0), make_scram_keys("secret")
)


class Accounts:
    away = False

    def __init__(self) -> None:
        self.held = {
            "alice": ALICE,
            "device": evolve(ALICE, name="device", password=b"", scram=b""),
        }

    def find(self, name: str) -> Deferred[Account | None]:
        if self.away:
            return fail(UnavailableError("The accounts could not be read in time"))
        return succeed(self.held.get(name.lower()))

    def add(self, account: Account) -> Deferred[None]:
        self.held[account.name] = account
        return succeed(None)


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
    def test_a_new_account_has_both(self) -> Generator[Deferred[Any], Any, None]:
        account = yield self.gatekeeper.ask(AddAccount("carol", "secret"), "h")
        self.assertTrue(check_password("secret", account.password))
        keys = parse_scram_keys(account.scram)
        made = ScramMechanism().make_auth_info("secret", keys.iterations, keys.salt)
        self.assertEqual((keys.stored, keys.server), made[1:3])

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
        self.assertNotIn("SCRAM", repr(ALICE))
        self.assertNotIn("stored", repr(parse_scram_keys(ALICE.scram)))


class ScramTests(TestCase):
    def setUp(self) -> None:
        self.accounts = Accounts()
        self.clock = Clock()
        self.gatekeeper = Gatekeeper(self.clock, self.accounts, {}, b"the server's")

    def ask(self, query: Query, host: str = "h") -> Any:
        return self.successResultOf(self.gatekeeper.ask(query, host))

    def challenge(self, name: str) -> Challenge:
        challenge: Challenge = self.ask(ScramKeys(name))
        return challenge

    def test_keys(self) -> None:
        """RFC 5802, 5.1: the nonce is "a sequence of random printable ASCII characters"."""
        first, second = self.challenge("alice"), self.challenge("ALICE")
        self.assertEqual(first.keys, parse_scram_keys(ALICE.scram))
        self.assertEqual(first.keys, second.keys)
        self.assertNotEqual(first.nonce, second.nonce)
        self.assertRegex(first.nonce, r"\A[!-+\--~]{32}\Z")

    def test_unknown_accounts_look_like_known_ones(self) -> None:
        """The same salt each time, of the same length, and the same number of rounds."""
        known = self.challenge("alice").keys
        for name in ("nobody", "device"):
            keys = self.challenge(name).keys
            self.assertEqual(self.challenge(name.upper()).keys, keys)
            self.assertEqual(keys.iterations, known.iterations)
            self.assertEqual(list(map(len, (keys.salt, keys.stored, keys.server))), [16, 32, 32])
            self.assertNotEqual(keys.salt, self.challenge(name + "x").keys.salt)
            other = Gatekeeper(self.clock, self.accounts, {}, b"another's")
            answer = self.successResultOf(other.ask(ScramKeys(name), "h"))
            self.assertNotEqual(answer.keys.salt, keys.salt)

    def test_who_fails_again_and_again_waits(self) -> None:
        """By account from anywhere, and by address for any account, at both steps."""
        for _ in range(4):
            self.assertIs(self.ask(JudgeProof("alice", False), "attacker"), False)
        for name, host in (("Alice", "home"), ("bob", "attacker")):
            for query in (ScramKeys(name), JudgeProof(name, True), CheckPassword(name, "x")):
                refused = self.failureResultOf(self.gatekeeper.ask(query, host), RefusedError)
                self.assertIn("try again in", refused.value.reply.text)
        self.clock.advance(2)
        self.assertIs(self.ask(JudgeProof("alice", True), "home"), True)
        for _ in range(3):
            self.assertIs(self.ask(JudgeProof("alice", False), "home"), False)
        self.ask(ScramKeys("alice"))

    def test_the_database_away(self) -> None:
        self.accounts.away = True
        self.failureResultOf(self.gatekeeper.ask(ScramKeys("alice"), "h"), UnavailableError)


class KeysTests(SynchronousTestCase):
    def test_as_the_specification_has_them(self) -> None:
        """RFC 5802, 3: StoredKey and ServerKey; RFC 5803, 2: how they are written."""
        kept = make_scram_keys("pässwört", 4096)
        self.assertRegex(kept, rb"\ASCRAM-SHA-256\$4096:[\w+/=]{24}\$[\w+/=]{44}:[\w+/=]{44}\Z")
        keys = parse_scram_keys(kept)
        self.assertEqual(
            ScramMechanism().make_auth_info("pässwört", keys.iterations, keys.salt),
            (keys.salt, keys.stored, keys.server, keys.iterations),
        )
        self.assertNotEqual(kept, make_scram_keys("pässwört", 4096))

    def test_rounds(self) -> None:
        """RFC 7677, 4: "such that a modern machine will take 0.1 seconds to perform the complete
        algorithm", and 4096 at the least.
        """
        self.assertGreaterEqual(parse_scram_keys(ALICE.scram).iterations, 4096)
        self.assertEqual(parse_scram_keys(ALICE.scram).iterations, SCRAM_ITERATIONS)

    def test_passwords_that_have_none(self) -> None:
        """RFC 4013: some are prohibited, and of some nothing is left: they are for PLAIN."""
        for password in ("bell\a", "\U0001fae0 melting", "\u00ad" * 8, ""):
            self.assertEqual(make_scram_keys(password, 4096), b"")

    def test_no_keys(self) -> None:
        for kept in (b"", b"$2b$12$x", b"SCRAM-SHA-256$4096:c2FsdA==$x"):
            with self.assertRaises(ValueError):
                parse_scram_keys(kept)


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
