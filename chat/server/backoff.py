"""How long somebody who gave wrong passwords has to wait."""

from __future__ import annotations

from attrs import frozen

#: Failures that are forgiven: people mistype.
_FREE = 3
#: Seconds after the first failure that is not, and at the most.
_FIRST, _LONGEST = 2.0, 300.0
#: Keys that are remembered; the oldest go first.
_REMEMBERED = 10_000


@frozen
class _Failures:
    count: int
    until: float


class Backoff:
    """Doubles the wait with each failure of a key; times in seconds of any one clock."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def wait(self, key: str, now: float) -> float:
        """Return how many seconds ``key`` still has to wait, 0 for none."""
        failures = self._failures.get(key)
        return max(0.0, failures.until - now) if failures is not None else 0.0

    def failed(self, key: str, now: float) -> None:
        """Note a failure."""
        before = self._failures.pop(key, None)
        count = before.count + 1 if before is not None else 1
        wait = min(_LONGEST, _FIRST * 2.0 ** (count - _FREE - 1)) if count > _FREE else 0.0
        self._failures[key] = _Failures(count, now + wait)
        if len(self._failures) > _REMEMBERED:
            del self._failures[next(iter(self._failures))]

    def succeeded(self, key: str) -> None:
        """Forget the failures of ``key``."""
        self._failures.pop(key, None)
