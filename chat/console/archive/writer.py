"""What happens to an archive: events, and what its owner sets, in transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from chat.client.events import (
    ClientEvent,
    Gap,
    JoinedRoom,
    LeftRoom,
    Reacted,
    ReadUpTo,
    Redacted,
    Said,
)
from chat.client.history import Spoken
from chat.console.archive.file import SEALED, folded, to_number
from chat.console.archive.limits import TABLES, Limits
from chat.console.archive.reader import END, find


@frozen
class Heard:
    """Nothing is missing up to ``time``."""

    time: datetime


@frozen
class RoomSet:
    """What the owner set of a room; ``None``: as it was."""

    room: str
    pinned: bool | None
    muted: bool | None
    read: datetime | None
    key: str | None
    joined: bool | None = None


@frozen
class Ignored:
    """A nickname is ignored from now on, or no longer."""

    nick: str
    ignored: bool


@frozen
class Cleared:
    """What was said in a room is forgotten."""

    room: str


@frozen
class Filled:
    """What the server has before a message, or last; ``is_end``: it has nothing older."""

    room: str
    before: Said | None
    page: tuple[Spoken, ...]
    is_end: bool


Item = ClientEvent | Heard | RoomSet | Ignored | Cleared | Filled


class Writer:
    """Writes items, all of a batch or none; every message in them has a time."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits | None = None) -> None:
        self._connection = connection
        self._limits = limits or Limits()
        #: By key.
        self._rooms: dict[str, int] = {}
        #: Rooms, by number, whose next message comes behind a gap.
        self._gaps: set[int] = set()
        #: Rows that the batch added.
        self._added = 0
        #: Whether text was taken back which the write-ahead log still holds.
        self._has_residue = False

    def write(self, items: Sequence[Item]) -> None:
        """Write a batch; after `sqlite3.Error` nothing of it is written."""
        gaps, self._added = set(self._gaps), 0
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for item in items:
                self._put(item)
            self._limits.keep(self._connection, self._added)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._rooms.clear()
            self._gaps = gaps
            raise
        if self._has_residue:
            self._has_residue = not self._empty_log()

    def _empty_log(self) -> bool:
        """Return whether the write-ahead log could be emptied into the file."""
        try:
            row = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False  # the batch is written all the same
        return not row[0]

    def _put(self, item: Item, *, is_first: bool = False) -> None:
        try:
            self._dispatch(item, is_first=is_first)
        except (ValueError, OverflowError):
            return  # half a surrogate, say, which has no UTF-8: it would fail each time

    def _dispatch(self, item: Item, *, is_first: bool = False) -> None:
        match item:
            case Said():
                self._say(item, is_first=is_first)
            case Reacted(seal=None):
                self._react(item)
            case Redacted():
                self._redact(item)
            case Gap(room=room):
                self._gaps.add(self._room(room))
            case JoinedRoom(room=room, own=True):
                self._set(room, joined=1, name=room)
            case LeftRoom(room=room, own=True):
                self._set(room, joined=0, channel_key="")
            case ReadUpTo(room=room, read=read):
                self._dispatch(RoomSet(room, None, None, read, None))
            case RoomSet():
                self._set_room(item)
            case Heard(time=time):
                self._execute(
                    "INSERT INTO heard VALUES (1, ?) ON CONFLICT (id) "
                    "DO UPDATE SET time = MAX(time, excluded.time)",
                    to_number(time),
                )
            case Ignored(nick=nick, ignored=True):
                self._execute("INSERT OR IGNORE INTO ignored VALUES (?)", nick.casefold())
            case Ignored(nick=nick):
                self._execute("DELETE FROM ignored WHERE nick = ?", nick.casefold())
            case Cleared(room=name):
                for table in TABLES:
                    self._execute(f"DELETE FROM {table} WHERE room = ?", self._room(name))  # noqa: S608
                self._gaps.discard(self._room(name))
                self._has_residue = True
            case Filled():
                self._fill(item)

    def _say(self, said: Said, *, is_first: bool) -> None:
        """Write a message: behind, or before, those of the same time."""
        room = self._room(said.room)
        text = SEALED + said.seal.ciphertext if said.seal is not None else said.text
        if said.msgid and self._finds("redactions WHERE room = ? AND msgid = ?", room, said.msgid):
            text = ""
        self._added += self._execute(
            "INSERT INTO messages (id, room, time, msgid, sender, account, text, folded, manner, "
            "own, reply_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            self._first() if is_first else None,
            room,
            _number(said.time),
            said.msgid,
            said.sender,
            said.account,
            text,
            folded(text) if said.seal is None else "",
            said.manner.value,
            said.own,
            said.reply_to,
        )
        if room in self._gaps:
            self._gaps.discard(room)
            position, _ = find(self._connection, room, said)
            if position is not None:
                self._execute("UPDATE messages SET gap = 1 WHERE id = ?", position[1])

    def _react(self, event: Reacted) -> None:
        values = (self._room(event.room), event.msgid, event.nick, event.reaction)
        if event.removed:
            where = "room = ? AND msgid = ? AND nick = ? AND reaction = ?"
            self._execute(f"DELETE FROM reactions WHERE {where}", *values)  # noqa: S608
        else:
            self._added += self._execute(
                "INSERT INTO reactions (room, msgid, nick, reaction, time) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *values,
                _number(event.time),
            )

    def _redact(self, event: Redacted) -> None:
        room = self._room(event.room)
        self._added += self._execute(
            "INSERT INTO redactions (room, msgid, redactor, reason, sender, time) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            room,
            event.msgid,
            event.by,
            event.reason if event.seal is None else "",
            event.sender,
            _number(event.time),
        )
        if event.msgid and self._execute(
            "UPDATE messages SET text = '', folded = '' "
            "WHERE room = ? AND msgid = ? AND text <> ''",
            room,
            event.msgid,
        ):
            self._has_residue = True

    def _set_room(self, item: RoomSet) -> None:
        given = {
            "joined": item.joined,
            "pinned": item.pinned,
            "muted": item.muted,
            "channel_key": item.key,
        }
        values = {name: value for name, value in given.items() if value is not None}
        if values:
            self._set(item.room, **values)
        if item.read is not None:
            self._execute(
                "UPDATE rooms SET read = MAX(COALESCE(read, 0), ?) WHERE id = ?",
                to_number(item.read),
                self._room(item.room),
            )

    def _set(self, room: str, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._execute(
            f"UPDATE rooms SET {columns} WHERE id = ?",  # noqa: S608
            *values.values(),
            self._room(room),
        )

    def _fill(self, item: Filled) -> None:
        """Write a page, and move the gap to where it begins, or take it away.

        The page is complete between its oldest message and ``before``.  Where its oldest
        was kept already, so is what lies before it, as far as that was known.
        """
        room = self._room(item.room)
        top = END
        if item.before is not None:
            position, _ = find(self._connection, room, item.before)
            if position is None or not position[1]:
                return  # it is not kept, since the room was cleared: nothing would join the page
            top = position
        spoken = [each for each in item.page if isinstance(each, Said)]
        was_kept = bool(spoken) and self._is_kept(room, spoken[0])
        for each in reversed(item.page):
            self._put(each, is_first=True)
        bottom = find(self._connection, room, spoken[0])[0] if spoken else top
        if bottom is None or (not spoken and not item.is_end):
            return
        bottom_gap = ">=" if item.is_end else ">"
        self._execute(
            f"UPDATE messages SET gap = 0 WHERE gap AND room = ? "  # noqa: S608
            f"AND (time, id) {bottom_gap} (?, ?) AND (time, id) <= (?, ?)",
            room,
            *bottom,
            *top,
        )
        has_older = self._finds("messages WHERE room = ? AND (time, id) < (?, ?)", room, *bottom)
        if has_older and not was_kept and not item.is_end:
            self._execute("UPDATE messages SET gap = 1 WHERE id = ?", bottom[1])

    def _is_kept(self, room: int, said: Said) -> bool:
        position, _ = find(self._connection, room, said)
        return position is not None and bool(position[1])

    def _first(self) -> int:
        """Return a number for a message that is lower than all others, and not 0."""
        row = self._connection.execute("SELECT MIN(id) FROM messages").fetchone()
        return int(min(row[0] or 0, 0)) - 1

    def _room(self, name: str) -> int:
        key = name.casefold()
        if key not in self._rooms:
            self._execute(
                "INSERT INTO rooms (key, name) VALUES (?, ?) ON CONFLICT DO NOTHING", key, name
            )
            row = self._connection.execute("SELECT id FROM rooms WHERE key = ?", (key,)).fetchone()
            self._rooms[key] = int(row[0])
        return self._rooms[key]

    def _finds(self, what: str, *values: Any) -> bool:
        found = self._connection.execute(f"SELECT 1 FROM {what} LIMIT 1", values)  # noqa: S608
        return found.fetchone() is not None

    def _execute(self, sql: str, *values: Any) -> int:
        return self._connection.execute(sql, values).rowcount


def _number(time: datetime | None) -> int:
    if time is None:
        raise ValueError("without a time nothing has a place")
    return to_number(time)
