"""The records' table, and the position of the log up to which it is right."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.irc.casemap import ascii_fold
from chat.network.ids import Sequence as Position
from chat.network.records import Checkpoint, Record, RecordKey
from chat.store.codec import decode_record, encode_record, record_kind
from chat.store.database import Cursor, Database
from chat.store.interfaces import ICheckpoints


@implementer(ICheckpoints)
@frozen
class Checkpoints:
    """Both methods fail with `UnavailableError` when the database does not answer in time."""

    _database: Database

    def load(self) -> Deferred[Checkpoint]:
        """Return the last checkpoint, at sequence 0 and empty in a new database."""
        return self._database.run_read(_load)

    def save(
        self, sequence: int, changed: Sequence[Record], removed: Sequence[RecordKey]
    ) -> Deferred[None]:
        """Move the checkpoint to ``sequence``, with what changed and what is gone since the last.

        Fails with ValueError when the stored checkpoint is further on: then
        another process saved it, and these records are old.
        """
        # The records are immutable, so that a thread can encode them.
        return self._database.run_write(_save, sequence, tuple(changed), tuple(removed))


def _folded(name: str) -> bytes:
    return ascii_fold(name).encode("utf-8", "surrogatepass")


def _load(cursor: Cursor) -> Checkpoint:
    cursor.execute("SELECT sequence FROM checkpoint")
    ((sequence,),) = cursor.fetchall()
    cursor.execute("SELECT kind, data FROM record ORDER BY kind, name")
    records = tuple(decode_record(kind, data) for kind, data in cursor.fetchall())
    return Checkpoint(Position(sequence), records)


def _save(
    cursor: Cursor, sequence: int, changed: Sequence[Record], removed: Sequence[RecordKey]
) -> None:
    cursor.execute(f"SELECT sequence FROM checkpoint{cursor.dialect.for_update}")  # noqa: S608
    ((stored,),) = cursor.fetchall()
    if stored > sequence:
        raise ValueError(f"the checkpoint at {stored} cannot go back to {sequence}")
    upsert = cursor.dialect.upsert("record", ("kind", "name"), ("data",))
    for record in changed:
        key = (record_kind(type(record)), _folded(record.name))
        cursor.execute(upsert, (*key, encode_record(record)))
    for gone in removed:
        key = (record_kind(gone.kind), _folded(gone.name))
        cursor.execute("DELETE FROM record WHERE kind = ? AND name = ?", key)
    cursor.execute("UPDATE checkpoint SET sequence = ?", (sequence,))
