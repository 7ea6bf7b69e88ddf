"""MODE: see and change what channels and clients are set to.

The channels' half is in `chat.features.channel_modes`.
Source: Modern IRC, "MODE message".
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features import channel_modes
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.modes import format_changes, parse_changes
from chat.irc.names import looks_like_channel
from chat.irc.numerics import (
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_UMODEUNKNOWNFLAG,
    ERR_USERSDONTMATCH,
    RPL_UMODEIS,
)
from chat.network import modes
from chat.network.events import UserModesChanged
from chat.network.settings import Settings

feature = Feature()


@feature.command("MODE", parameters=1)
def mode(request: Request) -> Effects:
    """MODE #channel|nickname [modes [arguments]]: see or change modes."""
    target = request.params[0]
    if looks_like_channel(target):
        channel = request.network.channel(target)
        if channel is None:
            yield ERR_NOSUCHCHANNEL(target)
        elif len(request.params) == 1:
            yield from channel_modes.show(request, channel)
        else:
            yield from channel_modes.change(request, channel)
        return
    client = request.network.client(target)
    if client is None:
        yield ERR_NOSUCHNICK(target)
    elif client is not request.client:
        yield ERR_USERSDONTMATCH()
    elif len(request.params) == 1:
        yield RPL_UMODEIS("+" + "".join(sorted(client.modes)))
    else:
        yield from _change_user(request)


def _change_user(request: Request) -> Effects:
    client = request.client
    changes = []
    unknown = False
    for change in parse_changes(request.params[1:], modes.USER_MODES):
        if change.letter not in modes.USER_MODES:
            unknown = True
        elif change.letter == modes.USER_OPERATOR and change.adding:
            continue  # "MUST be ignored": only OPER gives it.
        elif (change.letter in client.modes) is not change.adding:
            changes.append(change)
    if unknown:
        yield ERR_UMODEUNKNOWNFLAG()
    if changes:
        yield UserModesChanged(client.actor, tuple(dict.fromkeys(changes)))


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the mode with which bots mark themselves (IRCv3 bot-mode)."""
    return {"BOT": modes.USER_BOT}


@feature.renders(UserModesChanged)
def show_user_modes(viewer: Viewer, event: UserModesChanged) -> Lines:
    """Tell the client's sessions what changed."""
    yield Message("MODE", (viewer.nick, *format_changes(event.changes)), event.actor.source)
