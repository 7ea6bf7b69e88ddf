"""Measuring what happens often: cheap to add to, and sorted only when somebody asks."""

from __future__ import annotations

from collections import deque

from chat.network.figures import Spread

#: Values that are remembered: ten of them are above the 99th percentile.
_LAST = 1_000


class Recent:
    """The last values of one thing, exactly, and the highest one of all."""

    def __init__(self) -> None:
        self.most = 0.0
        self._values: deque[float] = deque(maxlen=_LAST)

    def add(self, value: float) -> None:
        """Take one more value."""
        self._values.append(value)
        if value > self.most:
            self.most = value

    def spread(self) -> Spread:
        """Return how the last values are distributed; 0 where there are none."""
        values = sorted(self._values) or [0.0]
        return Spread(values[len(values) // 2], values[len(values) * 99 // 100], self.most)
