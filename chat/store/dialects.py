"""What differs between the databases: the one interface of all of them.

SQL is written for every database, with ``?`` for a parameter; a dialect opens
connections, and knows the few statements and errors that are its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

#: Seconds that a statement waits for another writer's lock before it fails, and is tried again.
LOCK_TIMEOUT = 2


class Dialect(ABC):
    """One kind of database; the connections it is given are the driver's own."""

    #: The driver, as adbapi imports it.
    module: ClassVar[str]
    #: What begins a transaction; ``None`` where its first statement does.
    begin_read: ClassVar[str | None]
    begin_write: ClassVar[str | None]
    #: What a SELECT ends with that locks its rows until the transaction's end.
    for_update: ClassVar[str]

    @abstractmethod
    def prepare(self) -> None:
        """Make what the driver needs before its first connection; raises `UnusableError`."""

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the driver's ``connect``."""

    @abstractmethod
    def opened(self, connection: Any, *, writes: bool) -> None:
        """Set a new connection up for reading, or for writing too."""

    def translate(self, sql: str) -> str:
        """Return ``sql`` with the driver's placeholders in place of ``?``."""
        return sql

    @abstractmethod
    def advance(self, cursor: Any, count: int) -> int | None:
        """Move log_position on, lock it until the commit, and return the sequence after that.

        ``cursor`` is the driver's.  ``None``: the table is empty.
        """

    @abstractmethod
    def upsert(self, table: str, key: Sequence[str], columns: Sequence[str]) -> str:
        """Return an INSERT of ``key`` and ``columns`` that replaces the row of that key."""

    @abstractmethod
    def using(self, index: str) -> str:
        """Return what stands behind a table's name so that its rows are read by ``index``.

        A planner that guesses by statistics walks half a room's history to one page of it.
        """

    @abstractmethod
    def tables_query(self) -> str:
        """Return a SELECT of the names of the database's tables."""

    #: Statements around the creation or migration of the schema: one process at a time.
    lock_schema: ClassVar[str | None] = None
    unlock_schema: ClassVar[str | None] = None

    @abstractmethod
    def is_lost(self, error: BaseException) -> bool:
        """Return whether the connection is gone, so that a new one may do better."""

    @abstractmethod
    def is_unavailable(self, error: BaseException) -> bool:
        """Return whether the database is at fault now, and not the statement."""

    @abstractmethod
    def is_duplicate(self, error: BaseException) -> bool:
        """Return whether a unique key refused a row."""

    @abstractmethod
    def handle(self, connection: Any) -> Any:
        """Return that by which another thread can `interrupt` work on the connection."""

    @abstractmethod
    def interrupt(self, handle: Any) -> None:
        """End what another thread is doing with the connection; that thread gets an error."""

    @abstractmethod
    def release(self, handle: Any) -> None:
        """Give a handle back."""


def plain_insert(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """Return a plain INSERT, the only one that executemany of MariaDB sends in one piece."""
    names = (*key, *columns)
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
