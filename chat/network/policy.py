"""Who may do what: each ``can_*`` returns, or raises `Refused` with the reply to give.

Source: Modern IRC, the section of each command.
"""

from __future__ import annotations

from chat.irc.mask import matches
from chat.irc.numerics import (
    ERR_BADCHANNELKEY,
    ERR_BANNEDFROMCHAN,
    ERR_CANNOTSENDTOCHAN,
    ERR_CHANNELISFULL,
    ERR_CHANOPRIVSNEEDED,
    ERR_INVITEONLYCHAN,
    ERR_NOPRIVILEGES,
    ERR_NOTONCHANNEL,
    Reply,
)
from chat.irc.standard_replies import StandardReply
from chat.network import modes
from chat.network.entities import Channel, Client


class RefusedError(Exception):
    """What was asked may not be done; ``reply`` tells the person why."""

    def __init__(self, reply: Reply | StandardReply) -> None:
        super().__init__(reply)
        self.reply = reply


def can_join(client: Client, channel: Channel, key: str) -> None:
    """Let an invitation pass everything, and who has a lasting rank all but the key."""
    if client.id in channel.invited:
        return
    ranked = client.account is not None and client.account in channel.ranks
    if channel.modes.get(modes.KEY, "") not in ("", key):
        raise RefusedError(ERR_BADCHANNELKEY(channel.name))
    if ranked:
        return
    if modes.INVITE_ONLY in channel.modes:
        raise RefusedError(ERR_INVITEONLYCHAN(channel.name))
    limit = channel.modes.get(modes.LIMIT)
    if limit is not None and len(channel.members) >= int(limit):
        raise RefusedError(ERR_CHANNELISFULL(channel.name))
    if is_banned(client, channel):
        raise RefusedError(ERR_BANNEDFROMCHAN(channel.name))


def can_send(client: Client, channel: Channel) -> None:
    """Outsiders may not with +n, nobody below voice with +m or under a ban."""
    ranks = channel.members.get(client)
    if ranks is None and modes.NO_EXTERNAL in channel.modes:
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(channel.name, text="You're not on that channel (+n)")
        )
    if ranks and modes.at_least(ranks, modes.VOICE):
        return
    if modes.MODERATED in channel.modes:
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(channel.name, text="The channel is moderated (+m)")
        )
    if is_banned(client, channel):
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(channel.name, text="You are banned here (+b)")
        )


def can_set_topic(client: Client, channel: Channel) -> None:
    """Members may, with +t only operators."""
    must_be_member(client, channel)
    if modes.TOPIC_PROTECTED in channel.modes:
        must_be_channel_operator(client, channel)


def can_invite(client: Client, channel: Channel) -> None:
    """Members may, with +i only operators."""
    must_be_member(client, channel)
    if modes.INVITE_ONLY in channel.modes:
        must_be_channel_operator(client, channel)


def must_be_member(client: Client, channel: Channel) -> None:
    """Refuse who is not on the channel."""
    if client not in channel.members:
        raise RefusedError(ERR_NOTONCHANNEL(channel.name))


def must_be_channel_operator(client: Client, channel: Channel) -> None:
    """Refuse who does not have +o on the channel."""
    if not modes.at_least(channel.members.get(client, ""), modes.OPERATOR):
        raise RefusedError(ERR_CHANOPRIVSNEEDED(channel.name))


def must_be_operator(client: Client) -> None:
    """Refuse who is not an IRC operator."""
    if not client.is_operator:
        raise RefusedError(ERR_NOPRIVILEGES())


def is_banned(client: Client, channel: Channel) -> bool:
    """Return whether a ban of the channel matches the client."""
    return any(matches(mask, client.source) for mask in channel.lists.get(modes.BAN, ()))


def can_see(viewer: Client, client: Client) -> bool:
    """Return whether WHO and NAMES from outside show the client (user mode +i hides)."""
    return (
        viewer is client
        or modes.USER_INVISIBLE not in client.modes
        or not viewer.channels.keys().isdisjoint(client.channels)
    )
