"""Durations as operators write them: ``1d12h30m``."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s)?", re.ASCII)
_UNITS = (86_400, 3600, 60, 1)


def parse_duration(word: str) -> int | None:
    """Return the seconds of ``1d12h30m``, or ``None`` if ``word`` is no duration."""
    found = _DURATION.fullmatch(word)
    if found is None or not any(found.groups()):
        return None
    return sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS, strict=True))
