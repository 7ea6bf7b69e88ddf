"""Who may do what: each ``can_*`` returns, or raises `Refused` with the reply to give.

Source: Modern IRC, the section of each command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat.irc.numerics import (
    ERR_BADCHANNELKEY,
    ERR_BANNEDFROMCHAN,
    ERR_CANNOTSENDTOCHAN,
    ERR_CHANNELISFULL,
    ERR_CHANOPRIVSNEEDED,
    ERR_INVITEONLYCHAN,
    ERR_NEEDREGGEDNICK,
    ERR_NOPRIVILEGES,
    ERR_NOTONCHANNEL,
    Reply,
)
from chat.irc.standard_replies import StandardReply
from chat.network import masks, modes
from chat.network.entities import Channel, Client
from chat.network.settings import AccountSettings

if TYPE_CHECKING:
    from chat.network.state import Network


class RefusedError(Exception):
    """What was asked may not be done; ``reply`` tells the person why."""

    def __init__(self, reply: Reply | StandardReply) -> None:
        super().__init__(reply)
        self.reply = reply


def can_join(client: Client, channel: Channel, key: str) -> None:
    """Let an invitation pass everything, and the lasting ranks some.

    Half-operators and above need no invitation and no room; a ban holds for all
    but admins and founders, so that an operator can be thrown out.
    """
    if client.id in channel.invited:
        return
    if channel.modes.get(modes.KEY, "") not in ("", key):
        raise RefusedError(ERR_BADCHANNELKEY(channel.name))
    ranks = channel.ranks.get(client.account, "") if client.account is not None else ""
    invited = channel.lists.get(modes.INVITE_EXCEPTION, ())
    is_expected = masks.matches(client, invited, speaking=False)
    is_banned_here = is_banned(client, channel, speaking=False)
    if is_banned_here and not is_expected and not modes.at_least(ranks, modes.ADMIN):
        raise RefusedError(ERR_BANNEDFROMCHAN(channel.name))
    if modes.at_least(ranks, modes.HALF_OPERATOR):
        return
    if modes.INVITE_ONLY in channel.modes and not is_expected:
        raise RefusedError(ERR_INVITEONLYCHAN(channel.name))
    if modes.REGISTERED_ONLY in channel.modes and client.account is None and not is_expected:
        raise RefusedError(ERR_NEEDREGGEDNICK(channel.name))
    limit = channel.modes.get(modes.LIMIT)
    if limit is not None and len(channel.members) >= int(limit):
        raise RefusedError(ERR_CHANNELISFULL(channel.name))


def can_send(client: Client, channel: Channel, text: str) -> None:
    """Outsiders may not with +n, nobody below voice with +m or under a ban, no CTCP with +C."""
    ranks = channel.members.get(client)
    if modes.NO_CTCP in channel.modes and text.startswith("\1") and text[1:7] != "ACTION":
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(channel.name, text="CTCP is not allowed here (+C)")
        )
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
    if modes.REGISTERED_SPEAKERS in channel.modes and client.account is None:
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(
                channel.name, text="Log in to an account to speak here (+M)"
            )
        )
    if is_banned(client, channel, speaking=True):
        raise RefusedError(
            ERR_CANNOTSENDTOCHAN.because(channel.name, text="You are banned here (+b)")
        )


def can_set_topic(client: Client, channel: Channel) -> None:
    """Members may, with +t only operators."""
    must_be_member(client, channel)
    if modes.TOPIC_PROTECTED in channel.modes:
        must_have_rank(client, channel, modes.HALF_OPERATOR)


def can_invite(client: Client, channel: Channel) -> None:
    """Members may, with +i only operators."""
    must_be_member(client, channel)
    if modes.INVITE_ONLY in channel.modes:
        must_have_rank(client, channel, modes.HALF_OPERATOR)


def must_be_member(client: Client, channel: Channel) -> None:
    """Refuse who is not on the channel."""
    if client not in channel.members:
        raise RefusedError(ERR_NOTONCHANNEL(channel.name))


def must_have_rank(client: Client, channel: Channel, rank: str = modes.OPERATOR) -> None:
    """Refuse who does not have ``rank`` or a higher one on the channel."""
    if not modes.at_least(channel.members.get(client, ""), rank):
        raise RefusedError(ERR_CHANOPRIVSNEEDED(channel.name))


def must_be_operator(client: Client) -> None:
    """Refuse who is not an IRC operator."""
    if not client.is_operator:
        raise RefusedError(ERR_NOPRIVILEGES())


def is_banned(client: Client, channel: Channel, *, speaking: bool) -> bool:
    """Return whether a ban of the channel matches the client, and no exception does."""
    bans = channel.lists.get(modes.BAN, ())
    exceptions = channel.lists.get(modes.EXCEPTION, ())
    return masks.matches(client, bans, speaking=speaking) and not masks.matches(
        client, exceptions, speaking=speaking
    )


def can_message(sender: Client, receiver: Client) -> None:
    """Let only who is logged in, or accepted, write to somebody with +R."""
    if (
        modes.USER_REGISTERED_ONLY in receiver.modes
        and sender.account is None
        and sender.id not in receiver.accepted
        and sender is not receiver
    ):
        raise RefusedError(
            ERR_NEEDREGGEDNICK.because(
                receiver.nick, text="Log in to an account to write to them (+R)"
            )
        )


def keeps_client(settings: AccountSettings, wish: bool | None) -> bool:
    """Return whether the client of an account is kept that wants it so, or has said nothing."""
    match settings.persistence:
        case "mandatory":
            return True
        case "opt-out":
            return wish is not False
        case "opt-in":
            return wish is True
        case "disabled":
            return False


def shares_channel(network: Network, client: Client, account: str) -> bool:
    """Return whether ``account`` is the client's own, or somebody of it is on a channel with it."""
    owner = network.fold(account)
    return any(
        other is client or not client.channels.keys().isdisjoint(other.channels)
        for other in network.clients.values()
        if other.account is not None and network.fold(other.account) == owner
    )


def can_see_channel(viewer: Client, channel: Channel) -> bool:
    """Return whether the channel is shown to ``viewer`` at all (mode +s hides it)."""
    return modes.SECRET not in channel.modes or viewer in channel.members


def can_see_member(viewer: Client, member: Client, channel: Channel) -> bool:
    """Return whether ``viewer`` sees ``member`` on the channel (modes +i, +u)."""
    return can_see(viewer, member) and (viewer is member or channel.shows(member, viewer))


def can_see(viewer: Client, client: Client) -> bool:
    """Return whether WHO and NAMES from outside show the client (user mode +i hides)."""
    return (
        viewer is client
        or modes.USER_INVISIBLE not in client.modes
        or not viewer.channels.keys().isdisjoint(client.channels)
    )
