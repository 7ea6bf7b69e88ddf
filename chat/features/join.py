"""JOIN: enter channels.

Sources: Modern IRC, "JOIN message"; https://ircv3.net/specs/extensions/extended-join
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features import names, read_marker, topic
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, first_word
from chat.irc.names import is_channel
from chat.irc.numerics import (
    ERR_BADCHANMASK,
    ERR_LINKCHANNEL,
    ERR_NOSUCHCHANNEL,
    ERR_TOOMANYCHANNELS,
    RPL_ENDOFNAMES,
    Reply,
)
from chat.network import modes
from chat.network.changes import Entered
from chat.network.entities import Channel
from chat.network.events import Joined, Parted
from chat.network.policy import RefusedError, can_join
from chat.network.settings import Settings

feature = Feature()
feature.capability("extended-join", "https://ircv3.net/specs/extensions/extended-join")


@feature.command("JOIN", parameters=1)
def join(request: Request) -> Effects:
    """JOIN #channel[,#channel] [key[,key]]: enter channels; JOIN 0 leaves all."""
    client = request.client
    if request.params == ("0",):
        for left in client.channels.values():
            yield Parted(client.actor, left.name, "")
        return
    keys = request.param(1).split(",")
    room = request.settings.limits.channels - len(client.channels)
    made = 0
    asked = [name for name in request.params[0].split(",") if name]
    for index, name in enumerate(dict.fromkeys(asked)):
        channel = request.network.channel(name)
        if channel is not None and client in channel.members:
            continue
        if channel is None and not is_channel(name, request.settings.limits.channel_length):
            yield _invalid(name)
            continue
        if room <= 0 or (channel is None and made >= _room_to_keep(request)):
            yield ERR_TOOMANYCHANNELS(name)
            continue
        is_first = channel is None
        made += is_first
        if channel is not None:
            try:
                can_join(client, channel, keys[index] if index < len(keys) else "")
            except RefusedError as refusal:
                forward = _forward(request, channel)
                if forward is None:
                    yield refusal.reply
                    continue
                yield ERR_LINKCHANNEL(channel.name, forward.name)
                channel = forward
            name = channel.name
        room -= 1
        yield Joined(client.actor, name, client.realname, is_first)


def _room_to_keep(request: Request) -> int:
    """Return how many more channels the account may make: they last without it."""
    account, limit = request.client.account, request.settings.limits.kept_channels
    if account is None:
        return limit
    return limit - sum(account in channel.ranks for channel in request.network.channels.values())


def _forward(request: Request, channel: Channel) -> Channel | None:
    """Return where who may not join is sent (mode +f), if that is open."""
    forward = request.network.channel(channel.modes.get(modes.FORWARD, ""))
    if forward is None or request.client in forward.members:
        return None
    try:
        can_join(request.client, forward, "")
    except RefusedError:
        return None
    return forward


def _invalid(name: str) -> Reply:
    return (ERR_BADCHANMASK if name.startswith("#") else ERR_NOSUCHCHANNEL)(first_word(name))


@feature.renders(Joined)
def show_join(viewer: Viewer, event: Joined) -> Lines:
    """Tell the channel who came, with account and real name where asked for."""
    more = (event.actor.account or "*", event.realname) if viewer.has("extended-join") else ()
    yield Message("JOIN", (event.channel, *more), event.actor.source)


@feature.renders(Entered)
def show_entered(viewer: Viewer, fact: Entered) -> Lines:
    """Tell who came the topic and who is there."""
    if fact.channel.topic is not None:
        yield from topic.lines(fact.channel)
    if viewer.has(read_marker.CAPABILITY):
        yield read_marker.line(viewer.network, fact.client, fact.channel.name)
    if not viewer.has("no-implicit-names"):
        yield from names.members(fact.client, fact.channel, viewer.capabilities)
        yield RPL_ENDOFNAMES(fact.channel.name)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return what concerns channels as such."""
    limits = settings.limits
    return {
        "CHANLIMIT": f"#:{limits.channels}",
        "CHANNELLEN": str(limits.channel_length),
        "CHANTYPES": "#",
    }
