"""The table ``event``: how an entry becomes a row, and the SQL that writes and reads rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from attrs import evolve, field, frozen

from chat.irc.casemap import ascii_fold
from chat.network.events import Entry, Event, MessageRedacted, MessageSent, Tombstone
from chat.network.history import Layer, guest, layer_of
from chat.network.ids import EventId, Timestamp
from chat.network.ids import Sequence as Position
from chat.store.codec import decode_event, encode_event
from chat.store.database import Cursor
from chat.store.interfaces import UnavailableError, UnusableError

#: uid, time, kind, channel, lesser, greater, payload, layer: a row that has no sequence yet.
Row = tuple[bytes, int, bytes, bytes | None, bytes | None, bytes | None, bytes, int | None]

_INSERT = (
    "INSERT INTO event (sequence, uid, time, kind, channel, lesser, greater, payload, layer) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_REDACTION = MessageRedacted.__name__.encode()
#: How many uids one query looks for.
_UIDS = 100
#: What makes an entry of a row.
COLUMNS = "sequence, uid, time, kind, payload"
_SELECT = f"SELECT {COLUMNS} FROM event WHERE sequence > ? ORDER BY sequence"  # noqa: S608


@frozen
class Written:
    """What a transaction found and did."""

    #: The sequence before the first row of ours, and the rows' uids; ``None``: it wrote all.
    last: int
    inserted: list[str] | None = None
    #: Entries behind what was applied, which were there before.
    missing: list[Entry] = field(factory=list)
    #: Of the rows that were there before: when the first of that uid happened.
    earlier: dict[str, Timestamp] = field(factory=dict)


def encode_row(entry: Entry) -> Row:
    """Return the row of an entry whose event is stored."""
    kind, payload = encode_event(entry.event)
    channel: str | None = getattr(entry.event, "channel", None)
    lesser, greater = _conversation(entry.event)
    return (
        entry.uid.encode(),
        entry.time,
        kind,
        None if channel is None else ascii_fold(channel).encode("utf-8", "surrogatepass"),
        lesser,
        greater,
        payload,
        layer_of(entry.event),
    )


def _conversation(event: Event) -> tuple[bytes | None, bytes | None]:
    """Return the two folded accounts of a direct message, in byte order."""
    if not isinstance(event, MessageSent) or event.channel is not None:
        return None, None
    sender = event.actor.account
    if sender is None and event.account is None:
        # Guests have no history, and so a talk of two of them has no key.
        return None, None
    sender = sender or guest(event.actor.source.partition("!")[0])
    receiver = event.account or guest(event.target)
    lesser, greater = sorted(ascii_fold(name).encode() for name in (sender, receiver))
    return lesser, greater


def read_position(cursor: Cursor) -> Position:
    """Return the sequence of the last event."""
    cursor.execute("SELECT sequence FROM log_position")
    row = cursor.fetchone()
    return _there(None if row is None else row[0])


def _there(sequence: int | None) -> Position:
    if sequence is None:
        raise UnusableError("the table log_position is empty: restore the database from a backup")
    return Position(sequence)


def read_entries(cursor: Cursor, after: int, limit: int | None = None) -> list[Entry]:
    """Return the entries behind ``after``, at most ``limit``."""
    if limit is None:
        cursor.execute(_SELECT, (after,))
    else:
        cursor.execute(f"{_SELECT} LIMIT ?", (after, limit))
    return decode_rows(cursor.fetchall())


def decode_rows(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    """Return the entries of rows with `COLUMNS`."""
    return [
        Entry(
            EventId(uid.decode()),
            Timestamp(time),
            decode_event(kind, payload),
            sequence=Position(sequence),
        )
        for sequence, uid, time, kind, payload in rows
    ]


def find_uids(cursor: Cursor, uids: Sequence[bytes]) -> dict[bytes, int]:
    """Return which of ``uids`` are in the log, and the times of their entries."""
    found: dict[bytes, int] = {}
    for begin in range(0, len(uids), _UIDS):
        some = uids[begin : begin + _UIDS]
        marks = ", ".join("?" * len(some))
        cursor.execute(f"SELECT uid, time FROM event WHERE uid IN ({marks})", some)  # noqa: S608
        found.update(cursor.fetchall())
    return found


def append_rows(cursor: Cursor, rows: Sequence[Row]) -> None:
    """Write ``rows`` behind the log's end."""
    _insert(cursor, _there(cursor.advance(len(rows))) - len(rows), rows)


def _insert(cursor: Cursor, last: int, rows: Sequence[Row]) -> None:
    """Write ``rows`` behind ``last``, where there is room for them."""
    cursor.executemany(_INSERT, [(last + n, *row) for n, row in enumerate(rows, start=1)])
    for row in rows:
        if row[2] == _REDACTION:
            _bury(cursor, row)


def _bury(cursor: Cursor, redaction: Row) -> None:
    """Replace the message that a redaction is of: nothing of it stays in the table."""
    event = decode_event(redaction[2], redaction[6])
    if isinstance(event, MessageRedacted):
        kind, payload = encode_event(Tombstone())
        cursor.execute(
            "UPDATE event SET kind = ?, payload = ?, layer = ? WHERE uid = ?",
            (kind, payload, Layer.REDACTED, event.uid.encode()),
        )


def write_rows(cursor: Cursor, applied: int, rows: list[Row], doubtful: Sequence[bytes]) -> Written:
    """Write ``rows`` behind everything that is there, in one transaction.

    ``doubtful`` are the uids that may be in the table below ``applied`` too: those
    of named messages, and of an append that may have been repeated after its success.
    """
    last = Position(_there(cursor.advance(len(rows))) - len(rows))
    if last < applied:
        raise UnavailableError(
            f"the log ends at {last}, and {applied} of it was applied before: "
            "the database is an older copy, restart the server"
        )
    missing = read_entries(cursor, applied) if last > applied else []
    if len(missing) != last - applied:
        raise UnavailableError(
            f"some of the log between {applied} and {last} is deleted: restart the server"
        )
    if not missing and not doubtful:
        _insert(cursor, last, rows)
        return Written(last)
    earlier = find_uids(cursor, doubtful)
    earlier.update((entry.uid.encode(), entry.time) for entry in missing)
    new = []
    for row in rows:
        if row[0] not in earlier:
            earlier[row[0]] = row[1]
            new.append(row)
    if new:
        _insert(cursor, last, new)
    if len(new) < len(rows):
        cursor.execute("UPDATE log_position SET sequence = ?", (last + len(new),))
    times = {uid.decode(): Timestamp(time) for uid, time in earlier.items()}
    return Written(last, [row[0].decode() for row in new], missing, times)


def in_order(entries: list[Entry], written: Written) -> list[Entry]:
    """Return what is to be applied, in the log's order, with sequences set.

    What was found in the table comes first; an entry of ours among it is there
    by a commit whose answer was lost, and keeps its origin and the passing
    entries before it.  A named entry that is there already is a repeat.
    """
    if written.inserted is None:
        return _numbered(entries, written.last)
    sequences = {uid: Position(n) for n, uid in enumerate(written.inserted, written.last + 1)}
    missing = {entry.uid: entry for entry in written.missing}
    found: dict[str, list[Entry]] = {}
    rest: list[Entry] = []
    passing: list[Entry] = []
    for entry in entries:
        if not entry.event.stored:
            passing.append(entry)
        elif entry.uid in missing and entry.uid not in found:
            found[entry.uid] = [*passing, evolve(entry, sequence=missing[entry.uid].sequence)]
            passing = []
        elif entry.uid in sequences:
            rest += [*passing, evolve(entry, sequence=sequences.pop(entry.uid))]
            passing = []
        elif entry.is_named:
            repeat = evolve(entry, time=written.earlier[entry.uid], is_repeat=True)
            rest += [*passing, repeat]
            passing = []
    ordered = [own for entry in written.missing for own in found.get(entry.uid, [entry])]
    return ordered + rest + passing


def _numbered(entries: list[Entry], last: int) -> list[Entry]:
    """Return the entries with the sequences behind ``last``, which stored ones have."""
    numbers = count(last + 1)
    return [entry.at(Position(next(numbers))) if entry.event.stored else entry for entry in entries]
