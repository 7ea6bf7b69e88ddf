"""What is beyond the bounds of history leaves the table, and so does what nobody reads again.

Deletions go in small steps, each a transaction of its own with a pause behind it, so
that no commit of the log waits long for one.  Only what the checkpoint has passed is
deleted: a start, and a server that catches up, read what is behind it, all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from chat.network.history import MESSAGES, Conversation, Layer, Place, Room
from chat.network.ids import Timestamp
from chat.network.retention import Retention
from chat.store.database import Cursor, Database
from chat.store.history import folded, last_until, rows_of
from chat.store.interfaces import IEventLog

#: Rows of one transaction, and the seconds that it may take.
STEP = 200
_DEADLINE = 2.0
#: Seconds between two transactions.
_PAUSE = 0.1
#: Appends that wait for the log, above which deleting waits for the next occasion.
_BUSY = 100
#: Places that one statement's transaction finds.
_PLACES = 100
#: For how long events are kept that are no history, in seconds: nobody reads them again.
_PASSED = 86_400

#: A room's name, or the two accounts of a conversation, as the columns have them.
_Key = tuple[bytes, ...]
#: What deletes some rows of one range, at most so many, and returns how many went.
_Step = Callable[[Cursor, int], int]


@frozen
class Pruner:
    """Deletes from the log's table; ``run`` is called now and then."""

    _database: Database
    _log: IEventLog
    _clock: IReactorTime
    _step: int = STEP

    async def run(self, network: Retention, rooms: Mapping[str, Retention], now: Timestamp) -> int:
        """Delete what is beyond ``network``, and of ``rooms`` beyond each one's bounds.

        Returns how many rows went.  Ends early when much waits for the log: the
        next run goes on.  Fails with `UnavailableError`.
        """
        deleted = 0
        async for step in self._ranges(network, rooms, now):
            found = self._step
            while found == self._step:
                if self._log.waiting > _BUSY:
                    return deleted
                found = await self._database.run_write(step, self._step, deadline=_DEADLINE)
                deleted += found
                if found:
                    await deferLater(self._clock, _PAUSE)
        return deleted

    async def _ranges(
        self, network: Retention, rooms: Mapping[str, Retention], now: Timestamp
    ) -> AsyncIterator[_Step]:
        """Yield what there is to delete, range by range."""
        passed = Retention(seconds=min(_PASSED, network.seconds or _PASSED))
        yield partial(_delete_old, layer=None, before=passed.since(now))
        if network.seconds:
            for layer in Layer:
                yield partial(_delete_old, layer=layer, before=network.since(now))
        async for place, bound in self._bounded(network, rooms):
            last = await self._database.run_read(_last_beyond, place, bound, now)
            if last:
                for layer in Layer:
                    yield partial(_delete_until, place=place, layer=layer, last=last)

    async def _bounded(
        self, network: Retention, rooms: Mapping[str, Retention]
    ) -> AsyncIterator[tuple[Place, Retention]]:
        """Yield the places that have bounds besides the network's age."""
        own = {folded(name) for name in rooms}
        for name, bound in rooms.items():
            yield Room(name), bound
        if network.messages:
            async for place in self._places():
                if not isinstance(place, Room) or folded(place.name) not in own:
                    yield place, Retention(network.messages)

    async def _places(self) -> AsyncIterator[Place]:
        """Yield every room and conversation that has rows."""
        for find in (_next_room, _next_talk):
            last: tuple[bytes, ...] = (b"", b"")
            found = await self._database.run_read(_leap, find, last)
            while found:
                for key in found:
                    yield _place(key)
                found = await self._database.run_read(_leap, find, found[-1])


def _place(key: _Key) -> Place:
    first, *second = map(_text, key)
    return Conversation(first, second[0]) if second else Room(first)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")


def _delete_old(cursor: Cursor, limit: int, *, layer: Layer | None, before: Timestamp) -> int:
    using = cursor.dialect.using("event_by_time")
    condition = "layer IS NULL" if layer is None else "layer = ?"
    cursor.execute(
        f"SELECT sequence FROM event {using} WHERE {condition} AND time < ? "  # noqa: S608
        "ORDER BY time, sequence LIMIT ?",
        (*(() if layer is None else (layer,)), before, limit),
    )
    return _delete(cursor)


def _delete_until(cursor: Cursor, limit: int, *, place: Place, layer: Layer, last: int) -> int:
    rows_here, values = rows_of(cursor, place)
    cursor.execute(
        f"SELECT sequence FROM {rows_here} AND layer = ? AND sequence <= ? "  # noqa: S608
        "ORDER BY sequence LIMIT ?",
        (*values, layer, last, limit),
    )
    return _delete(cursor)


def _delete(cursor: Cursor) -> int:
    """Delete the rows whose sequences were selected, up to the checkpoint."""
    found = [int(sequence) for (sequence,) in cursor.fetchall()]
    cursor.execute("SELECT sequence FROM checkpoint")
    ((checkpoint,),) = cursor.fetchall()
    passed = [sequence for sequence in found if sequence <= checkpoint]
    if passed:
        marks = ", ".join("?" * len(passed))
        cursor.execute(f"DELETE FROM event WHERE sequence IN ({marks})", passed)  # noqa: S608
    return len(passed)


def _last_beyond(cursor: Cursor, place: Place, bound: Retention, now: Timestamp) -> int:
    """Return the last sequence that is beyond ``bound``, or 0."""
    last = 0
    if bound.seconds:
        last = last_until(cursor, Timestamp(bound.since(now) - 1), tuple(Layer))
    if bound.messages:
        rows_here, values = rows_of(cursor, place)
        cursor.execute(
            f"SELECT sequence FROM {rows_here} AND layer = ? "  # noqa: S608
            "ORDER BY sequence DESC LIMIT 1 OFFSET ?",
            (*values, *MESSAGES, bound.messages),
        )
        last = max([last, *(int(sequence) for (sequence,) in cursor.fetchall())])
    return last


def _leap(cursor: Cursor, find: Callable[[Cursor, _Key], _Key | None], last: _Key) -> list[_Key]:
    """Return the next keys behind ``last``."""
    found: list[_Key] = []
    key = find(cursor, last)
    while key is not None:
        found.append(key)
        key = find(cursor, key) if len(found) < _PLACES else None
    return found


def _next_room(cursor: Cursor, last: _Key) -> _Key | None:
    using = cursor.dialect.using("event_by_channel")
    cursor.execute(
        f"SELECT channel FROM event {using} WHERE channel > ? "  # noqa: S608
        "ORDER BY channel LIMIT 1",
        last[:1],
    )
    return cursor.fetchone()


def _next_talk(cursor: Cursor, last: _Key) -> _Key | None:
    using = cursor.dialect.using("event_by_conversation")
    for condition, values in (("lesser = ? AND greater > ?", last), ("lesser > ?", last[:1])):
        cursor.execute(
            f"SELECT lesser, greater FROM event {using} WHERE {condition} "  # noqa: S608
            "ORDER BY lesser, greater LIMIT 1",
            values,
        )
        row = cursor.fetchone()
        if row is not None:
            return row
    return None
