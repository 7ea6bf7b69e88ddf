"""Emoji by the names that Slack and GitHub know them by.

The library that has them takes a moment to load: only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache


def named(name: str) -> str | None:
    """Return the emoji of a name such as ``:tada:``, or ``None``."""
    return _characters().get(name.strip(":").casefold())


def beginning(letters: str) -> Iterator[tuple[str, str]]:
    """Yield each emoji that has a name with this beginning, with that name, the shortest first.

    The official name stands before the others that an emoji has.
    """
    wanted = letters.strip(":").casefold()
    found: dict[str, str] = {}
    for name, character in _characters().items():
        if name.startswith(wanted):
            found.setdefault(character, name)
    for character, name in sorted(found.items(), key=lambda one: (len(one[1]), one[1])):
        yield f":{name}:", character


@lru_cache(maxsize=1)
def _characters() -> Mapping[str, str]:
    """Return all emoji by their names, the official name of each first.

    Where two have the same name it is whose alias it is, as on Slack and GitHub; names
    with capitals, which are those of flags, come last.
    """
    from emoji import EMOJI_DATA, STATUS

    rows = [
        (name == name.lower(), is_alias, name, character)
        for character, about in EMOJI_DATA.items()
        if about["status"] == STATUS["fully_qualified"]
        for is_alias, names in ((False, [about["en"]]), (True, about.get("alias", [])))
        for name in names
    ]
    return {name.strip(":").casefold(): character for _, _, name, character in sorted(rows)}
