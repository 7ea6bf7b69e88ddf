"""The database as the rest of the store sees it: functions of a cursor, run in a thread.

One connection writes and a few read, each in its own pool of adbapi.  Every call
has a deadline, and the work in flight is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Generic, TypeVar, TypeVarTuple, cast

from attrs import define, field
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from chat.store.dialects import Dialect
from chat.store.interfaces import UnavailableError
from chat.store.threads import Threads

#: What may be a parameter: text would be stored by the rules of each database.
Parameter = int | bytes | None

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_READERS = 3


class Cursor:
    """A cursor that takes ``?`` for a parameter with every database."""

    def __init__(self, dialect: Dialect, cursor: Any) -> None:
        self.dialect = dialect
        #: Whether a statement was run.
        self.is_used = False
        self._cursor = cursor

    def execute(self, sql: str, parameters: Sequence[Parameter] = ()) -> None:
        """Run one statement."""
        self._cursor.execute(self.dialect.translate(sql), tuple(parameters))
        self.is_used = True

    def executemany(self, sql: str, rows: Iterable[Sequence[Parameter]]) -> None:
        """Run one statement for every row; fast only for INSERT ... VALUES."""
        self._cursor.executemany(self.dialect.translate(sql), list(rows))
        self.is_used = True

    def advance(self, count: int) -> int | None:
        """Move the log's end on, and lock it (see `Dialect.advance`)."""
        sequence = self.dialect.advance(self._cursor, count)
        self.is_used = True
        return sequence

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row of the result, ``None`` behind the last one."""
        return cast("tuple[Any, ...] | None", self._cursor.fetchone())

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows of the result that are left."""
        return list(self._cursor.fetchall())

    @property
    def rowcount(self) -> int:
        """How many rows the statement found or changed."""
        return cast(int, self._cursor.rowcount)


@define(eq=False)
class _Job(Generic[T]):
    """A function on its way through a pool; ``lock`` guards what the threads share."""

    function: Callable[..., T]
    arguments: tuple[Any, ...]
    result: Deferred[T] = field(factory=Deferred)
    lock: Lock = field(factory=Lock)
    #: The dialect's handle of the connection, while a thread works with it.
    handle: Any = None
    abandoned: bool = False
    timer: IDelayedCall | None = None

    def enter(self, dialect: Dialect, connection: Any) -> None:
        """Take ``connection`` in use; raises `UnavailableError` when nobody waits any more."""
        self.leave(dialect)
        with self.lock:
            if self.abandoned:
                raise UnavailableError("not begun before its deadline")
            self.handle = dialect.handle(connection)

    def leave(self, dialect: Dialect) -> None:
        """Say that the connection is out of use."""
        with self.lock:
            handle, self.handle = self.handle, None
            if handle is not None:
                dialect.release(handle)

    def abandon(self, dialect: Dialect) -> None:
        """Keep the job from beginning, or interrupt it."""
        with self.lock:
            self.abandoned = True
            if self.handle is not None:
                dialect.interrupt(self.handle)


class PooledConnection(adbapi.Connection):
    """Makes one transaction with a pool's connection, which it drops when it is broken.

    In place of adbapi's own way to reconnect, which logs an error for every
    transaction while the database is away.
    """

    #: The driver's connection, ``None`` after it was dropped.
    _connection: Any
    _pool: _Pool
    _job: _Job[Any] | None = None

    def run(self, job: _Job[T]) -> T:
        """Return what the job's function returns, in a transaction that is not committed yet.

        A connection that turns out to be lost is opened again, once: before
        anything was done, or when all that was done is reading.
        """
        self._job = job
        try:
            cursor = self._begin(job)
        except Exception as error:
            if not self._pool.dialect.is_lost(error):
                raise
            cursor = self._begin_again(job)
        try:
            return job.function(cursor, *job.arguments)
        except Exception as error:
            is_begun = self._pool.writes and cursor.is_used
            if is_begun or not self._pool.dialect.is_lost(error):
                raise
            return job.function(self._begin_again(job), *job.arguments)

    def _begin(self, job: _Job[Any]) -> Cursor:
        dialect = self._pool.dialect
        job.enter(dialect, self._connection)
        cursor = Cursor(dialect, self._connection.cursor())
        begin = dialect.begin_write if self._pool.writes else dialect.begin_read
        if begin is not None:
            cursor.execute(begin)
        return cursor

    def _begin_again(self, job: _Job[Any]) -> Cursor:
        self._drop()
        if job.abandoned:
            raise UnavailableError("interrupted at its deadline")
        self.reconnect()  # type: ignore[no-untyped-call]
        return self._begin(job)

    def commit(self) -> None:
        """Commit; after an error the outcome is not known."""
        self._connection.commit()
        self._leave()

    def rollback(self) -> None:
        """Undo the transaction, or drop the connection and with that let the database do it."""
        self._leave()
        if self._connection is not None:
            try:
                self._connection.rollback()
            except Exception:
                self._drop()

    def _leave(self) -> None:
        if self._job is not None:
            self._job.leave(self._pool.dialect)

    def _drop(self) -> None:
        self._leave()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.disconnect(connection)  # type: ignore[no-untyped-call]


class _Pool(adbapi.ConnectionPool):
    """Connections of one purpose, and the jobs that are on their way."""

    connectionFactory = PooledConnection  # noqa: N815

    def __init__(
        self, reactor: Any, dialect: Dialect, *, writes: bool, connections: int, limit: int
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            dialect.module,
            cp_reactor=reactor,
            cp_min=0,
            cp_openfun=lambda connection: dialect.opened(connection, writes=writes),
            **dialect.arguments(),
        )
        # In place of adbapi's own, which has not begun a thread.
        self.threadpool: Any = Threads(connections)
        self.dialect = dialect
        self.writes = writes
        self.limit = limit
        self.jobs: set[_Job[Any]] = set()

    def start_job(self, job: _Job[T]) -> Deferred[T]:
        """Run ``job`` in a thread of the pool; fires when the thread has done with it."""
        return cast(
            "Deferred[T]",
            self.runWithConnection(PooledConnection.run, job),  # type: ignore[no-untyped-call]
        )


class Database:
    """Runs functions of a `Cursor`, each as one transaction.

    ``deadline`` is in seconds and bounds every call that does not set its own;
    ``in_flight`` bounds the reads, and the writes, that are not done.  ``clock``
    (by default the reactor) measures the deadlines.
    """

    def __init__(
        self,
        reactor: Any,
        dialect: Dialect,
        *,
        deadline: float = 10.0,
        in_flight: int = 200,
        clock: IReactorTime | None = None,
    ) -> None:
        dialect.prepare()
        self.dialect = dialect
        self.deadline = deadline
        self._reactor = reactor
        self._clock: IReactorTime = clock if clock is not None else reactor
        self._writer = _Pool(reactor, dialect, writes=True, connections=1, limit=in_flight)
        self._readers = _Pool(reactor, dialect, writes=False, connections=_READERS, limit=in_flight)
        self._closing = False
        self._idle: Deferred[None] | None = None

    @property
    def in_flight(self) -> int:
        """How many calls a thread has, or waits for."""
        return len(self._writer.jobs) + len(self._readers.jobs)

    def end_of_turn(self) -> Deferred[None]:
        """Return a Deferred that fires when the reactor has read all that it was told of."""
        done: Deferred[None] = Deferred()
        self._reactor.callLater(0, done.callback, None)
        return done

    def run_read(
        self,
        function: Callable[[Cursor, *Ts], T],
        *arguments: *Ts,
        deadline: float | None = None,
    ) -> Deferred[T]:
        """Return the result of ``function(cursor, *arguments)``, which sees one state of the data.

        It is called a second time when the connection was lost.  Fails with
        `UnavailableError`, or with what the function raised.
        """
        return self._run(self._readers, function, arguments, deadline)

    def run_write(
        self,
        function: Callable[[Cursor, *Ts], T],
        *arguments: *Ts,
        deadline: float | None = None,
    ) -> Deferred[T]:
        """Return the result of ``function(cursor, *arguments)`` once it is on disk.

        Writes come one after the other.  Fails with `UnavailableError`, after
        which it is not known whether the transaction took place, or with what
        the function raised.
        """
        return self._run(self._writer, function, arguments, deadline)

    async def close(self, grace: float = 1.0) -> None:
        """Refuse new calls, give the others ``grace`` seconds, interrupt them, end all threads.

        A second call does nothing.
        """
        if self._closing:
            return
        self._closing = True
        if self.in_flight:
            self._idle = Deferred()
            timer = self._clock.callLater(grace, self._abandon_all)
            await self._idle
            if timer.active():
                timer.cancel()
        for pool in (self._readers, self._writer):
            pool.close()  # type: ignore[no-untyped-call]

    def _run(
        self,
        pool: _Pool,
        function: Callable[..., T],
        arguments: tuple[Any, ...],
        deadline: float | None,
    ) -> Deferred[T]:
        if self._closing:
            return fail(UnavailableError("the database is being closed"))
        if len(pool.jobs) >= pool.limit:
            return fail(UnavailableError("too much is waiting for the database"))
        deadline = self.deadline if deadline is None else deadline
        job = _Job(function, arguments)
        pool.jobs.add(job)
        job.timer = self._clock.callLater(deadline, self._expire, job, deadline)
        pool.start_job(job).addBoth(self._finish, pool, job)
        return job.result

    def _expire(self, job: _Job[T], deadline: float) -> None:
        """Fail ``job`` at its deadline; its thread is freed and its work undone if possible."""
        job.abandon(self.dialect)
        error = UnavailableError(f"the database did not answer within {deadline:g} s")
        job.result.errback(error)

    def _finish(self, outcome: T | Failure, pool: _Pool, job: _Job[T]) -> None:
        """Hand the outcome over, unless the deadline did before."""
        pool.jobs.discard(job)
        if job.timer is not None and job.timer.active():
            job.timer.cancel()
        if not job.result.called:
            if isinstance(outcome, Failure):
                job.result.errback(self._explain(outcome))
            else:
                job.result.callback(outcome)
        if self._idle is not None and not self.in_flight:
            idle, self._idle = self._idle, None
            idle.callback(None)

    def _explain(self, failure: Failure) -> Failure | UnavailableError:
        """Return the failure, or an `UnavailableError` when the database is at fault.

        A new exception, without the driver's traceback, whose frames hold arguments.
        """
        error = failure.value
        if error is None or not self.dialect.is_unavailable(error):
            return failure
        return UnavailableError(f"the database is not available: {error}")

    def _abandon_all(self) -> None:
        for job in self._writer.jobs | self._readers.jobs:
            with suppress(Exception):
                job.abandon(self.dialect)
