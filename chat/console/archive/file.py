"""The file of an archive: where it is, who can read it, what its tables are."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import unicodedata
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from chat.client.profile import Profile
from chat.irc.formatting import strip_formatting

#: Before the ciphertext of a message, which is kept in place of its text: no text has it.
SEALED = "\0"
#: Of the tables; kept in the file as SQLite's ``user_version``.
VERSION = 1
#: Seconds to wait for another console that writes.
LOCK_TIMEOUT = 5.0
#: Characters of an account or a server's name in the name of a file.
_READABLE = 48
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Combining classes of marks without which a letter is another one: kana voicing, virama.
_LETTER_MARKS = (0, 8, 9)

#: Times are microseconds UTC since 1970.  A room's key is its name, casefolded.
_SCHEMA = """
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    joined INTEGER NOT NULL DEFAULT 0,
    channel_key TEXT NOT NULL DEFAULT '',
    pinned INTEGER NOT NULL DEFAULT 0,
    muted INTEGER NOT NULL DEFAULT 0,
    read INTEGER
);
-- folded: the text as it is searched.  To fold it then would take ten times as long, and
-- the interpreter's lock for each message.
-- gap: what is older than this message is not known to be complete.
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    time INTEGER NOT NULL,
    msgid TEXT NOT NULL,
    sender TEXT NOT NULL,
    account TEXT,
    text TEXT NOT NULL,
    folded TEXT NOT NULL,
    manner TEXT NOT NULL,
    own INTEGER NOT NULL,
    reply_to TEXT NOT NULL,
    gap INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX messages_by_msgid ON messages (room, msgid) WHERE msgid <> '';
CREATE UNIQUE INDEX messages_without ON messages (room, time, sender, text) WHERE msgid = '';
CREATE INDEX messages_by_room ON messages (room, time);
CREATE INDEX messages_by_time ON messages (time);
-- Also of messages that are not kept yet: a page of history may come later.
CREATE TABLE reactions (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    time INTEGER NOT NULL,
    msgid TEXT NOT NULL,
    nick TEXT NOT NULL,
    reaction TEXT NOT NULL,
    UNIQUE (room, msgid, nick, reaction)
);
CREATE INDEX reactions_by_room ON reactions (room, time);
CREATE INDEX reactions_by_time ON reactions (time);
CREATE TABLE redactions (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    time INTEGER NOT NULL,
    msgid TEXT NOT NULL,
    redactor TEXT NOT NULL,
    reason TEXT NOT NULL,
    sender TEXT NOT NULL,
    UNIQUE (room, msgid)
);
CREATE INDEX redactions_by_room ON redactions (room, time);
CREATE INDEX redactions_by_time ON redactions (time);
CREATE TABLE ignored (nick TEXT PRIMARY KEY) WITHOUT ROWID;
-- One row: up to when nothing is missing.
CREATE TABLE heard (id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL);
"""


class ArchiveError(Exception):
    """An archive that cannot be used; the text has cause and remedy."""


def archive_path(profile: Profile, directory: Path) -> Path:
    """Return where the archive of a network is, under the data ``directory`` of the program.

    The name says whose it is.  The digest is over the account and the address: a network's
    authority changes in time, and the scrollback is to stay.
    """
    digest = sha256(f"{profile.account}\0{profile.address}".encode())
    words = [
        re.sub(r"[^\w.-]", "_", word, flags=re.ASCII)[:_READABLE].lstrip(".")
        for word in (profile.account, profile.server_name)
    ]
    return directory / "scrollback" / f"{'@'.join(words)}-{digest.hexdigest()[:8]}.sqlite"


def open_archive(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Return a connection that writes and one that only reads; the file is made if need be.

    The first may be used by another thread.  Raises `ArchiveError`.
    """
    opened: list[sqlite3.Connection] = []
    try:
        _prepare(path)
        opened.append(_connect(path))
        _set_up(opened[0], path)
        opened.append(_connect(path))
        opened[1].execute("PRAGMA query_only = ON")
    except (OSError, sqlite3.Error, ArchiveError) as error:
        for connection in opened:
            connection.close()
        raise ArchiveError(_cause(path, error)) from error
    return opened[0], opened[1]


def explain(path: Path, error: sqlite3.Error) -> str:
    """Return what is wrong with an archive, and what to do."""
    match (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            remedy = "free space on the disk"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            remedy = "make it and its directory writable"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            remedy = "end the other program that uses it"
        case _:
            remedy = "move it away, and a new one is made"
    return f"cannot use {path}: {error}: {remedy}"


def _cause(path: Path, error: OSError | sqlite3.Error | ArchiveError) -> str:
    match error:
        case ArchiveError():
            return str(error)
        case OSError():
            where = error.filename or path
            return f"cannot open {where}: {error.strerror}: mend that, or move it away"
    return explain(path, error)


def folded(text: str) -> str:
    """Return text as it is searched: without formatting, case and accents, in any script."""
    if text.isascii() and text.isprintable():
        return text.lower()
    bare = strip_formatting(text.replace("\n", " "))
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", bare).casefold())
    return "".join(letter for letter in letters if unicodedata.combining(letter) in _LETTER_MARKS)


def to_number(time: datetime) -> int:
    """Return a time as it is in the file."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def to_time(number: int) -> datetime:
    """Return the time, in UTC, that is in the file."""
    return _EPOCH + timedelta(microseconds=number)


def _prepare(path: Path) -> None:
    """Make the file, whose mode SQLite gives its -wal and -shm too; refuse what others read."""
    directory = path.parent
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    if os.name == "posix" and stat.S_IMODE(directory.stat().st_mode) != 0o700:
        directory.chmod(0o700)
    try:
        # Never open a file that exists: closing it would drop SQLite's locks on it.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        _check_modes(path)
        return
    with closing(os.fdopen(descriptor, "rb")):
        if os.name == "posix":
            os.fchmod(descriptor, 0o600)


def _check_modes(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            mode = stat.S_IMODE(each.stat().st_mode)
        except FileNotFoundError:
            continue
        if os.name == "posix" and mode & 0o077:
            raise ArchiveError(f"others can read {each} (mode {mode:04o}): run chmod 600 {each}")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        # It never creates the file, whose mode would be the umask's.
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=LOCK_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
    )


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Set the pragmas, and make the tables where there are none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ArchiveError(
            f"{path} was made by a newer securechat (version {version}, this one knows "
            f"{VERSION}): update this one, or move the file away"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    # A loss of power may take the last batches; it never harms the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    # What is taken back is overwritten, and not only unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # Another console may have been quicker.
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if tables:
            raise ArchiveError(f"{path} is the database of another program: move it away")
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")
