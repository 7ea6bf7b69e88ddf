"""What an archive gives back: messages with what became of them, rooms, memory."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import field, frozen

from chat.client.events import Manner, Redacted, Said
from chat.client.history import MOST_PLACES, MOST_TOLD, Mark, Memory
from chat.client.seals import Seal
from chat.console.archive.file import SEALED, folded, to_number, to_time
from chat.irc.casemap import CASEMAPPINGS

#: Messages of a room that are remembered as told.
_TOLD = 100
#: Messages that are searched at once: other work comes between.
STRETCH = 20_000

#: Why a message that is kept encrypted is not shown yet.
_UNOPENED = "not opened here"

#: Where a message is: its time, and its number among those of the same time.
Position = tuple[int, int]
#: Newer than all.
END: Position = (2**63 - 1, 0)

_COLUMNS = (
    "m.id, m.time, m.room, r.name, m.msgid, m.sender, m.account, m.text, m.manner, m.own, "
    "m.reply_to, m.gap FROM messages m JOIN rooms r ON r.id = m.room"
)
_NEWEST = "ORDER BY m.time DESC, m.id DESC LIMIT ?"


@frozen
class KeptRoom:
    """A channel or conversation; ``read`` and ``latest``, its last message, may be unknown."""

    name: str
    joined: bool
    key: str = field(repr=False)
    pinned: bool
    muted: bool
    read: datetime | None
    latest: datetime | None


@frozen
class KeptMessage:
    """A message, who reacted with what, and whether it was taken back: its text is gone then.

    ``gap_before``: what is older is not known to be complete.
    """

    said: Said
    reactions: tuple[tuple[str, str], ...]
    redacted: Redacted | None
    gap_before: bool


@frozen
class KeptPage:
    """Messages before another one, oldest first.

    ``is_gap``: it ends where messages may be missing, which the server may have.
    ``is_end``: nothing older is kept.
    """

    messages: tuple[KeptMessage, ...]
    is_gap: bool
    is_end: bool


@frozen
class Stretch:
    """What was found among some messages, newest first, and where the next ones begin."""

    messages: tuple[KeptMessage, ...]
    rest: Position | None


def read_rooms(connection: sqlite3.Connection) -> list[KeptRoom]:
    """Return the rooms with messages, and those that we are in, have pinned or muted."""
    rows = connection.execute(
        "SELECT name, joined, channel_key, pinned, muted, read, "
        "(SELECT MAX(time) FROM messages WHERE room = rooms.id) AS latest FROM rooms "
        "WHERE joined OR pinned OR muted OR latest IS NOT NULL ORDER BY key"
    )
    return [
        KeptRoom(name, bool(joined), key, bool(pinned), bool(muted), _time(read), _time(latest))
        for name, joined, key, pinned, muted, read, latest in rows
    ]


def read_latest(connection: sqlite3.Connection, name: str, limit: int) -> list[KeptMessage]:
    """Return the last messages of a room, oldest first."""
    room = room_of(connection, name)
    return _kept(connection, _older(connection, room, END, limit)[::-1])


def read_before(
    connection: sqlite3.Connection, name: str, message: Said, limit: int, across: bool
) -> KeptPage:
    """Return the messages before one, as far as the next gap; ``across`` one right there."""
    room = room_of(connection, name)
    position, has_gap = find(connection, room, message)
    if position is None:
        return KeptPage((), False, True)
    if has_gap and not across:
        return KeptPage((), True, not _older(connection, room, position, 1))
    rows = _older(connection, room, position, limit + 1)
    gap = next((number for number, row in enumerate(rows[:limit], 1) if row[-1]), None)
    page = rows[: gap or limit]
    return KeptPage(tuple(_kept(connection, page[::-1])), gap is not None, len(page) == len(rows))


def search(
    connection: sqlite3.Connection, words: str, name: str | None, limit: int, start: Position
) -> Stretch:
    """Search the next messages before ``start`` for all the words, of any case and accents."""
    values = [] if name is None else [room_of(connection, name)]
    older = f"WHERE {'' if name is None else 'm.room = ? AND '}(m.time, m.id) < (?, ?)"
    last = connection.execute(
        f"SELECT m.time, m.id FROM messages m {older} "  # noqa: S608
        "ORDER BY m.time DESC, m.id DESC LIMIT 1 OFFSET ?",
        (*values, *start, STRETCH - 1),
    ).fetchone()
    wanted = [folded(word) for word in words.split()]
    if not any(wanted):
        return Stretch((), None)
    matches = "AND instr(m.folded, ?) " * len(wanted)
    rows = connection.execute(
        f"SELECT {_COLUMNS} {older} AND (m.time, m.id) >= (?, ?) {matches}{_NEWEST}",
        (*values, *start, *(last or (-END[0], 0)), *wanted, limit),
    ).fetchall()
    return Stretch(tuple(_kept(connection, rows)), last)


def read_memory(connection: sqlite3.Connection) -> Memory:
    """Return what a client that goes on from here has to know.

    How the server compares names is not known yet: places are there under each of the
    names that they may have.
    """
    memory = Memory()
    heard = connection.execute("SELECT time FROM heard").fetchone()
    memory.heard = _time(heard[0]) if heard else None
    rooms = connection.execute(
        "SELECT id, key, name, (SELECT MAX(time) FROM messages WHERE room = rooms.id) AS latest "
        "FROM rooms WHERE latest IS NOT NULL ORDER BY latest DESC LIMIT ?",
        (MOST_PLACES,),
    ).fetchall()
    aliases: dict[str, set[str]] = {}
    told: list[tuple[Position, str, Said]] = []
    for room, key, name, _ in reversed(rooms):
        rows = _older(connection, room, END, min(_TOLD, MOST_TOLD // len(rooms)))
        last = _said(rows[0])
        memory.marks[key] = Mark(last.msgid, last.time)
        aliases[key] = {fold(name) for fold in CASEMAPPINGS.values()} - {key}
        told += [((row[1], row[0]), key, _said(row)) for row in rows]
    for key, others in aliases.items():
        for alias in others:
            memory.marks.setdefault(alias, memory.marks[key])
    for _, key, said in sorted(told, key=lambda each: each[0]):
        if said.msgid:
            for each in (key, *aliases[key]):
                memory.told[each, said.msgid] = said
    return memory


def read_ignored(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the nicknames that are ignored, casefolded."""
    return frozenset(nick for (nick,) in connection.execute("SELECT nick FROM ignored"))


def room_of(connection: sqlite3.Connection, name: str) -> int:
    """Return the number of a room, 0 of one that is not known."""
    sought = "SELECT id FROM rooms WHERE key = ?"
    row = connection.execute(sought, (name.casefold(),)).fetchone()
    return int(row[0]) if row else 0


def find(connection: sqlite3.Connection, room: int, said: Said) -> tuple[Position | None, bool]:
    """Return where a message is, or would be, and whether there is a gap before it."""
    row = None
    if said.msgid:
        row = connection.execute(
            "SELECT time, id, gap FROM messages WHERE room = ? AND msgid = ? AND msgid <> ''",
            (room, said.msgid),
        ).fetchone()
    elif said.time is not None:
        row = connection.execute(
            "SELECT time, id, gap FROM messages "
            "WHERE room = ? AND time = ? AND sender = ? AND text = ? AND msgid = ''",
            (room, to_number(said.time), said.sender, said.text),
        ).fetchone()
    if row is not None:
        return (row[0], row[1]), bool(row[2])
    return (None if said.time is None else (to_number(said.time), 0)), False


def _older(
    connection: sqlite3.Connection, room: int, position: Position, limit: int
) -> list[tuple[Any, ...]]:
    """Return the rows of the messages before a position, newest first."""
    return connection.execute(
        f"SELECT {_COLUMNS} WHERE m.room = ? AND (m.time, m.id) < (?, ?) {_NEWEST}",
        (room, *position, limit),
    ).fetchall()


def _kept(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[KeptMessage]:
    ids: defaultdict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row[4]:
            ids[row[2]].append(row[4])
    reactions: defaultdict[tuple[int, str], list[tuple[str, str]]] = defaultdict(list)
    redactions: dict[tuple[int, str], tuple[Any, ...]] = {}
    for room, msgids in ids.items():
        for msgid, nick, reaction in _about(
            connection, "msgid, nick, reaction FROM reactions", room, msgids
        ):
            reactions[room, msgid].append((nick, reaction))
        for msgid, *what in _about(
            connection, "msgid, redactor, reason, time, sender FROM redactions", room, msgids
        ):
            redactions[room, msgid] = tuple(what)
    return list(_joined(rows, reactions, redactions))


def _about(
    connection: sqlite3.Connection, columns: str, room: int, msgids: Sequence[str]
) -> Iterable[tuple[Any, ...]]:
    marks = ", ".join("?" * len(msgids))
    return connection.execute(
        f"SELECT {columns} WHERE room = ? AND msgid IN ({marks}) ORDER BY id",
        (room, *msgids),
    )


def _joined(
    rows: Sequence[tuple[Any, ...]],
    reactions: defaultdict[tuple[int, str], list[tuple[str, str]]],
    redactions: dict[tuple[int, str], tuple[Any, ...]],
) -> Iterator[KeptMessage]:
    for row in rows:
        said, key = _said(row), (row[2], row[4])
        redacted = None
        if key in redactions:
            by, reason, time, sender = redactions[key]
            redacted = Redacted(
                said.room, by, said.msgid, reason, to_time(time), sender or said.sender
            )
        yield KeptMessage(said, tuple(reactions.get(key, ())), redacted, bool(row[-1]))


def _said(row: tuple[Any, ...]) -> Said:
    _, time, _, name, msgid, sender, account, text, manner, own, reply_to, _ = row
    seal = None
    if text.startswith(SEALED):
        seal = Seal(reason=_UNOPENED, ciphertext=text.removeprefix(SEALED))
        text = f"[encrypted: {_UNOPENED}]"
    return Said(
        name,
        sender,
        text,
        Manner(manner),
        bool(own),
        to_time(time),
        "",
        msgid,
        replayed=True,
        reply_to=reply_to,
        account=account,
        seal=seal,
    )


def _time(number: int | None) -> datetime | None:
    return None if number is None else to_time(number)
