"""Answers the questions of handlers: whose password is it, which account is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from chat.features.feature import CheckOperator, CheckPassword, FindAccount, Query
from chat.irc.casemap import ascii_fold
from chat.irc.numerics import ERR_PASSWDMISMATCH, ERR_SASLFAIL, Numeric
from chat.network.policy import RefusedError
from chat.network.records import Account
from chat.server.backoff import Backoff
from chat.server.passwords import DUMMY_HASH, check_password
from chat.store.interfaces import IAccounts

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
        self._operators = {name: hashed.encode() for name, hashed in operators.items()}
        self._backoff = Backoff()
        self._pending = 0
        self._threads = ThreadPool(_THREADS, _THREADS, "bcrypt")

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
            case CheckPassword():
                return await self._check_account(query, host)
            case CheckOperator():
                hashed = self._operators.get(query.name)
                key = f"operator:{query.name}"
                return await self._check(key, host, query.password, hashed, ERR_PASSWDMISMATCH)
        raise TypeError(f"There is no answer to a {type(query).__name__}")

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
        now = self._reactor.seconds()
        wait = max(self._backoff.wait(each, now) for each in keys)
        if wait:
            raise RefusedError(
                refusal.because(text=f"Too many failed attempts: try again in {wait:.0f} seconds")
            )
        if self._pending >= _WAITING:
            raise RefusedError(refusal.because(text="Too many are logging in at once: try again"))
        self._pending += 1
        try:
            matches: bool = await deferToThreadPool(
                self._reactor, self._threads, check_password, password, hashed or DUMMY_HASH
            )
        finally:
            self._pending -= 1
        if matches and hashed is not None:
            self._backoff.succeeded(key)
            return True
        for each in keys:
            self._backoff.failed(each, self._reactor.seconds())
        return False
