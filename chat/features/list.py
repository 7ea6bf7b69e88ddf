"""LIST: which channels there are.

Source: Modern IRC, "LIST message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import RPL_LIST, RPL_LISTEND, RPL_LISTSTART
from chat.network.policy import can_see_channel

feature = Feature()


@feature.command("LIST", cost=4)
def list_(request: Request) -> Effects:
    """LIST [#channel[,#channel]]: see the channels with their members and topics."""
    network = request.network
    yield RPL_LISTSTART("Channel", "Users  Name")
    if request.param(0):
        asked = map(network.channel, dict.fromkeys(request.params[0].split(",")))
        channels = [channel for channel in asked if channel is not None]
    else:
        channels = list(network.channels.values())
    for channel in channels:
        if not can_see_channel(request.client, channel):
            continue
        text = channel.topic.text if channel.topic is not None else ""
        yield RPL_LIST(channel.name, str(len(channel.members)), text)
    yield RPL_LISTEND()
