"""STATS: figures for operators, and for everybody how long the server has been running.

Source: Modern IRC, "STATS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import ERR_NOPRIVILEGES, RPL_ENDOFSTATS, RPL_STATSOLINE, RPL_STATSUPTIME

feature = Feature()


@feature.command("STATS")
def stats(request: Request) -> Effects:
    """STATS [u|o]: u tells the uptime, o lists who is an operator (operators)."""
    query = request.param(0)[:1] or "*"
    if query == "u":
        seconds = (request.now - request.settings.started) // 1000
        days, seconds = divmod(seconds, 86_400)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        yield RPL_STATSUPTIME(f"Server Up {days} days {clock}")
    elif query == "o":
        if not request.client.is_operator:
            yield ERR_NOPRIVILEGES()
            return
        for client in request.network.clients.values():
            if client.is_operator:
                yield RPL_STATSOLINE("O", client.source, "*", client.account or "*")
    yield RPL_ENDOFSTATS(query)
