"""RENAME: give a channel another name, with all that it has.

Source: https://ircv3.net/specs/extensions/channel-rename
"""

from __future__ import annotations

from chat.features import join
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, first_word, truncate
from chat.irc.names import is_channel
from chat.irc.numerics import ERR_NOSUCHCHANNEL
from chat.irc.standard_replies import fail
from chat.network.changes import Entered, Renamed
from chat.network.events import ChannelRenamed, Joined
from chat.network.policy import must_be_member, must_have_rank

feature = Feature()
feature.capability("draft/channel-rename", "https://ircv3.net/specs/extensions/channel-rename")


@feature.command("RENAME", parameters=2, cost=4)
def rename(request: Request) -> Effects:
    """RENAME #channel #new [reason]: give a channel another name."""
    old, new = request.params[:2]
    channel = request.network.channel(old)
    if channel is None:
        yield ERR_NOSUCHCHANNEL(old)
        return
    must_be_member(request.client, channel)
    must_have_rank(request.client, channel)
    if not is_channel(new, request.settings.limits.channel_length):
        yield fail("RENAME", "CANNOT_RENAME", old, first_word(new), text="That is no channel name")
    elif request.network.channel(new) not in (None, channel):
        yield fail("RENAME", "CHANNEL_NAME_IN_USE", old, new, text="The name is already taken")
    else:
        reason = truncate(request.param(2), request.settings.limits.kick_length)
        yield ChannelRenamed(request.client.actor, channel.name, new, reason)


@feature.renders(Renamed)
def show_rename(viewer: Viewer, fact: Renamed) -> Lines:
    """Tell the new name; who does not know RENAME sees a PART and a JOIN."""
    event = fact.event
    if viewer.has("draft/channel-rename"):
        yield Message("RENAME", (event.channel, event.name, event.reason), event.actor.source)
    elif viewer.network.fold(event.channel) != viewer.network.fold(event.name):
        client = fact.client
        reason = (event.reason,) if event.reason else ()
        yield Message("PART", (event.channel, *reason), client.source)
        joined = Joined(client.actor, event.name, client.realname)
        yield from join.show_join(viewer, joined)
        yield from join.show_entered(viewer, Entered(client, fact.channel))
