"""What waits for devices, each payload at its position until the device acknowledges that."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from chat.network.directory import DeviceName, Payload, QueueLimits, Sending, Waiting
from chat.network.ids import Timestamp
from chat.store.database import Cursor, Database
from chat.store.directory import Key, is_there, key_of, locked_name
from chat.store.interfaces import IQueues

#: Payloads that are read at once.
_PAGE = 50
#: Rows that one transaction deletes, and the seconds between two of them.
_STEP, _PAUSE = 200, 0.1

_OWNER = "account = ? AND device = ?"


@implementer(IQueues)
@frozen
class Queues:
    """Every method fails with `UnavailableError` when the database does not answer in time."""

    _database: Database
    _clock: IReactorTime
    _step: int = _STEP

    def send(
        self,
        receiver: DeviceName,
        sender: DeviceName,
        id_: str,
        data: bytes,
        gone: Collection[str],
        limits: QueueLimits,
        now: Timestamp,
    ) -> Deferred[Sending]:
        """Let a payload wait for a device that has a bundle, of no certificate that is ``gone``.

        One that waits already is sent again without harm.
        """
        return self._database.run_write(
            _send, key_of(receiver), str(sender).encode(), id_.encode(), data, gone, limits, now
        )

    def read(
        self,
        receiver: DeviceName,
        gone: Collection[str],
        after: int,
        since: Timestamp,
        room: int,
    ) -> Deferred[Waiting]:
        """Return what waits behind a position and came since a moment, in order.

        It is one payload at the least, where there is one, and then as many as
        ``room`` bytes hold.
        """
        return self._database.run_read(_read, key_of(receiver), gone, after, since, room)

    def acknowledge(self, receiver: DeviceName, position: int) -> Deferred[int]:
        """Delete what waits up to a position, and return how many these were."""
        return self._database.run_write(_acknowledge, key_of(receiver), position)

    def prune(self, before: Timestamp) -> Deferred[int]:
        """Delete what came before a moment, in small steps, and return how many these were."""
        return Deferred.fromCoroutine(self._prune(before))

    async def _prune(self, before: Timestamp) -> int:
        deleted = found = await self._database.run_write(_delete_old, before, self._step)
        while found == self._step:
            await deferLater(self._clock, _PAUSE)
            found = await self._database.run_write(_delete_old, before, self._step)
            deleted += found
        return deleted


def _send(
    cursor: Cursor,
    receiver: Key,
    sender: bytes,
    id_: bytes,
    data: bytes,
    gone: Collection[str],
    limits: QueueLimits,
    now: Timestamp,
) -> Sending:
    if locked_name(cursor, receiver, gone) is None:
        return Sending.UNKNOWN_DEVICE
    # What is too old to be delivered takes no room, and no id.
    cursor.execute(
        f"DELETE FROM e2e_payload WHERE {_OWNER} AND time < ?",  # noqa: S608
        (*receiver, limits.since),
    )
    cursor.execute(
        f"SELECT data FROM e2e_payload WHERE {_OWNER} AND sender = ? AND id = ?",  # noqa: S608
        (*receiver, sender, id_),
    )
    row = cursor.fetchone()
    if row is not None:
        return Sending.SENT if row[0] == data else Sending.ID_IN_USE
    cursor.execute(f"SELECT sender FROM e2e_payload WHERE {_OWNER}", receiver)  # noqa: S608
    senders = [other for (other,) in cursor.fetchall()]
    if len(senders) >= limits.messages or senders.count(sender) >= limits.of_sender:
        return Sending.QUEUE_FULL
    # In the order of the commits: the row of the device is locked until then.
    cursor.execute(f"UPDATE e2e_device SET position = position + 1 WHERE {_OWNER}", receiver)  # noqa: S608
    cursor.execute(
        "INSERT INTO e2e_payload (account, device, position, sender, id, time, data)"  # noqa: S608
        f" SELECT account, device, position, ?, ?, ?, ? FROM e2e_device WHERE {_OWNER}",
        (sender, id_, now, data, *receiver),
    )
    return Sending.SENT


def _read(
    cursor: Cursor,
    receiver: Key,
    gone: Collection[str],
    after: int,
    since: Timestamp,
    room: int,
) -> Waiting:
    if not is_there(cursor, receiver, gone):
        return Waiting((), is_end=True)
    cursor.execute(
        f"SELECT sender, position, data FROM e2e_payload WHERE {_OWNER}"  # noqa: S608
        " AND position > ? AND time >= ? ORDER BY position LIMIT ?",
        (*receiver, after, since, _PAGE),
    )
    rows = cursor.fetchall()
    found: list[Payload] = []
    for sender, position, data in rows:
        room -= len(data)
        if found and room < 0:
            return Waiting(tuple(found), is_end=False)
        account, _, device = sender.decode().partition("/")
        found.append(Payload(DeviceName(account, device), int(position), data))
    return Waiting(tuple(found), is_end=len(rows) < _PAGE)


def _acknowledge(cursor: Cursor, receiver: Key, position: int) -> int:
    cursor.execute(
        f"DELETE FROM e2e_payload WHERE {_OWNER} AND position <= ?",  # noqa: S608
        (*receiver, position),
    )
    return cursor.rowcount


def _delete_old(cursor: Cursor, before: Timestamp, limit: int) -> int:
    using = cursor.dialect.using("e2e_payload_by_time")
    cursor.execute(
        f"SELECT account, device, position FROM e2e_payload {using} WHERE time < ?"  # noqa: S608
        " ORDER BY time LIMIT ?",
        (before, limit),
    )
    found = cursor.fetchall()
    for row in found:
        cursor.execute(f"DELETE FROM e2e_payload WHERE {_OWNER} AND position = ?", row)  # noqa: S608
    return len(found)
