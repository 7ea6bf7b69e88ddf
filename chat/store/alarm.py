"""One timer for the first of many moments: a timer each would cost more than what it watches."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Alarm:
    """Calls ``ring`` at the earliest moment that was set, in seconds on the clock, and once."""

    def __init__(self, clock: IReactorTime, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._timer: IDelayedCall | None = None

    def set(self, moment: float) -> None:
        """Ring at a moment, unless it rings before; `math.inf` is never."""
        if moment == inf:
            return
        if self._timer is not None:
            if self._timer.getTime() <= moment:
                return
            self._timer.cancel()
        self._timer = self._clock.callLater(moment - self._clock.seconds(), self._rings)

    def stop(self) -> None:
        """Do not ring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        self._ring()
