"""The directory of end-to-end encryption for tests without a reactor: the real SQL, in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock

from chat.network.records import Account
from chat.network.state import Network
from chat.server.directory import Directory
from chat.store.database import Cursor
from chat.store.directory import Directory as Tables
from chat.store.migrations import schema_path
from chat.store.queues import Queues
from chat.store.sqlite import SQLite
from chat.store.url import SQLiteURL

#: What stands for the authority's revocation lists.
REVOCATIONS = b"-----BEGIN X509 CRL-----\n" * 200


class InlineDatabase:
    """Runs each function at once, as one transaction; with ``away`` it fails with that."""

    def __init__(self) -> None:
        self.away: Exception | None = None
        self._dialect = SQLite(SQLiteURL(Path("memory")))
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.executescript(schema_path().read_text())

    def run_write(self, function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        return execute(self._run, function, *arguments)

    run_read = run_write

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.away is not None:
            raise self.away
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            return function(Cursor(self._dialect, self._connection.cursor()), *arguments)

    def close(self) -> None:
        self._connection.close()


@frozen
class _Accounts:
    """The names of the accounts of a `World`."""

    names: Callable[[], list[Account]]

    def all(self) -> Deferred[list[Account]]:
        return execute(self.names)


def inline_directory(
    database: InlineDatabase, network: Network, accounts: Callable[[], list[Account]], clock: Clock
) -> Directory:
    """Return the server's directory on a database that answers at once."""
    return Directory(
        network,
        Tables(database),  # type: ignore[arg-type]
        Queues(database, clock),  # type: ignore[arg-type]
        _Accounts(accounts),
        clock.seconds,
        lambda: REVOCATIONS,
    )
