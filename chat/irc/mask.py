"""Masks such as ``*!*@192.0.2.*`` and what they match.

Source: Modern IRC, "Wildcard Expressions" and "Masks".
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache

from chat.irc.casemap import Casefold, ascii_fold


def canonical(mask: str) -> str:
    """Return ``mask`` with all three parts ``nick!user@host``, ``*`` where one is missing."""
    nick, bang, rest = mask.partition("!")
    if not bang:
        rest = ""
        if "@" in nick:
            rest, nick = nick, "*"
    user, at, host = rest.partition("@")
    if not at and not bang and "." in nick:
        nick, host = "*", nick
    return f"{nick or '*'}!{user or '*'}@{host or '*'}"


def matches(mask: str, text: str, fold: Casefold = ascii_fold) -> bool:
    """Return whether ``text`` matches ``mask``, where ``*`` is any run and ``?`` any character."""
    return _compiled(fold(mask)).fullmatch(fold(text)) is not None


@lru_cache(maxsize=4096)
def _compiled(mask: str) -> re.Pattern[str]:
    # fnmatch never goes back behind a star that has matched: a plain ".*" for each star would
    # let one mask of a few dozen characters hold the server for minutes.  It knows sets too.
    return re.compile(translate(mask.replace("[", "[[]")))
