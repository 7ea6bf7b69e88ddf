"""Pages of history: queries over the log's table, each by an index.

A reference by time becomes a place in the log first, so that every page is a
range of sequences; and each layer has ranges of its own.  So a page costs the
same in a log of any length, and in a room with any number of joins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.irc.casemap import ascii_fold
from chat.network.events import Entry, MessageSent
from chat.network.history import (
    MESSAGES,
    Around,
    Conversation,
    Layer,
    Page,
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
    """All methods fail with `UnavailableError` when the database does not answer in time."""

    _database: Database

    def read(
        self, place: Place, part: Span | Around, layers: Sequence[Layer]
    ) -> Deferred[Page | None]:
        """Return the entries of ``part``, or ``None`` where a reference is unknown."""
        if isinstance(part, Around):
            return self._database.run_read(_read_around, place, part, tuple(layers))
        return self._database.run_read(_read_span, place, part, tuple(layers))

    def find(self, uid: EventId) -> Deferred[Entry | None]:
        """Return the entry of that id, or ``None``."""
        return self._database.run_read(_find, uid)

    def targets(
        self,
        account: str | None,
        rooms: Sequence[Room],
        since: Timestamp,
        after: Timestamp,
        before: Timestamp,
        limit: int,
    ) -> Deferred[list[Recent]]:
        """Return the rooms and talks whose latest message is between two moments.

        Of talks, only what came from ``since`` on counts.
        """
        return self._database.run_read(
            _read_targets, account, tuple(rooms), since, after, before, limit
        )


def rows_of(cursor: Cursor, place: Place) -> tuple[str, tuple[bytes, ...]]:
    """Return the table with the condition of a place's rows, and its parameters."""
    if isinstance(place, Room):
        using = cursor.dialect.using("event_by_channel")
        return f"event {using} WHERE channel = ?", (folded(place.name),)
    using = cursor.dialect.using("event_by_conversation")
    parties = sorted((folded(place.account), folded(place.other)))
    return f"event {using} WHERE lesser = ? AND greater = ?", tuple(parties)


def folded(name: str) -> bytes:
    """Return a name as the columns have it."""
    return ascii_fold(name).encode("utf-8", "surrogatepass")


def _read_span(cursor: Cursor, place: Place, span: Span, layers: tuple[Layer, ...]) -> Page | None:
    lower, upper = 0, END
    from_end = span.from_end
    if span.after is not None:
        found = _position(cursor, span.after, layers, later=True)
        if found is None:
            return None
        lower = found
    if span.before is not None:
        found = _position(cursor, span.before, layers, later=False)
        if found is None:
            return None
        upper = found
    if lower > upper:
        # Two ids, the newer one first: counted from there, backwards.
        lower, upper, from_end = upper, lower, True
    # One more than wanted tells whether there is more.
    entries = _page(cursor, place, lower, upper, span.limit + 1, layers, from_end=from_end)
    is_end = len(entries) <= span.limit
    if not is_end:
        entries = entries[1:] if from_end else entries[:-1]
    return Page(tuple(entries), is_end, from_end)


def _read_around(
    cursor: Cursor, place: Place, around: Around, layers: tuple[Layer, ...]
) -> Page | None:
    middle = _position(cursor, around.reference, layers, later=False)
    if middle is None:
        return None
    half = around.limit // 2
    before = _page(cursor, place, 0, middle, half, layers, from_end=True)
    rest = around.limit - len(before)
    entries = before + _page(cursor, place, middle - 1, END, rest, layers, from_end=False)
    return Page(tuple(entries), is_end=len(entries) < around.limit, from_end=None)


def _position(
    cursor: Cursor, reference: Reference, layers: tuple[Layer, ...], *, later: bool
) -> int | None:
    """Return a sequence that nothing sought is at: a bound that does not belong to the page."""
    if isinstance(reference, str):
        cursor.execute("SELECT sequence FROM event WHERE uid = ?", (reference.encode(),))
        row = cursor.fetchone()
        return None if row is None else int(row[0])
    if later:
        return last_until(cursor, reference, layers)
    return first_from(cursor, reference, layers)


def last_until(cursor: Cursor, moment: Timestamp, layers: Sequence[Layer]) -> int:
    """Return the sequence of the last entry that is not later than ``moment``, or 0."""
    found = []
    using = cursor.dialect.using("event_by_time")
    for layer in layers:
        cursor.execute(
            f"SELECT sequence FROM event {using} WHERE layer = ? AND time <= ? "  # noqa: S608
            "ORDER BY time DESC, sequence DESC LIMIT 1",
            (layer, moment),
        )
        found += cursor.fetchall()
    return max((int(sequence) for (sequence,) in found), default=0)


def first_from(cursor: Cursor, moment: Timestamp, layers: Sequence[Layer]) -> int:
    """Return the sequence of the first entry that is not earlier than ``moment``, or `END`."""
    found = []
    using = cursor.dialect.using("event_by_time")
    for layer in layers:
        cursor.execute(
            f"SELECT sequence FROM event {using} WHERE layer = ? AND time >= ? "  # noqa: S608
            "ORDER BY time, sequence LIMIT 1",
            (layer, moment),
        )
        found += cursor.fetchall()
    return min((int(sequence) for (sequence,) in found), default=END)


#: Behind every sequence.
END = 2**62


def _page(
    cursor: Cursor,
    place: Place,
    lower: int,
    upper: int,
    limit: int,
    layers: tuple[Layer, ...],
    *,
    from_end: bool,
) -> list[Entry]:
    if place.since:
        lower = max(lower, last_until(cursor, Timestamp(place.since - 1), layers))
    rows_here, values = rows_of(cursor, place)
    rows = []
    for layer in layers:
        cursor.execute(
            f"SELECT {COLUMNS} FROM {rows_here} AND layer = ? "  # noqa: S608
            "AND sequence > ? AND sequence < ? "
            f"ORDER BY sequence {'DESC' if from_end else 'ASC'} LIMIT ?",
            (*values, layer, lower, upper, limit),
        )
        rows += cursor.fetchall()
    rows.sort(key=lambda row: int(row[0]), reverse=from_end)
    entries = decode_rows(rows[:limit])
    return entries[::-1] if from_end else entries


def _find(cursor: Cursor, uid: EventId) -> Entry | None:
    cursor.execute(f"SELECT {COLUMNS} FROM event WHERE uid = ?", (uid.encode(),))  # noqa: S608
    entries = decode_rows(cursor.fetchall())
    return entries[0] if entries else None


def _read_targets(
    cursor: Cursor,
    account: str | None,
    rooms: tuple[Room, ...],
    since: Timestamp,
    after: int,
    before: int,
    limit: int,
) -> list[Recent]:
    recent = []
    for room in rooms:
        latest = _page(cursor, room, 0, END, 1, MESSAGES, from_end=True)
        recent += [Recent(room.name, entry.time) for entry in latest]
    for other in partners(cursor, account) if account is not None else ():
        talk = Conversation(account or "", other, since)
        latest = _page(cursor, talk, 0, END, 1, MESSAGES, from_end=True)
        recent += [Recent(_partner_name(entry, account), entry.time) for entry in latest]
    found = [one for one in recent if after < one.time < before]
    return sorted(found, key=lambda one: one.time)[:limit]


def partners(cursor: Cursor, account: str) -> list[str]:
    """Return the folded accounts that ``account`` has exchanged direct messages with.

    It leaps from one to the next: it costs by how many they are, and not by what they said.
    """
    own = folded(account)
    found = {
        *_others(cursor, own, "event_by_conversation", "lesser", "greater"),
        *_others(cursor, own, "event_by_greater", "greater", "lesser"),
    }
    return [other.decode("utf-8", "surrogatepass") for other in sorted(found)]


def _others(cursor: Cursor, own: bytes, index: str, mine: str, theirs: str) -> Iterator[bytes]:
    last = b""
    using = cursor.dialect.using(index)
    while True:
        cursor.execute(
            f"SELECT {theirs} FROM event {using} WHERE {mine} = ? AND {theirs} > ? "  # noqa: S608
            f"ORDER BY {theirs} LIMIT 1",
            (own, last),
        )
        row = cursor.fetchone()
        if row is None:
            return
        last = row[0]
        yield last


def _partner_name(entry: Entry, account: str | None) -> str:
    """Return the other's account as its owner writes it."""
    event = entry.event
    if not isinstance(event, MessageSent):
        raise TypeError("a conversation holds messages only")
    sender = event.actor.account or event.actor.source.partition("!")[0]
    receiver = event.account or event.target
    return receiver if ascii_fold(sender) == ascii_fold(account or "") else sender
