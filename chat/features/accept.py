"""ACCEPT: let somebody write in spite of user mode +R.

Source: the caller-id command of hybrid and its descendants.
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import ERR_NOSUCHNICK
from chat.network.events import AcceptChanged
from chat.network.ids import ClientId

feature = Feature()


@feature.command("ACCEPT", parameters=1)
def accept(request: Request) -> Effects:
    """ACCEPT [-]nickname[,[-]nickname]: let people write to you when you have mode +R."""
    added: list[ClientId] = []
    removed: list[ClientId] = []
    for word in filter(None, request.params[0].split(",")):
        client = request.network.client(word.removeprefix("-"))
        if client is None:
            yield ERR_NOSUCHNICK(word.removeprefix("-") or "*")
        else:
            (removed if word.startswith("-") else added).append(client.id)
    if added or removed:
        yield AcceptChanged(request.client.actor, tuple(added), tuple(removed))
