"""The store, open: what the server gets from one database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen

from chat.network.settings import Performance
from chat.store.accounts import Accounts
from chat.store.checkpoints import Checkpoints
from chat.store.database import Database
from chat.store.dialects import Dialect
from chat.store.directory import Directory
from chat.store.history import History
from chat.store.invitations import Invitations
from chat.store.log import EventLog
from chat.store.mariadb import MariaDB
from chat.store.migrations import prepare
from chat.store.pruning import Pruner
from chat.store.queues import Queues
from chat.store.search import Searcher
from chat.store.sqlite import SQLite
from chat.store.url import DatabaseURL, SQLiteURL, parse_url


@frozen
class Store:
    """One database, and what is kept in it."""

    database: Database
    log: EventLog
    checkpoints: Checkpoints
    accounts: Accounts
    history: History
    searcher: Searcher
    pruner: Pruner
    invitations: Invitations
    directory: Directory
    queues: Queues

    async def close(self, deadline: float = 2.0) -> None:
        """Write what the log was given, for up to ``deadline`` seconds, and close the database."""
        await self.log.drain(deadline)
        await self.database.close(grace=0.5)


def make_dialect(url: DatabaseURL) -> Dialect:
    """Return the dialect of the database that ``url`` names."""
    return SQLite(url) if isinstance(url, SQLiteURL) else MariaDB(url)


async def open_store(
    reactor: Any,
    url: str,
    directory: Path,
    *,
    deadline: float = 10.0,
    performance: Performance | None = None,
) -> Store:
    """Return the store at ``url``, created or migrated where that is needed.

    ``directory`` is what relative paths in ``url`` are relative to; ``deadline``
    is how many seconds a call may take that says nothing else.  Raises
    ValueError for a URL that cannot be read, `UnusableError` and
    `UnavailableError`.
    """
    database = Database(reactor, make_dialect(parse_url(url, directory)), deadline=deadline)
    try:
        await prepare(database)
    except BaseException:
        await database.close()
        raise
    log = EventLog(database, reactor, performance)
    return Store(
        database,
        log,
        Checkpoints(database),
        Accounts(database),
        History(database),
        Searcher(database, reactor),
        Pruner(database, log, reactor),
        Invitations(database),
        Directory(database),
        Queues(database, reactor),
    )
