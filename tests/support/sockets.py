"""A reactor for real sockets that does nothing by itself: its turns are the test's."""

from __future__ import annotations

from select import select
from typing import Any

from twisted.internet.task import Clock


class SocketReactor(Clock):
    """Calls what can read and write, and what is due, when `turn` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()

    def addReader(self, reader: Any) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.discard(reader)

    def addWriter(self, writer: Any) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)

    def turn(self, patience: float = 0.0) -> bool:
        """Wait so many seconds for something to happen; return whether it did."""
        due = [call for call in self.getDelayedCalls() if call.getTime() <= self.seconds()]
        self.advance(0)
        readable, writable, _ = select(self.readers, self.writers, [], 0 if due else patience)
        for each in readable:
            each.doRead()
        for each in writable:
            each.doWrite()
        return bool(due or readable or writable)
