"""How much an archive keeps: the oldest goes, a little with each batch."""

from __future__ import annotations

import sqlite3

#: Messages that are kept of a room, and of all; so many reactions, and redactions, too.
MOST_IN_ROOM = 100_000
MOST = 1_000_000
#: Rows that are added before all are counted again.
_RECOUNT = 2_000
#: So far below the limits counting leads: two consoles may add before either counts.
_SPARE = 5_000
#: Rows that go in one transaction: more than a batch adds.
_STEP = 1_000

#: Table, room (``None``: any), and how many rows are too much.
Excess = tuple[str, int | None, int]

TABLES = ("messages", "reactions", "redactions")


class Limits:
    """Counts now and then, and deletes what is too much in small steps."""

    def __init__(self, most_in_room: int = MOST_IN_ROOM, most: int = MOST) -> None:
        self._most_in_room = most_in_room - min(_SPARE, most_in_room // 10)
        self._most = most - min(_SPARE, most // 10)
        self._recount = min(_RECOUNT, most_in_room // 20)
        self._uncounted = self._recount
        #: The last is done first.
        self._excess: list[Excess] = []

    def keep(self, connection: sqlite3.Connection, added: int) -> None:
        """Delete some of what is too much, after so many rows were added."""
        self._uncounted += added
        if self._uncounted >= self._recount:
            self._uncounted = 0
            self._excess = [each for table in TABLES for each in self._count(connection, table)]
        left = _STEP
        while left and self._excess:
            table, room, rows = self._excess.pop()
            where, values = ("", []) if room is None else ("WHERE room = ?", [room])
            connection.execute(
                f"DELETE FROM {table} WHERE id IN "  # noqa: S608
                f"(SELECT id FROM {table} {where} ORDER BY time, id LIMIT ?)",
                (*values, min(rows, left)),
            )
            if rows > left:
                self._excess.append((table, room, rows - left))
            left -= min(rows, left)

    def _count(self, connection: sqlite3.Connection, table: str) -> list[Excess]:
        counts = connection.execute(
            f"SELECT room, COUNT(*) FROM {table} GROUP BY room"  # noqa: S608
        ).fetchall()
        most = self._most_in_room
        excess = sum(min(count, most) for _, count in counts) - self._most
        everywhere: list[Excess] = [(table, None, excess)] if excess > 0 else []
        rooms = [(table, room, count - most) for room, count in counts if count > most]
        return [*everywhere, *rooms]
