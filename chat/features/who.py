"""WHO: list the members of a channel, or the people that a mask matches.

Source: Modern IRC, "WHO message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.mask import matches
from chat.irc.names import looks_like_channel
from chat.irc.numerics import RPL_ENDOFWHO, RPL_WHOREPLY, Reply
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.policy import can_see, can_see_channel, can_see_member

feature = Feature()


@feature.command("WHO", parameters=1, cost=3)
def who(request: Request) -> Effects:
    """WHO #channel|mask [o]: list people, with o only operators."""
    mask = request.params[0]
    only_operators = request.param(1) == "o"
    if looks_like_channel(mask):
        channel = request.network.channel(mask)
        members = []
        if channel is not None and can_see_channel(request.client, channel):
            members = [
                member
                for member in channel.members
                if can_see_member(request.client, member, channel)
            ]
    else:
        channel = None
        members = [
            client for client in request.network.clients.values() if _matches(request, mask, client)
        ]
    for client in members:
        if can_see(request.client, client) and (client.is_operator or not only_operators):
            yield _line(request, channel, client)
    yield RPL_ENDOFWHO(mask)


def _matches(request: Request, mask: str, client: Client) -> bool:
    fields = (client.nick, client.username, client.host, client.realname)
    return any(matches(mask, text, request.network.fold) for text in fields)


def _line(request: Request, channel: Channel | None, client: Client) -> Reply:
    if channel is None:
        visible = set(client.channels) & set(request.client.channels)
        channel = client.channels[min(visible)] if visible else None
    show = modes.prefixes if "multi-prefix" in request.session.capabilities else modes.highest
    flags = "G" if client.away is not None else "H"
    if client.is_operator:
        flags += "*"
    if channel is not None:
        flags += show(channel.members[client])
    return RPL_WHOREPLY(
        channel.name if channel is not None else "*",
        client.username,
        client.host,
        request.settings.server,
        client.nick,
        flags,
        f"0 {client.realname}",
    )
