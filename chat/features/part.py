"""PART: leave channels.

Source: Modern IRC, "PART message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.numerics import ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL
from chat.network.events import Parted

feature = Feature()


@feature.command("PART", parameters=1)
def part(request: Request) -> Effects:
    """PART #channel[,#channel] [reason]: leave channels."""
    client = request.client
    for name in dict.fromkeys(filter(None, request.params[0].split(","))):
        channel = request.network.channel(name)
        if channel is None:
            yield ERR_NOSUCHCHANNEL(name)
        elif client not in channel.members:
            yield ERR_NOTONCHANNEL(channel.name)
        else:
            yield Parted(client.actor, channel.name, request.param(1))


@feature.renders(Parted)
def show_part(viewer: Viewer, event: Parted) -> Lines:
    """Tell the channel who left."""
    params = (event.channel, event.reason) if event.reason else (event.channel,)
    yield Message("PART", params, event.actor.source)
