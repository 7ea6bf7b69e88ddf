"""STATS: figures for operators, and for everybody how long the server has been running.

Source: Modern IRC, "STATS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import RPL_ENDOFSTATS, RPL_STATSKLINE, RPL_STATSOLINE, RPL_STATSUPTIME
from chat.network.policy import must_be_operator

feature = Feature()


@feature.command("STATS")
def stats(request: Request) -> Effects:
    """STATS u|o|k: the uptime; for operators, who is an operator, and the bans."""
    query = request.param(0)[:1] or "*"
    if query == "u":
        seconds = (request.now - request.settings.started) // 1000
        days, seconds = divmod(seconds, 86_400)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        yield RPL_STATSUPTIME(f"Server Up {days} days {clock}")
    elif query in ("o", "k"):
        must_be_operator(request.client)
        yield from _operators(request) if query == "o" else _bans(request)
    yield RPL_ENDOFSTATS(query)


def _operators(request: Request) -> Effects:
    for client in request.network.clients.values():
        if client.is_operator:
            yield RPL_STATSOLINE("O", client.source, "*", client.account or "*")


def _bans(request: Request) -> Effects:
    for ban in request.network.bans.values():
        if ban.expires is None or ban.expires > request.now:
            yield RPL_STATSKLINE("K", ban.name, "*", "*", ban.reason)
