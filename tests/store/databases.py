"""The two databases of every store test, and what the tests of the store share."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from chat.network.events import Actor, Entry, Event, MessageSent, WallopsSent
from chat.network.ids import ClientId, EventId, SessionId, Timestamp
from chat.store.database import Database
from chat.store.migrations import prepare
from chat.store.store import make_dialect
from chat.store.url import parse_url
from tests.support.mariadb import MariaDBServer, shared_server

ALICE = Actor(ClientId("s1"), "alice!a@host", "Alice")
BOB = Actor(ClientId("s2"), "bob!b@host", "bob")

_numbers = itertools.count(1)


def coroutine_test(
    function: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., Deferred[None]]:
    """Make a test of a coroutine function."""

    @wraps(function)
    def test(self: TestCase) -> Deferred[None]:
        return Deferred.fromCoroutine(function(self))

    return test


def message(text: str, channel: str = "#room") -> MessageSent:
    """Return a stored event."""
    return MessageSent(ALICE, "PRIVMSG", channel, text, channel=channel)


def entry(event: Event | str, *, origin: str | None = None) -> Entry:
    """Return an entry that is not in the log; a str is a message's text."""
    number = next(_numbers)
    return Entry(
        EventId(f"uid{number}"),
        Timestamp(1_700_000_000_000 + number),
        message(event) if isinstance(event, str) else event,
        origin=None if origin is None else SessionId(origin),
    )


def away(text: str) -> Entry:
    """Return an entry of a passing event."""
    return entry(WallopsSent(ALICE, text))


def texts(entries: Sequence[Entry]) -> list[str]:
    """Return what the entries of `entry` and `away` say."""
    return [getattr(e.event, "text", "") for e in entries]


class StoreTestCase(TestCase):
    """A test on one kind of database; `SQLiteCase` and `MariaDBCase` are the kinds."""

    timeout = 60

    def make_url(self) -> str:
        """Return the URL of a new, empty database."""
        raise NotImplementedError

    def driver_error(self) -> type[Exception]:
        """Return the base of the driver's exceptions."""
        raise NotImplementedError

    def open_database(self, url: str, **options: Any) -> Database:
        """Return a database that is closed at the test's end."""
        dialect = make_dialect(parse_url(url, Path.cwd()))
        database = Database(reactor, dialect, **options)
        self.addCleanup(lambda: Deferred.fromCoroutine(database.close(grace=0.0)))
        return database

    async def new_database(self, **options: Any) -> Database:
        """Return a new database with the schema."""
        database = self.open_database(self.make_url(), **options)
        await prepare(database)
        return database

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for ``condition``; the test's timeout ends the wait in vain."""
        while not condition():
            await deferLater(reactor, 0.002)


class SQLiteCase(StoreTestCase):
    """On a file of SQLite."""

    def make_url(self) -> str:
        return f"sqlite:{self.mktemp()}.db"

    def driver_error(self) -> type[Exception]:
        return sqlite3.Error


class MariaDBCase(StoreTestCase):
    """On this process's private mariadbd."""

    server: MariaDBServer

    def setUp(self) -> None:
        self.server = shared_server()
        self.server.start()
        self.addCleanup(self.server.start)
        self.addCleanup(self.server.resume)

    def make_url(self) -> str:
        name = self.server.create_database()
        # Cleanups run last first: the server runs then, and the connections are closed.
        self.addCleanup(self.server.drop_database, name)
        self.addCleanup(self.server.start)
        self.addCleanup(self.server.resume)
        return self.server.url(name)

    def driver_error(self) -> type[Exception]:
        return import_module("MySQLdb").Error  # type: ignore[no-any-return]
