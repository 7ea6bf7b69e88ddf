"""The threads of a pool of connections: one queue, and a thread more when all are busy."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from attrs import frozen
from twisted.python.failure import Failure


@frozen
class _Task:
    """What adbapi has a thread do, and whom it tells: with success and result, or a failure."""

    tell: Callable[[bool, Any], object]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def run(self) -> tuple[bool, Any]:
        """Return whether the function returned, and what it returned or raised."""
        try:
            return True, self.function(*self.arguments)
        except BaseException:
            return False, Failure()


class Threads:
    """What `adbapi.ConnectionPool` asks of its threads, of which there are at most ``limit``.

    In place of Twisted's, which serves any purpose: its coordinator and the log's
    contexts take longer than the statements of a short transaction.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._lock = Lock()
        #: Tasks that are not done; guarded by the lock.
        self._tasks = 0

    def start(self) -> None:
        """Do nothing: a thread is started by the first task that finds all busy."""

    def callInThreadWithCallback(  # noqa: N802
        self, tell: Callable[[bool, Any], object], function: Callable[..., Any], *arguments: Any
    ) -> None:
        """Have a thread call ``function(*arguments)``, and then, in that thread, ``tell``."""
        with self._lock:
            self._tasks += 1
            are_busy = self._tasks > len(self._threads)
        if are_busy and len(self._threads) < self._limit:
            thread = Thread(target=self._work)
            self._threads.append(thread)
            thread.start()
        self._queue.put(_Task(tell, function, arguments))

    def stop(self) -> None:
        """End the threads behind what they were given, and wait for that."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        # No name here holds a task or its result while the thread waits.
        while self._is_more(self._queue.get()):
            pass

    def _is_more(self, task: _Task | None) -> bool:
        if task is None:
            return False
        outcome = task.run()
        with self._lock:
            self._tasks -= 1
        task.tell(*outcome)
        return True
