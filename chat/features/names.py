"""NAMES: who is on a channel.

Sources: Modern IRC, "NAMES message"; https://ircv3.net/specs/extensions/multi-prefix,
https://ircv3.net/specs/extensions/userhost-in-names
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request
from chat.irc.numerics import RPL_ENDOFNAMES, RPL_NAMREPLY
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.policy import can_see_channel, can_see_member

feature = Feature()
feature.capability("multi-prefix", "https://ircv3.net/specs/extensions/multi-prefix")
feature.capability("userhost-in-names", "https://ircv3.net/specs/extensions/userhost-in-names")

#: Bytes of names in one line: 512 less the longest of everything before them.
_LINE = 330


@feature.command("NAMES", appends=False, cost=2)
def names(request: Request) -> Effects:
    """NAMES #channel[,#channel]: see who is on channels."""
    for name in dict.fromkeys(filter(None, request.param(0).split(","))):
        channel = request.network.channel(name)
        if channel is not None and can_see_channel(request.client, channel):
            yield from members(request.client, channel, request.session.capabilities)
    yield RPL_ENDOFNAMES(request.param(0) or "*")


def members(viewer: Client, channel: Channel, capabilities: frozenset[str]) -> Lines:
    """Return who is on the channel, as ``viewer`` may see it, without the end of the list."""
    show = modes.prefixes if "multi-prefix" in capabilities else modes.highest
    with_host = "userhost-in-names" in capabilities
    symbol = "@" if modes.SECRET in channel.modes else "="
    batch: list[str] = []
    size = 0
    for member, ranks in channel.members.items():
        if not can_see_member(viewer, member, channel):
            continue
        word = show(ranks) + (member.source if with_host else member.nick)
        if size + len(word) > _LINE:
            yield RPL_NAMREPLY(symbol, channel.name, " ".join(batch))
            batch, size = [], 0
        batch.append(word)
        size += len(word) + 1
    if batch:
        yield RPL_NAMREPLY(symbol, channel.name, " ".join(batch))
