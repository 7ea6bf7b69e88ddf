"""KICK: remove somebody from a channel.

Source: Modern IRC, "KICK message".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, truncate
from chat.irc.numerics import (
    ERR_CHANOPRIVSNEEDED,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_USERNOTINCHANNEL,
)
from chat.network import modes
from chat.network.events import Kicked
from chat.network.policy import must_be_member, must_have_rank
from chat.network.settings import Settings

feature = Feature()


@feature.command("KICK", parameters=2)
def kick(request: Request) -> Effects:
    """KICK #channel[,#channel] nickname[,nickname] [reason]: remove people from a channel."""
    nicks = dict.fromkeys(filter(None, request.params[1].split(",")))
    channels = [name for name in request.params[0].split(",") if name]
    if len(channels) == 1:
        yield from _kick(request, channels[0], nicks)
        return
    # "there MUST be either one channel parameter and multiple user parameter, or as many
    # channel parameters as there are user parameters" (RFC 2812, 3.2.8)
    for name, nick in zip(channels, nicks, strict=False):
        yield from _kick(request, name, [nick])


def _kick(request: Request, name: str, nicks: Iterable[str]) -> Effects:
    client = request.client
    channel = request.network.channel(name)
    if channel is None:
        yield ERR_NOSUCHCHANNEL(name)
        return
    must_be_member(client, channel)
    must_have_rank(client, channel, modes.HALF_OPERATOR)
    reason = truncate(request.param(2) or client.nick, request.settings.limits.kick_length)
    for nick in nicks:
        target = request.network.client(nick)
        if target is None:
            yield ERR_NOSUCHNICK(nick)
        elif target not in channel.members:
            yield ERR_USERNOTINCHANNEL(target.nick, channel.name)
        elif not modes.outranks(channel.members[client], channel.members[target]):
            yield ERR_CHANOPRIVSNEEDED(channel.name)
        else:
            yield Kicked(client.actor, channel.name, target.id, target.nick, reason)


@feature.renders(Kicked)
def show_kick(viewer: Viewer, event: Kicked) -> Lines:
    """Tell the channel who was removed, by whom and why."""
    yield Message("KICK", (event.channel, event.nick, event.reason), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the reason's limit."""
    return {"KICKLEN": str(settings.limits.kick_length)}
