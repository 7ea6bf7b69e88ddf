"""Answers the questions of handlers: whose password is it, which account is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from chat.features.feature import AddAccount, CheckOperator, CheckPassword, FindAccount, Query
from chat.irc.casemap import ascii_fold
from chat.irc.numerics import ERR_PASSWDMISMATCH, ERR_SASLFAIL, Numeric
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.records import ROLES, Account
from chat.server.backoff import Backoff
from chat.server.passwords import DUMMY_HASH, check_password, hash_password
from chat.store.interfaces import AccountExistsError, IAccounts

T = TypeVar("T")

#: Hashes computed at a time, and how many more may wait for their turn.
_THREADS, _WAITING = 2, 100


class Gatekeeper:
    """Checks passwords in threads of its own, a bounded number at a time.

    An unknown account takes as long as a wrong password, and whoever fails
    repeatedly, by account or by address, waits longer each time.
    """

    def __init__(self, reactor: Any, accounts: IAccounts, operators: Mapping[str, str]) -> None:
        self._reactor = reactor
        self._accounts = accounts
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

    async def _answer(self, query: Query, host: str) -> object:
        match query:
            case FindAccount():
                return await self._accounts.find(query.account)
            case AddAccount():
                return await self._add_account(query, host)
            case CheckPassword():
                return await self._check_account(query, host)
            case CheckOperator():
                hashed = self._operators.get(query.name)
                key = f"operator:{query.name}"
                return await self._check(key, host, query.password, hashed, ERR_PASSWDMISMATCH)
        raise TypeError(f"There is no answer to a {type(query).__name__}")

    async def _add_account(self, query: AddAccount, host: str) -> Account | None:
        key = f"register:{host}"
        self._must_not_wait((key,), ERR_SASLFAIL)
        hashed = await self._hash(ERR_SASLFAIL, hash_password, query.password)
        account = Account(query.account, hashed, ROLES[0], Timestamp(time.time_ns() // 1_000_000))
        self._backoff.failed(key, self._reactor.seconds())  # accounts are not made in masses
        try:
            await self._accounts.add(account)
        except AccountExistsError:
            return None
        return account

    async def _check_account(self, query: CheckPassword, host: str) -> Account | None:
        account: Account | None = await self._accounts.find(query.account)
        hashed = account.password if account is not None else None
        key = f"account:{ascii_fold(query.account)}"
        matches = await self._check(key, host, query.password, hashed, ERR_SASLFAIL)
        return account if matches else None

    async def _check(
        self, key: str, host: str, password: str, hashed: bytes | None, refusal: Numeric
    ) -> bool:
        keys = (key, f"host:{host}")
        self._must_not_wait(keys, refusal)
        matches = await self._hash(refusal, check_password, password, hashed or DUMMY_HASH)
        if matches and hashed is not None:
            self._backoff.succeeded(key)
            return True
        for each in keys:
            self._backoff.failed(each, self._reactor.seconds())
        return False

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
