"""SQLite, the embedded default."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from attrs import frozen

from chat.store.dialects import LOCK_TIMEOUT, Dialect, plain_insert
from chat.store.interfaces import UnusableError
from chat.store.url import SQLiteURL


@frozen
class SQLite(Dialect):
    """A file of SQLite: one writer at a time, readers see snapshots (WAL)."""

    url: SQLiteURL

    module = "sqlite3"
    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"
    for_update = ""

    #: Primary result codes that are no fault of the statement
    #: (https://www.sqlite.org/rescode.html).
    _UNAVAILABLE: ClassVar[frozenset[int]] = frozenset(
        {
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_INTERRUPT,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_NOMEM,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_PERM,
            sqlite3.SQLITE_PROTOCOL,
            sqlite3.SQLITE_READONLY,
        }
    )

    def prepare(self) -> None:
        """Create the file with mode 0600, which SQLite gives its -wal and -shm too."""
        try:
            # Never open a file that exists: closing it would drop SQLite's locks on it.
            file = os.open(self.url.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise UnusableError(f"cannot create {self.url.path}: {error.strerror}") from None
        os.close(file)

    def arguments(self) -> dict[str, Any]:
        """Return arguments that never create a file, whose mode would be the umask's."""
        return {
            "database": f"file:{quote(str(self.url.path.absolute()))}?mode=rw",
            "uri": True,
            "timeout": LOCK_TIMEOUT,
            "isolation_level": None,
            # adbapi uses a connection in one thread and closes it in the reactor's.
            "check_same_thread": False,
        }

    def opened(self, connection: Any, *, writes: bool) -> None:
        """Set the pragmas: the writer is durable (synchronous FULL), a reader cannot write."""
        connection.execute("PRAGMA foreign_keys = ON")
        if writes:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # What was taken back is overwritten, and not only unlinked.
            connection.execute("PRAGMA secure_delete = ON")
        else:
            connection.execute("PRAGMA query_only = ON")

    def advance(self, cursor: Any, count: int) -> int | None:
        """Write, and read what was written."""
        cursor.execute("UPDATE log_position SET sequence = sequence + ?", (count,))
        row = cursor.execute("SELECT sequence FROM log_position").fetchone()
        return None if row is None else int(row[0])

    def upsert(self, table: str, key: Sequence[str], columns: Sequence[str]) -> str:
        """Return INSERT ... ON CONFLICT DO UPDATE."""
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
        insert = plain_insert(table, key, columns)
        return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"

    def using(self, index: str) -> str:
        """Return INDEXED BY."""
        return f"INDEXED BY {index}"

    def tables_query(self) -> str:
        """Return a SELECT over sqlite_master."""
        return "SELECT name FROM sqlite_master WHERE type = 'table'"

    def is_lost(self, error: BaseException) -> bool:
        """Return False: there is no connection to lose."""
        return False

    def is_unavailable(self, error: BaseException) -> bool:
        """Return whether the file, the disk or another process's lock is at fault."""
        code = getattr(error, "sqlite_errorcode", None)
        return isinstance(error, sqlite3.Error) and (code or 0) & 0xFF in self._UNAVAILABLE

    def is_duplicate(self, error: BaseException) -> bool:
        """Return whether it is one of the two codes of a unique key."""
        return getattr(error, "sqlite_errorcode", None) in (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        )

    def handle(self, connection: Any) -> Any:
        """Return the connection, which bears a call from another thread."""
        return connection

    def interrupt(self, handle: Any) -> None:
        """End the running statement at SQLite's next occasion."""
        handle.interrupt()

    def release(self, handle: Any) -> None:
        """Do nothing."""
