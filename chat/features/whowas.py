"""WHOWAS: who had a nickname before.

Source: Modern IRC, "WHOWAS message".
"""

from __future__ import annotations

from chat.features import time
from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import (
    ERR_NONICKNAMEGIVEN,
    ERR_WASNOSUCHNICK,
    RPL_ENDOFWHOWAS,
    RPL_WHOISSERVER,
    RPL_WHOWASUSER,
)

feature = Feature()


@feature.command("WHOWAS", appends=False, cost=2)
def whowas(request: Request) -> Effects:
    """WHOWAS nickname [count]: see who had a nickname, the latest first."""
    nick = request.param(0)
    if not nick:
        yield ERR_NONICKNAMEGIVEN()
        return
    asked = request.param(1)
    count = int(asked) if asked.isascii() and asked.isdigit() else 0
    found = [
        departed
        for departed in reversed(request.network.departed)
        if request.network.fold(departed.nick) == request.network.fold(nick)
    ]
    # "If a non-positive number is passed as being <count>, then a full search is done."
    for departed in found[: count or None]:
        yield RPL_WHOWASUSER(
            departed.nick, departed.username, departed.host, "*", departed.realname
        )
        yield RPL_WHOISSERVER(departed.nick, request.settings.server, time.utc(departed.time))
    if not found:
        yield ERR_WASNOSUCHNICK(nick)
    yield RPL_ENDOFWHOWAS(nick)
