"""INVITE: ask somebody to join a channel.

Source: Modern IRC, "INVITE message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.numerics import (
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_USERONCHANNEL,
    RPL_AWAY,
    RPL_ENDOFINVITEDTO,
    RPL_INVITEDTO,
    RPL_INVITING,
)
from chat.network.events import Invited
from chat.network.policy import can_invite

feature = Feature()


@feature.command("INVITE")
def invite(request: Request) -> Effects:
    """INVITE [nickname #channel]: ask somebody to join, or list your own invitations.

    An invitation opens +i, +k, +l and +b once.
    """
    if not request.params:
        for channel in request.network.channels.values():
            if request.client.id in channel.invited:
                yield RPL_INVITEDTO(channel.name)
        yield RPL_ENDOFINVITEDTO()
        return
    if not request.param(1):
        yield ERR_NEEDMOREPARAMS("INVITE")
        return
    yield from _invite(request)


def _invite(request: Request) -> Effects:
    target = request.network.client(request.params[0])
    channel = request.network.channel(request.params[1])
    if channel is None:
        yield ERR_NOSUCHCHANNEL(request.params[1])
        return
    can_invite(request.client, channel)
    if target is None:
        yield ERR_NOSUCHNICK(request.params[0])
    elif target in channel.members:
        yield ERR_USERONCHANNEL(target.nick, channel.name)
    else:
        yield RPL_INVITING(target.nick, channel.name)
        if target.away is not None:
            yield RPL_AWAY(target.nick, target.away)
        yield Invited(request.client.actor, channel.name, target.id, target.nick)


@feature.renders(Invited)
def show_invite(viewer: Viewer, event: Invited) -> Lines:
    """Tell who is invited."""
    yield Message("INVITE", (event.nick, event.channel), event.actor.source)
