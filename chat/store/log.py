"""The event log with group commit: while one batch commits, the next one gathers.

An append waits in a queue; if it is to be stored, for the end of the reactor's turn.
One coroutine takes batches from its head, writes each in one transaction, hands the
entries to the subscriber and only then fires the appends' Deferreds.  Whatever else is
in the table behind what this process has applied, by another process or by a commit of
ours whose answer was lost, is found under the lock of the position and applied first.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import inf

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from chat.network.events import Entry
from chat.network.figures import Figures
from chat.network.ids import Sequence as Position
from chat.network.settings import Performance
from chat.store.alarm import Alarm
from chat.store.database import Database
from chat.store.event_table import (
    Row,
    encode_row,
    in_order,
    read_entries,
    read_position,
    write_rows,
)
from chat.store.interfaces import Apply, IEventLog, UnavailableError, UnusableError
from chat.store.measures import Recent

_log = Logger()

#: Entries that a subscriber is given at once while it catches up.
PAGE = 1_000
#: Seconds between two attempts at least and at most.
_FIRST_DELAY = 0.05
_LAST_DELAY = 2.0
#: Seconds that the database may be away before it is better to refuse than to wait.
_HOPE = 2.0


@define(eq=False)
class _Append:
    """One batch of a caller, never split; ``done`` has fired when the caller has its answer."""

    entries: tuple[Entry, ...]
    rows: list[Row]
    #: In how many seconds, and when by the clock, the caller is told that it was in vain.
    deadline: float
    expires: float
    done: Deferred[None] = field(factory=Deferred)

    def succeed(self) -> None:
        """Tell the caller, unless its deadline did."""
        if not self.done.called:
            self.done.callback(None)

    def fail(self, error: BaseException) -> None:
        """Tell the caller, unless its deadline did."""
        if not self.done.called:
            self.done.errback(error)


@implementer(IEventLog)
class EventLog:
    """The one log of a process; nothing is written before `subscribe`.

    ``batches``, ``entries`` and ``failures`` count transactions, entries handed
    to the subscriber and attempts in vain.

    The log is crowded from half of its queue on, until a quarter is left:
    ``crowded`` is called, and those who hear it should append less.  It is not
    once the database has been away for a while, when waiting does not help: an
    append is refused then, at its deadline or where the queue is full.
    """

    def __init__(
        self,
        database: Database,
        clock: IReactorTime,
        performance: Performance | None = None,
        *,
        page: int = PAGE,
    ) -> None:
        self.position = Position(0)
        self.waiting = 0
        self.batches = 0
        self.entries = 0
        self.failures = 0
        #: Called with whether the log is crowded, when that changes.
        self.crowded: Callable[[bool], None] = lambda crowded: None
        self._database = database
        self._clock = clock
        self._performance = performance or Performance()
        self._page = page
        self._most_waiting = 0
        self._sizes, self._depths, self._seconds = Recent(), Recent(), Recent()
        self._is_crowded = False
        #: Since when all attempts to write were in vain.
        self._away_since: float | None = None
        self._queue: deque[_Append] = deque()
        self._apply: Apply | None = None
        self._ready = False
        self._running = False
        self._closed = False
        self._stopped = False
        #: Appends to try one by one, to find which of a batch the database refuses.
        self._singly = 0
        self._current: list[_Append] = []
        self._pause: Deferred[None] | None = None
        #: Rings at the first deadline of those that wait.
        self._alarm = Alarm(clock, self._expire)
        self._drained: list[Deferred[None]] = []

    def append(self, entries: Sequence[Entry], *, deadline: float | None) -> Deferred[None]:
        """Put ``entries`` in the log as one atomic batch, in order (see `IEventLog.append`)."""
        if self._closed:
            return fail(UnavailableError("the log is being closed"))
        if deadline is not None and self.waiting + len(entries) > self._performance.queue:
            return fail(UnavailableError("too much is waiting to be stored"))
        try:
            rows = [encode_row(entry) for entry in entries if entry.event.stored]
        except Exception:
            # Nothing but this append may suffer from an event that cannot be written.
            return fail()
        deadline = inf if deadline is None else deadline
        append = _Append(tuple(entries), rows, deadline, self._clock.seconds() + deadline)
        self._queue.append(append)
        self._count(len(append.entries))
        self._start()
        if not append.done.called:
            self._alarm.set(append.expires)
        return append.done

    def read(self, after: int, limit: int) -> Deferred[list[Entry]]:
        """Return up to ``limit`` stored entries behind the sequence ``after``."""
        return self._database.run_read(read_entries, after, limit)

    def subscribe(self, after: int, apply: Apply) -> Deferred[None]:
        """Call ``apply`` with everything behind ``after``, then with what follows.

        There is one subscriber.  After a failure it may be called again.
        """
        if self._apply is not None:
            raise RuntimeError("the log has its subscriber")
        self._apply = apply
        self.position = Position(after)
        return Deferred.fromCoroutine(self._catch_up())

    def drain(self, deadline: float | None = None) -> Deferred[None]:
        """Refuse further appends; fires when nothing waits any more.

        After ``deadline`` seconds what still waits fails with `UnavailableError`.
        """
        self._closed = True
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        if not self._running:
            # Nothing runs: the queue is empty, or it waits for a subscriber that never came.
            self._give_up()
        elif deadline is not None:
            timer = self._clock.callLater(deadline, self._give_up)
            drained.addCallback(lambda _: timer.cancel() if timer.active() else None)
        return drained

    def figures(self) -> Figures:
        """Return what was measured."""
        return Figures(
            self.waiting,
            self._most_waiting,
            self._performance.queue,
            self.batches,
            self.entries,
            self.failures,
            self._sizes.spread(),
            self._depths.spread(),
            self._seconds.spread(),
        )

    async def _catch_up(self) -> None:
        """Read the log in pages up to its end."""
        try:
            last = await self._database.run_read(read_position)
            if last < self.position:
                raise UnusableError(
                    f"the log ends at {last}, and {self.position} of it was applied before: "
                    "the database is an older copy"
                )
            page = await self.read(self.position, self._page)
            while page and page[-1].sequence == self.position + len(page):
                self._deliver(page)
                page = await self.read(self.position, self._page)
            if page or self.position < last:
                raise UnusableError(
                    f"the log behind {self.position} is not whole: another server has moved the "
                    "checkpoint on and deleted some of it; start again"
                )
        except BaseException:
            self._apply = None
            raise
        self._ready = True
        self._start()

    def _start(self) -> None:
        """Have the coroutine run; an append made by the subscriber finds it running."""
        if self._ready and not self._running and self._queue:
            self._running = True
            Deferred.fromCoroutine(self._run()).addErrback(
                lambda failure: _log.failure("the log stopped", failure)
            )

    async def _run(self) -> None:
        """Write batches, one after the other, while there is something to write."""
        delays = _delays()
        try:
            while self._queue:
                if self._queue[0].rows:
                    # What else this turn of the reactor reads is of the same commit.
                    await self._database.end_of_turn()
                    if not self._queue:
                        break
                batch = self._current = self._take()
                try:
                    await self._write(batch)
                except UnavailableError as error:
                    self.failures += 1
                    if self._away_since is None:
                        _log.warn("nothing can be stored: {error}", error=error)
                        self._away_since = self._clock.seconds()
                    self._put_back(batch)
                    if self._queue:
                        await self._sleep(next(delays))
                except Exception as error:
                    self.failures += 1
                    self._refuse(batch, error)
                else:
                    if self._away_since is not None:
                        _log.info("the database stores again")
                        delays, self._away_since = _delays(), None
                        self._count(0)
        finally:
            self._running = False
            self._current = []
            self._alarm.stop()
            if self._closed:
                self._give_up()

    async def _write(self, batch: list[_Append]) -> None:
        """Store ``batch``, hand it to the subscriber, and fire its Deferreds."""
        entries = [entry for append in batch for entry in append.entries]
        rows = [row for append in batch for row in append.rows]
        if rows:
            self._sizes.add(len(entries))
            self._depths.add(self.waiting)
            begun = self._clock.seconds()
            written = await self._database.run_write(
                write_rows, self.position, rows, self._doubtful(entries)
            )
            self._seconds.add(self._clock.seconds() - begun)
            self.batches += 1
            entries = in_order(entries, written)
        if self._stopped:
            return
        self._singly = max(0, self._singly - 1)
        self._hand_over(batch, entries)

    def _hand_over(self, batch: list[_Append], entries: list[Entry]) -> None:
        """Give the subscriber the entries, and tell who appended them before what is behind.

        Else what one is answered would stand behind what others did later.
        """
        owners = {entry.uid: append for append in batch for entry in append.entries}
        last = {id(owners.get(entry.uid)): at for at, entry in enumerate(entries, 1)}
        start = 0
        for append in sorted(batch, key=lambda append: last.get(id(append), len(entries))):
            end = max(start, last.get(id(append), len(entries)))
            self._deliver(entries[start:end])
            append.succeed()
            start = end

    def _doubtful(self, entries: Sequence[Entry]) -> list[bytes]:
        """Return the uids that may be in the table."""
        return [entry.uid.encode() for entry in entries if entry.is_named or self._singly]

    def _deliver(self, entries: Sequence[Entry]) -> None:
        """Call the subscriber, whose errors are its own."""
        for entry in reversed(entries):
            if entry.sequence is not None:
                self.position = entry.sequence
                break
        if not entries or self._apply is None:
            return
        self.entries += len(entries)
        try:
            self._apply(entries)
        except Exception:
            _log.failure("the subscriber failed at {position}", position=self.position)

    def _take(self) -> list[_Append]:
        """Return whole appends from the head of the queue, as many as make a batch."""
        batch = [self._queue.popleft()]
        size = len(batch[0].entries)
        while self._queue and not self._singly:
            size += len(self._queue[0].entries)
            if size > self._performance.batch:
                break
            batch.append(self._queue.popleft())
        self._count(-sum(len(append.entries) for append in batch))
        return batch

    def _count(self, more: int) -> None:
        """Take note that so many more entries wait, and tell whether they crowd the log."""
        self.waiting += more
        self._most_waiting = max(self._most_waiting, self.waiting)
        least = self._performance.queue // (4 if self._is_crowded else 2)
        is_crowded = self.waiting > least and not self._is_gone()
        if is_crowded != self._is_crowded:
            self._is_crowded = is_crowded
            self.crowded(is_crowded)

    def _is_gone(self) -> bool:
        """Return whether the database is away, and not for a moment only."""
        since = self._away_since
        return since is not None and self._clock.seconds() - since >= _HOPE

    def _put_back(self, batch: list[_Append]) -> None:
        """Return to the queue's head what somebody still waits for."""
        kept = [append for append in batch if not append.done.called]
        if self._singly and not kept:
            self._singly -= 1
        self._queue.extendleft(reversed(kept))
        self._count(sum(len(append.entries) for append in kept))

    def _refuse(self, batch: list[_Append], error: Exception) -> None:
        """Find the append at fault by trying each of ``batch`` alone, and fail that one."""
        if self._singly:
            self._singly -= 1
            _log.failure("the database refuses an append")
            for append in batch:
                append.fail(error)
        else:
            self._put_back(batch)
            self._singly = sum(not append.done.called for append in batch)

    def _expire(self) -> None:
        """Fail what is past its deadline; it never appears when no transaction has it."""
        now = self._clock.seconds()
        for append in [*self._current, *self._queue]:
            if append.expires <= now and not append.done.called:
                with suppress(ValueError):
                    self._queue.remove(append)
                    self._count(-len(append.entries))
                append.fail(UnavailableError(f"not stored within {append.deadline:g} s"))
        left = [one.expires for one in (*self._current, *self._queue) if not one.done.called]
        self._alarm.set(min(left, default=inf))

    async def _sleep(self, seconds: float) -> None:
        """Wait, until the time is over or the log gives up."""
        self._pause = deferLater(self._clock, seconds)
        with suppress(CancelledError):
            await self._pause
        self._pause = None

    def _give_up(self) -> None:
        """Fail what waits, and tell those who wait for the end."""
        self._stopped = True
        left = [*self._current, *self._queue]
        self._queue.clear()
        self._count(-self.waiting)
        for append in left:
            append.fail(UnavailableError("not stored before the log was closed"))
        if self._pause is not None:
            self._pause.cancel()
        self._alarm.stop()
        waiters, self._drained = self._drained, []
        for drained in waiters:
            drained.callback(None)


def _delays() -> Iterator[float]:
    """Yield the seconds between attempts: doubling, and never the same in two processes."""
    delay = _FIRST_DELAY
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311
        delay = min(2 * delay, _LAST_DELAY)
