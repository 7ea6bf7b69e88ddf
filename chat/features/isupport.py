"""The lines of RPL_ISUPPORT, part of the welcome and of VERSION.

Source: Modern IRC, "Feature Advertisement".
"""

from __future__ import annotations

from chat.features.feature import Features, Lines
from chat.irc.numerics import RPL_ISUPPORT
from chat.network.settings import Settings

#: Tokens of one line: a message has 15 parameters, and two of them are taken.
_TOKENS = 13


def lines(features: Features, settings: Settings) -> Lines:
    """Return the replies that tell all tokens."""
    tokens = features.isupport(settings)
    for start in range(0, len(tokens), _TOKENS):
        yield RPL_ISUPPORT(*tokens[start : start + _TOKENS])
