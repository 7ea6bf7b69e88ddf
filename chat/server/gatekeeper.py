"""Answers the questions of handlers: whose password is it, which account is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from secrets import token_bytes, token_urlsafe
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from chat.features.feature import AddAccount, CheckOperator, CheckPassword, FindAccount, Query
from chat.features.scram import Challenge, JudgeProof, ScramKeys
from chat.irc.casemap import ascii_fold
from chat.irc.numerics import ERR_PASSWDMISMATCH, ERR_SASLFAIL, Numeric
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.records import ROLES, Account
from chat.server.backoff import Backoff
from chat.server.passwords import (
    DUMMY_HASH,
    check_password,
    hash_account_password,
    make_decoy_keys,
    parse_scram_keys,
)
from chat.store.interfaces import AccountExistsError, IAccounts

T = TypeVar("T")

#: Hashes computed at a time, and how many more may wait for their turn.
_THREADS, _WAITING = 2, 100


class Gatekeeper:
    """Checks passwords in threads of its own, a bounded number at a time.

    An unknown account takes as long as a wrong password, and for SCRAM it has keys
    too, which last as long as ``secret`` is the same.  Whoever fails repeatedly, by
    account or by address, waits longer each time.
    """

    def __init__(
        self,
        reactor: Any,
        accounts: IAccounts,
        operators: Mapping[str, str],
        secret: bytes | None = None,
    ) -> None:
        self._reactor = reactor
        self._accounts = accounts
        self._secret = secret or token_bytes(32)
        self.set_operators(operators)
        self._backoff = Backoff()
        self._pending = 0
        self._threads = ThreadPool(_THREADS, _THREADS, "bcrypt")

    def set_operators(self, operators: Mapping[str, str]) -> None:
        """Let these become IRC operators, by name and bcrypt hash."""
        self._operators = {name: hashed.encode() for name, hashed in operators.items()}

    def start(self) -> None:
        """Start the threads."""
        self._threads.start()

    def stop(self) -> None:
        """End the threads, each after the hash that it is at."""
        self._threads.stop()

    def ask(self, query: Query, host: str) -> Deferred[Any]:
        """Return the answer to ``query`` of a session from ``host``."""
        return Deferred.fromCoroutine(self._answer(query, host))

    async def hash_password(self, password: str) -> tuple[bytes, bytes]:
        """Return what an account keeps of a password that was chosen for it."""
        return await self._hash(ERR_SASLFAIL, hash_account_password, password)

    async def _answer(self, query: Query, host: str) -> object:
        match query:
            case FindAccount():
                return await self._accounts.find(query.account)
            case AddAccount():
                return await self._add_account(query, host)
            case CheckPassword():
                return await self._check_account(query, host)
            case ScramKeys():
                return await self._challenge(query, host)
            case JudgeProof():
                keys = self._keys(query.account, host)
                self._must_not_wait(keys, ERR_SASLFAIL)
                return self._judge(keys, query.holds)
            case CheckOperator():
                hashed = self._operators.get(query.name)
                keys = (f"operator:{query.name}", f"host:{host}")
                return await self._check(keys, query.password, hashed, ERR_PASSWDMISMATCH)
        raise TypeError(f"There is no answer to a {type(query).__name__}")

    async def _add_account(self, query: AddAccount, host: str) -> Account | None:
        key = f"register:{host}"
        self._must_not_wait((key,), ERR_SASLFAIL)
        hashed, scram = await self._hash(ERR_SASLFAIL, hash_account_password, query.password)
        created = Timestamp(time.time_ns() // 1_000_000)
        account = Account(query.account, hashed, ROLES[0], created, scram)
        self._backoff.failed(key, self._reactor.seconds())  # accounts are not made in masses
        try:
            await self._accounts.add(account)
        except AccountExistsError:
            return None
        return account

    async def _check_account(self, query: CheckPassword, host: str) -> Account | None:
        account: Account | None = await self._accounts.find(query.account)
        hashed = account.password if account is not None else None
        keys = self._keys(query.account, host)
        matches = await self._check(keys, query.password, hashed, ERR_SASLFAIL)
        return account if matches else None

    async def _challenge(self, query: ScramKeys, host: str) -> Challenge:
        self._must_not_wait(self._keys(query.account, host), ERR_SASLFAIL)
        account: Account | None = await self._accounts.find(query.account)
        keys = make_decoy_keys(self._secret, ascii_fold(query.account))
        if account is not None and account.scram:
            keys = parse_scram_keys(account.scram)
        return Challenge(keys, token_urlsafe(24))

    async def _check(
        self, keys: tuple[str, str], password: str, hashed: bytes | None, refusal: Numeric
    ) -> bool:
        self._must_not_wait(keys, refusal)
        matches = await self._hash(refusal, check_password, password, hashed or DUMMY_HASH)
        return self._judge(keys, matches and hashed is not None)

    def _keys(self, account: str, host: str) -> tuple[str, str]:
        return f"account:{ascii_fold(account)}", f"host:{host}"

    def _judge(self, keys: tuple[str, str], succeeded: bool) -> bool:
        """Take note of an attempt: a success forgives the account's failures, not the host's."""
        if succeeded:
            self._backoff.succeeded(keys[0])
        else:
            for each in keys:
                self._backoff.failed(each, self._reactor.seconds())
        return succeeded

    def _must_not_wait(self, keys: Sequence[str], refusal: Numeric) -> None:
        now = self._reactor.seconds()
        wait = max(self._backoff.wait(each, now) for each in keys)
        if wait:
            raise RefusedError(
                refusal.because(text=f"Too many attempts: try again in {wait:.0f} seconds")
            )

    async def _hash(self, refusal: Numeric, work: Callable[..., T], *arguments: object) -> T:
        """Return what ``work`` returns in a thread, where not too many wait already."""
        if self._pending >= _WAITING:
            raise RefusedError(refusal.because(text="Too many are logging in at once: try again"))
        self._pending += 1
        try:
            result: T = await deferToThreadPool(self._reactor, self._threads, work, *arguments)
            return result
        finally:
            self._pending -= 1
