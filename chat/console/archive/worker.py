"""The one thread that works with an archive's file."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from chat.console.archive.file import ArchiveError, explain
from chat.console.archive.writer import Item, Writer

#: Seconds that a batch gathers, and its items at most.
GATHER = 0.1
BATCH = 500
#: Seconds from a failure to the next attempt.
RETRY = 10.0

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """Writes items in batches, in their order, and reads behind what waits.

    What could not be written goes on waiting; ``failed`` is told the first cause.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        reactor: Any,
        failed: Callable[[str], None],
    ) -> None:
        self._path = path
        self._connection = connection
        self._writer = Writer(connection)
        self._reactor = reactor
        self._failed = failed
        self._threads = ThreadPool(0, 1, "archive")
        # A program that ends without `close` does not wait for the thread.
        self._threads.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]
        self._threads.start()
        #: The reactor adds to its end, the thread takes from its beginning.
        self._waiting: deque[Item] = deque()
        self._timer: IDelayedCall | None = None
        self._is_writing = self._is_failing = self._has_told = False
        self._closed: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def add(self, item: Item) -> None:
        """Have an item written soon; after `close` it is not."""
        if self._closed is None:
            self._waiting.append(item)
            self._write_soon()

    def read(
        self,
        read: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]:
        """Return what ``read`` does of the file; fails with `ArchiveError`."""
        return self._in_thread(self._read, partial(read, self._connection, *args, **kwargs))

    def close(self) -> Deferred[None]:
        """Write what waits, and close the file, also if that fails; the thread ends."""
        if self._closed is None:
            self._stop_timer()
            ended = self._in_thread(self._end)
            self._closed = Deferred()
            ended.addErrback(self._tell).addBoth(self._finish)
        fired: Deferred[None] = Deferred()
        self._closed.addCallback(lambda _: fired.callback(None))
        return fired

    def _write_soon(self) -> None:
        if self._is_writing:
            return
        if len(self._waiting) >= BATCH and not self._is_failing:
            self._write()
        elif self._timer is None:
            delay = RETRY if self._is_failing else GATHER
            self._timer = self._reactor.callLater(delay, self._write)

    def _write(self) -> None:
        self._stop_timer()
        self._is_writing = True
        self._in_thread(self._write_batch).addCallbacks(self._written, self._not_written)

    def _written(self, _: None) -> None:
        self._is_writing = self._is_failing = False
        if self._waiting and self._closed is None:
            self._write_soon()

    def _not_written(self, failure: Failure) -> None:
        self._is_writing, self._is_failing = False, True
        self._tell(failure)
        if self._closed is None:
            self._write_soon()

    def _tell(self, failure: Failure) -> None:
        if not self._has_told:
            self._has_told = True
            self._failed(failure.getErrorMessage())

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self._closed is not None:
            return fail(ArchiveError(f"{self._path} is closed: start again"))
        done: Deferred[T] = deferToThreadPool(self._reactor, self._threads, work, *args, **kwargs)
        return done.addErrback(self._explain)

    def _explain(self, failure: Failure) -> Failure:
        error = failure.value
        if not isinstance(error, sqlite3.Error):
            return failure
        return Failure(ArchiveError(explain(self._path, error)))

    def _finish(self, _: object) -> None:
        self._threads.stop()
        if self._closed is not None:
            self._closed.callback(None)

    # What follows runs in the thread.

    def _write_batch(self) -> None:
        """Write the next batch, or put it back."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if not batch:
            return
        try:
            self._writer.write(batch)
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise

    def _read(self, read: Callable[[], T]) -> T:
        """Read, behind what waits if that can be written."""
        try:
            while self._waiting and not self._is_failing:
                self._write_batch()
        except sqlite3.Error:
            return read()  # the next batch fails too, and that is told
        return read()

    def _end(self) -> None:
        try:
            while self._waiting:
                self._write_batch()
        finally:
            self._connection.close()
