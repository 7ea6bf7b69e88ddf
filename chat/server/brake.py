"""Slows the senders down while more waits for the log than it can store soon."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IReactorTime

from chat.server.connections import IConnection

#: Sessions that go on in one turn of the reactor.
_TURN = 50


class Brake:
    """Holds the sessions that would append while the log is crowded.

    They go on in the order in which they came, some in each turn of the reactor,
    and only for as long as the log is not crowded again: who is held once more
    comes behind those who still wait.
    """

    def __init__(self, clock: IReactorTime) -> None:
        #: How often the log became crowded.
        self.overloads = 0
        self._clock = clock
        self._is_crowded = False
        self._held: deque[IConnection] = deque()
        #: Who goes on at the moment, and so need not wait behind the others.
        self._turn: IConnection | None = None
        self._is_scheduled = False

    @property
    def held(self) -> int:
        """How many sessions wait."""
        return len(self._held)

    def set_crowded(self, crowded: bool) -> None:
        """Take note that the log is crowded, or no more."""
        self._is_crowded = crowded
        if crowded:
            self.overloads += 1
        else:
            self._schedule()

    def hold(self, connection: IConnection) -> bool:
        """Return whether ``connection`` must wait; then its machine is told when to go on."""
        if not self._is_crowded and (not self._held or self._turn is connection):
            return False
        self._held.append(connection)
        return True

    def _schedule(self) -> None:
        if self._held and not self._is_crowded and not self._is_scheduled:
            self._is_scheduled = True
            self._clock.callLater(0, self._release)

    def _release(self) -> None:
        self._is_scheduled = False
        for _ in range(min(_TURN, len(self._held))):
            if self._is_crowded:
                break
            self._turn = self._held.popleft()
            self._turn.machine.go_on()
        self._turn = None
        self._schedule()
