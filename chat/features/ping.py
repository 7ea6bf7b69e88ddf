"""PING and PONG: is the other side there.

Source: Modern IRC, "PING message" and "PONG message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.message import Message
from chat.network.session import Phase

feature = Feature()


@feature.command("PING", parameters=1, phases=(Phase.REGISTERING, Phase.REGISTERED), appends=False)
def ping(request: Request) -> Effects:
    """PING token: get the token back, after everything that came before it."""
    server = request.settings.server
    yield Message("PONG", (server, request.params[0]), server)


@feature.command("PONG", phases=(Phase.REGISTERING, Phase.REGISTERED), appends=False, cost=0)
def pong(request: Request) -> Effects:
    """PONG token: answer the server's PING; that the line came is all that counts."""
    yield from ()
