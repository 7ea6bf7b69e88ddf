"""Pages of history: queries over the log's table, each by an index.

A reference by time becomes a place in the log first, so that every page is a
range of sequences: it costs the same in a log of any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.irc.casemap import ascii_fold
from chat.network.events import Entry, Event, MessageSent
from chat.network.history import (
    MESSAGES,
    Around,
    Conversation,
    Place,
    Recent,
    Reference,
    Room,
    Span,
)
from chat.network.ids import EventId, Timestamp
from chat.store.database import Cursor, Database
from chat.store.event_table import COLUMNS, decode_rows
from chat.store.interfaces import IHistory


@implementer(IHistory)
@frozen
class History:
    """Both methods fail with `UnavailableError` when the database does not answer in time."""

    _database: Database

    def read(
        self, place: Place, part: Span | Around, kinds: Sequence[type[Event]]
    ) -> Deferred[list[Entry]]:
        """Return the entries of ``part``, oldest first; none where a reference is unknown."""
        names = tuple(kind.__name__.encode() for kind in kinds)
        if isinstance(part, Around):
            return self._database.run_read(_read_around, place, part, names)
        return self._database.run_read(_read_span, place, part, names)

    def find(self, uid: EventId) -> Deferred[Entry | None]:
        """Return the entry of that id, or ``None``."""
        return self._database.run_read(_find, uid)

    def targets(
        self,
        account: str | None,
        channels: Sequence[str],
        after: Timestamp,
        before: Timestamp,
        limit: int,
    ) -> Deferred[list[Recent]]:
        """Return the channels and talks whose latest message is between two moments."""
        return self._database.run_read(
            _read_targets, account, tuple(channels), after, before, limit
        )


def _where(place: Place) -> tuple[str, tuple[bytes, ...]]:
    if isinstance(place, Room):
        return "channel = ?", (_bytes(place.name),)
    lesser, greater = sorted((_bytes(place.account), _bytes(place.other)))
    return "lesser = ? AND greater = ?", (lesser, greater)


def _bytes(name: str) -> bytes:
    return ascii_fold(name).encode("utf-8", "surrogatepass")


def _read_span(cursor: Cursor, place: Place, span: Span, kinds: tuple[bytes, ...]) -> list[Entry]:
    lower, upper = 0, None
    from_end = span.from_end
    if span.after is not None:
        found = _position(cursor, place, span.after, later=True)
        if found is None:
            return []
        lower = found
    if span.before is not None:
        upper = _position(cursor, place, span.before, later=False)
        if upper is None:
            return []
    if upper is not None and lower > upper:
        # Two ids, the newer one first: counted from there, backwards.
        lower, upper, from_end = upper, lower, True
    return _page(cursor, place, lower, upper, span.limit, kinds, from_end=from_end)


def _read_around(
    cursor: Cursor, place: Place, around: Around, kinds: tuple[bytes, ...]
) -> list[Entry]:
    middle = _position(cursor, place, around.reference, later=False)
    if middle is None:
        return []
    half = around.limit // 2
    before = _page(cursor, place, 0, middle, half, kinds, from_end=True)
    rest = around.limit - len(before)
    return before + _page(cursor, place, middle - 1, None, rest, kinds, from_end=False)


def _position(cursor: Cursor, place: Place, reference: Reference, *, later: bool) -> int | None:
    """Return a sequence that nothing sought is at: a bound that does not belong to the page."""
    if isinstance(reference, str):
        cursor.execute("SELECT sequence FROM event WHERE uid = ?", (reference.encode(),))
        row = cursor.fetchone()
        return None if row is None else int(row[0])
    condition, values = _where(place)
    if later:
        # Behind the last that is not later than the moment.
        cursor.execute(
            f"SELECT sequence FROM event WHERE {condition} AND time <= ? "  # noqa: S608
            "ORDER BY time DESC, sequence DESC LIMIT 1",
            (*values, reference),
        )
        row = cursor.fetchone()
        return 0 if row is None else int(row[0])
    cursor.execute(
        f"SELECT sequence FROM event WHERE {condition} AND time >= ? "  # noqa: S608
        "ORDER BY time, sequence LIMIT 1",
        (*values, reference),
    )
    row = cursor.fetchone()
    return _END if row is None else int(row[0])


#: Behind every sequence.
_END = 2**62


def _page(
    cursor: Cursor,
    place: Place,
    lower: int,
    upper: int | None,
    limit: int,
    kinds: tuple[bytes, ...],
    *,
    from_end: bool,
) -> list[Entry]:
    condition, values = _where(place)
    marks = ", ".join("?" * len(kinds))
    cursor.execute(
        f"SELECT {COLUMNS} FROM event WHERE {condition} "  # noqa: S608
        f"AND sequence > ? AND sequence < ? AND kind IN ({marks}) "
        f"ORDER BY sequence {'DESC' if from_end else 'ASC'} LIMIT ?",
        (*values, lower, _END if upper is None else upper, *kinds, limit),
    )
    entries = decode_rows(cursor.fetchall())
    return entries[::-1] if from_end else entries


def _find(cursor: Cursor, uid: EventId) -> Entry | None:
    cursor.execute(f"SELECT {COLUMNS} FROM event WHERE uid = ?", (uid.encode(),))  # noqa: S608
    entries = decode_rows(cursor.fetchall())
    return entries[0] if entries else None


def _read_targets(
    cursor: Cursor,
    account: str | None,
    channels: tuple[str, ...],
    after: int,
    before: int,
    limit: int,
) -> list[Recent]:
    kinds = tuple(kind.__name__.encode() for kind in MESSAGES)
    recent = []
    for name in channels:
        latest = _page(cursor, Room(name), 0, None, 1, kinds, from_end=True)
        recent += [Recent(name, entry.time) for entry in latest]
    for other in _partners(cursor, account) if account is not None else ():
        talk = Conversation(account or "", other)
        latest = _page(cursor, talk, 0, None, 1, kinds, from_end=True)
        recent += [Recent(_partner_name(entry, account), entry.time) for entry in latest]
    found = [one for one in recent if after < one.time < before]
    return sorted(found, key=lambda one: one.time)[:limit]


def _partners(cursor: Cursor, account: str) -> set[str]:
    """Return the folded accounts that ``account`` has exchanged direct messages with."""
    own = _bytes(account)
    rows: list[tuple[Any, ...]] = []
    for mine, theirs in (("lesser", "greater"), ("greater", "lesser")):
        cursor.execute(f"SELECT DISTINCT {theirs} FROM event WHERE {mine} = ?", (own,))  # noqa: S608
        rows += cursor.fetchall()
    return {other.decode("utf-8", "surrogatepass") for (other,) in rows}


def _partner_name(entry: Entry, account: str | None) -> str:
    """Return the other's account as its owner writes it."""
    event = entry.event
    if not isinstance(event, MessageSent):
        raise TypeError("a conversation holds messages only")
    sender = event.actor.account or event.actor.source.partition("!")[0]
    receiver = event.account or event.target
    return receiver if ascii_fold(sender) == ascii_fold(account or "") else sender
