"""The console's local store of one network: its scrollback, in one file of SQLite.

What a start needs is read at once, before the reactor runs.  All else is done by one
thread of the archive's own with one connection, in the order in which it was asked for:
so an answer knows what was noted before, and the reactor never waits for a disk.
(adbapi would open its connection only in its thread, and run each call as a transaction.)

What is noted is written in batches.  While the file cannot be written the chat goes on,
and writing is tried again.  When too much waits, messages are left out, and a gap marks
where they are missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred

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
from chat.client.history import Memory, Spoken
from chat.console.archive.file import ArchiveError, explain, open_archive
from chat.console.archive.reader import (
    END,
    KeptMessage,
    KeptPage,
    KeptRoom,
    Position,
    read_before,
    read_ignored,
    read_latest,
    read_memory,
    read_rooms,
    search,
)
from chat.console.archive.worker import Worker
from chat.console.archive.writer import Cleared, Filled, Heard, Ignored, Item, RoomSet

#: Items that wait at most; what is no message may wait in twice that number.
MOST_WAITING = 10_000

T = TypeVar("T")
SpokenT = TypeVar("SpokenT", bound=Spoken)


class Archive:
    """One network's archive; `open` makes it, `close` ends it.

    A room or person is meant by the name, of whatever case.  Messages that are given
    back are ``replayed`` and have a time; one without ``msgid`` is known by room, time,
    sender and text.
    """

    def __init__(self, path: Path, reader: sqlite3.Connection, worker: Worker, clock: Any) -> None:
        self._path = path
        self._reader = reader
        self._worker = worker
        self._clock = clock
        #: Rooms of which a message found no place in the queue.
        self._holes: set[str] = set()

    @classmethod
    def open(
        cls, path: Path, reactor: Any, failed: Callable[[str], None] = lambda cause: None
    ) -> Archive:
        """Open the archive in a file, which is made if need be; raises `ArchiveError`.

        ``failed`` is told, once, why something could not be written.
        """
        writer, reader = open_archive(path)
        return cls(path, reader, Worker(path, writer, reactor, failed), reactor)

    def rooms(self) -> list[KeptRoom]:
        """Return the rooms by name: with messages, or joined, pinned or muted."""
        return self._read_now(read_rooms)

    def latest(self, room: str, limit: int) -> list[KeptMessage]:
        """Return the last messages of a room that are written, oldest first, over gaps too."""
        return self._read_now(read_latest, room, limit)

    def memory(self) -> Memory:
        """Return what a client has to know to go on where the last one ended."""
        return self._read_now(read_memory)

    def ignored(self) -> frozenset[str]:
        """Return the nicknames that are ignored, casefolded."""
        return self._read_now(read_ignored)

    def note(self, event: ClientEvent) -> None:
        """Keep what an event tells, if it is of a kind that is kept."""
        match event:
            case Said() | Reacted():
                if self._worker.waiting >= MOST_WAITING:
                    self._leave_out(event)
                    return
                self._holes.clear()
                self._add(self._timed(event))
            case Redacted():
                self._add(self._timed(event))
            case Gap() | ReadUpTo() | JoinedRoom(own=True) | LeftRoom(own=True):
                self._add(event)

    def filled(
        self, room: str, before: Said | None, page: Sequence[Spoken], *, is_end: bool
    ) -> None:
        """Keep a page of the server's history, oldest first, which is not `note`d besides.

        It is what was said right before ``before``, or last (``None``).  ``is_end``: the
        server has nothing older.  Gaps within it end; where it meets nothing that was
        kept, the gap is at its beginning now.
        """
        self._add(Filled(room, before, tuple(map(self._timed, page)), is_end))

    def heard(self, time: datetime) -> None:
        """Keep up to when nothing is missing: what was noted before is written before."""
        if self._worker.waiting < MOST_WAITING:
            self._add(Heard(time))

    def set_room(
        self,
        room: str,
        *,
        pinned: bool | None = None,
        muted: bool | None = None,
        read: datetime | None = None,
        key: str | None = None,
        joined: bool | None = None,
    ) -> None:
        """Keep what is given of a room; ``read`` never goes back, ``key`` is the channel's.

        A conversation is ``joined`` as long as it is open.
        """
        self._add(RoomSet(room, pinned, muted, read, key, joined))

    def ignore(self, nick: str, ignored: bool) -> None:
        """Keep that a nickname, or other name, is ignored, or no longer."""
        self._add(Ignored(nick, ignored))

    def clear(self, room: str) -> None:
        """Forget what was said in a room."""
        self._add(Cleared(room))

    def before(
        self, room: str, message: Said, limit: int, *, across: bool = False
    ) -> Deferred[KeptPage]:
        """Return at most ``limit`` messages older than one, as far as the next gap.

        A gap right before ``message`` makes the page empty, unless ``across``: for when
        the server cannot be asked.  Fails with `ArchiveError`.
        """
        return self._worker.read(read_before, room, message, limit, across)

    def search(self, words: str, room: str | None, limit: int) -> Deferred[list[KeptMessage]]:
        """Return the newest messages, newest first, that have all the words.

        Case and accents do not matter.  Fails with `ArchiveError`.
        """
        return Deferred.fromCoroutine(self._search(words, room, limit))

    def close(self) -> Deferred[None]:
        """Write what waits and end; fires when the file is closed, written or not."""
        return self._worker.close().addCallback(lambda _: self._reader.close())

    async def _search(self, words: str, room: str | None, limit: int) -> list[KeptMessage]:
        found: list[KeptMessage] = []
        rest: Position | None = END
        while rest is not None and len(found) < limit:
            stretch = await self._worker.read(search, words, room, limit - len(found), rest)
            found += stretch.messages
            rest = stretch.rest
        return found

    def _read_now(self, read: Callable[..., T], *arguments: Any) -> T:
        try:
            return read(self._reader, *arguments)
        except sqlite3.Error as error:
            raise ArchiveError(explain(self._path, error)) from error

    def _timed(self, event: SpokenT) -> SpokenT:
        if event.time is not None:
            return event
        return evolve(event, time=datetime.fromtimestamp(self._clock.seconds(), UTC))

    def _leave_out(self, event: Said | Reacted) -> None:
        """Mark, once in a row, where a message is missing."""
        key = event.room.casefold()
        if isinstance(event, Said) and key not in self._holes:
            self._holes.add(key)
            self._add(Gap(event.room))

    def _add(self, item: Item) -> None:
        if self._worker.waiting < 2 * MOST_WAITING:
            self._worker.add(item)
