"""USERHOST and ISON: short answers about several people at once.

Source: Modern IRC, "USERHOST message"; RFC 1459, 5.8 (ISON).
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import RPL_ISON, RPL_USERHOST
from chat.network.entities import Client

feature = Feature()

#: Nicknames that one USERHOST may ask for.
_MOST = 5


@feature.command("USERHOST", parameters=1, appends=False)
def userhost(request: Request) -> Effects:
    """USERHOST nickname...: see user and host of up to five people."""
    found = map(request.network.client, request.params[:_MOST])
    yield RPL_USERHOST(" ".join(_describe(client) for client in found if client is not None))


def _describe(client: Client) -> str:
    operator = "*" if client.is_operator else ""
    away = "+" if client.away is None else "-"
    return f"{client.nick}{operator}={away}{client.username}@{client.host}"


@feature.command("ISON", parameters=1, appends=False)
def ison(request: Request) -> Effects:
    """ISON nickname...: see which of these people are connected."""
    nicks = " ".join(request.params).split()
    found = map(request.network.client, dict.fromkeys(nicks))
    yield RPL_ISON(" ".join(client.nick for client in found if client is not None))
