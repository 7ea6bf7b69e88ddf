"""Runs ``twistd`` with another time of day: ``python -m tests.conformance.clock RATE ARGUMENT...``.

RATE is in the form of libfaketime: ``+1y x30`` starts a year ahead, and thirty
seconds pass for each one.  Only what IRC calls the time changes (TIME, the age of
rooms, timestamps of messages): timers and the validity of certificates stay real.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable

_UNITS = {"": 1, "m": 60, "h": 3600, "d": 86_400, "y": 31_536_000}


def faked(rate: str, real: Callable[[], int]) -> Callable[[], int]:
    """Return a clock like ``real``, in nanoseconds, that goes as ``rate`` says."""
    match = re.fullmatch(r"(?:\+(\d+)([mhdy]?))? ?(?:x(\d+))?", rate)
    if not rate or match is None:
        raise ValueError(f"{rate!r} is no rate: wanted +1y x30, +1y or x30")
    ahead = int(match[1] or 0) * _UNITS[match[2] or ""] * 1_000_000_000
    factor = int(match[3] or 1)
    begun = real()
    return lambda: begun + ahead + (real() - begun) * factor


def main() -> None:
    """Do as the program `twistd` does, once the clock is set."""
    time.time_ns = faked(sys.argv[1], time.time_ns)
    sys.argv = ["twistd", *sys.argv[2:]]

    from twisted.scripts.twistd import run

    run()


if __name__ == "__main__":
    main()
