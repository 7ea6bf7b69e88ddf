"""The local store: keys, sessions and what is known of devices, in one file of SQLite.

Each item is sealed under the master key with a salt of its own, drawn anew at each write;
its name is hidden too.  So the file tells how many items there are, of which kind and size,
and no more.  What is put is written with `commit`, all of it or nothing; nothing that
depends on it may leave before.  One process has the file at a time: a ratchet that two
programs turn would encrypt twice with one key.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chat.e2e.canonical import read_object, to_bytes
from chat.e2e.errors import CipherError, E2eError, VaultError
from chat.e2e.master import KEY, SALT, derive, seal, stretch, unseal

VERSION = 1

_SCHEMA = """
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB NOT NULL, proof BLOB NOT NULL);
CREATE TABLE items (
    kind TEXT NOT NULL, name BLOB NOT NULL, salt BLOB NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID
"""
_PROOF = b"securechat e2e vault v1"

#: The master key, or how to make it from the salt in the file.
Unlock = Callable[[bytes], bytes]


def with_passphrase(passphrase: str) -> Unlock:
    """Return what opens a vault by a passphrase."""
    return lambda salt: stretch(passphrase, salt)


def with_key(key: bytes) -> Unlock:
    """Return what opens a vault by a key of 32 bytes."""
    if len(key) != KEY:
        raise VaultError(f"the key of a vault has {KEY} bytes")
    return lambda salt: derive(key, salt, b"securechat e2e vault key")


class Vault:
    """An open vault; `open` makes it, and the file where there is none."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, key: bytes, random: Callable[[int], bytes]
    ) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = connection
        self._key = derive(key, None, b"securechat e2e vault items")
        self._names = derive(key, None, b"securechat e2e vault names")
        self._random = random

    @classmethod
    def open(cls, path: Path, unlock: Unlock, random: Callable[[int], bytes]) -> Vault:
        """Open the vault; `VaultError` for a wrong key, and where another program has it."""
        connection = None
        try:
            _prepare(path)
            connection = _connect(path)
            _lock(connection, path)
            key = _unlocked(connection, path, unlock, random)
        except (OSError, sqlite3.Error, E2eError) as error:
            if connection is not None:
                connection.close()
            raise VaultError(_cause(path, error)) from error
        return cls(path, connection, key, random)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an item, ``None`` where there is none; `VaultError` where it was changed."""
        row = self._execute(
            "SELECT salt, sealed FROM items WHERE kind = ? AND name = ?", kind, self._hidden(name)
        ).fetchone()
        return None if row is None else self._opened(kind, self._hidden(name), *row)[1]

    def put(self, kind: str, name: str, value: dict[str, Any]) -> None:
        """Put an item in place of the one of that name; `commit` writes it."""
        hidden, salt = self._hidden(name), self._random(SALT)
        sealed = seal(self._key, salt, _about(kind, hidden), to_bytes({"n": name, "i": value}))
        self._begin()
        self._execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", kind, hidden, salt, sealed
        )

    def delete(self, kind: str, name: str) -> None:
        """Take an item away; `commit` writes that."""
        self._begin()
        self._execute("DELETE FROM items WHERE kind = ? AND name = ?", kind, self._hidden(name))

    def items(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return all items of a kind, with their names."""
        rows = self._execute("SELECT name, salt, sealed FROM items WHERE kind = ?", kind).fetchall()
        return (self._opened(kind, *row) for row in rows)

    def commit(self) -> None:
        """Write what was put, to the disk; after `VaultError` the vault is closed."""
        if self._connection is None:
            raise VaultError(f"{self._path} is closed: start again")
        if self._connection.in_transaction:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self.close()
                raise VaultError(_cause(self._path, error)) from error

    def close(self) -> None:
        """Close the file; what was not committed is not written."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin(self) -> None:
        if self._connection is not None and not self._connection.in_transaction:
            self._execute("BEGIN IMMEDIATE")

    def _execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self._connection is None:
            raise VaultError(f"{self._path} is closed: start again")
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            self.close()
            raise VaultError(_cause(self._path, error)) from error

    def _hidden(self, name: str) -> bytes:
        return hmac.digest(self._names, name.encode(), "sha256")[:16]

    def _opened(
        self, kind: str, hidden: bytes, salt: bytes, sealed: bytes
    ) -> tuple[str, dict[str, Any]]:
        try:
            value = read_object(unseal(self._key, salt, _about(kind, hidden), sealed))
        except CipherError as error:
            raise VaultError(f"{self._path} was changed by something else: restore it") from error
        return value["n"], value["i"]


def _about(kind: str, hidden: bytes) -> bytes:
    return b"securechat e2e item\0" + kind.encode() + b"\0" + hidden


def _prepare(path: Path) -> None:
    """Make the file, whose mode SQLite gives its -wal and -shm too; refuse what others read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with closing(os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "rb")):
            return
    except FileExistsError:
        pass
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise VaultError(f"others can read {path} (mode {mode:04o}): run chmod 600 {path}")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, timeout=0, isolation_level=None
    )


def _lock(connection: sqlite3.Connection, path: Path) -> None:
    """Take the file for this process alone, and make the tables where there are none."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    # A message key that is used twice is worse than a slow disk.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise VaultError(f"{path} was made by a newer securechat: update this one")
    if version == 0:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _unlocked(
    connection: sqlite3.Connection, path: Path, unlock: Unlock, random: Callable[[int], bytes]
) -> bytes:
    row = connection.execute("SELECT salt, proof FROM head").fetchone()
    salt = random(SALT) if row is None else row[0]
    key = unlock(salt)
    proof = sha256(_PROOF + derive(key, None, b"securechat e2e vault proof")).digest()
    if row is None:
        connection.execute("INSERT INTO head VALUES (1, ?, ?)", (salt, proof))
    elif not hmac.compare_digest(row[1], proof):
        raise VaultError(
            f"{path} was made with another key or passphrase: give that one back, or move the file"
            " away to begin with new keys, which read nothing of before"
        )
    return key


def _cause(path: Path, error: Exception) -> str:
    match error:
        case E2eError():
            return str(error)
        case OSError():
            return f"cannot open {error.filename or path}: {error.strerror}: mend that"
        case sqlite3.Error() if _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"another program has {path}: end it"
        case sqlite3.Error() if _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return f"cannot write {path}: {error}: free space on the disk"
    return f"cannot use {path}: {error}: restore it, or move it away and a new one is made"


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
