"""MOTD: the message of the day.

Source: Modern IRC, "MOTD message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request
from chat.irc.numerics import (
    ERR_NOMOTD,
    ERR_NOSUCHSERVER,
    RPL_ENDOFMOTD,
    RPL_MOTD,
    RPL_MOTDSTART,
)
from chat.network.settings import Settings

feature = Feature()


@feature.command("MOTD", appends=False)
def motd(request: Request) -> Effects:
    """MOTD: read the message of the day."""
    if request.param(0) not in ("", request.settings.server):
        yield ERR_NOSUCHSERVER(request.params[0])
        return
    yield from lines(request.settings)


def lines(settings: Settings) -> Lines:
    """Return the replies, which also end the welcome."""
    if not settings.motd:
        yield ERR_NOMOTD()
        return
    yield RPL_MOTDSTART(server=settings.server)
    for line in settings.motd:
        yield RPL_MOTD(f"- {line}")
    yield RPL_ENDOFMOTD()
