"""The modes of channels: who may change which, and what their arguments may be.

Sources: Modern IRC, "Channel Modes" and "Channel Membership Prefixes".
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from chat.features.e2e import is_offered
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, truncate
from chat.irc.modes import ModeChange, ModeKind, format_changes, parse_changes
from chat.irc.numerics import (
    ERR_BANLISTFULL,
    ERR_CHANOPRIVSNEEDED,
    ERR_INVALIDMODEPARAM,
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHNICK,
    ERR_UNKNOWNMODE,
    ERR_USERNOTINCHANNEL,
    RPL_BANLIST,
    RPL_CHANNELMODEIS,
    RPL_CREATIONTIME,
    RPL_ENDOFBANLIST,
    RPL_ENDOFEXCEPTLIST,
    RPL_ENDOFINVITELIST,
    RPL_EXCEPTLIST,
    RPL_INVITELIST,
    Reply,
)
from chat.network import masks, modes
from chat.network.entities import Channel
from chat.network.events import ModesChanged
from chat.network.policy import RefusedError, must_have_rank
from chat.network.retention import parse_retention
from chat.network.settings import Settings

feature = Feature()

#: By the letter of a list mode: how an entry and the end of the list are told.
_LISTS = {
    modes.BAN: (RPL_BANLIST, RPL_ENDOFBANLIST),
    modes.EXCEPTION: (RPL_EXCEPTLIST, RPL_ENDOFEXCEPTLIST),
    modes.INVITE_EXCEPTION: (RPL_INVITELIST, RPL_ENDOFINVITELIST),
}


def show(request: Request, channel: Channel) -> Effects:
    """Yield the replies that tell the channel's modes; the key is for members only."""
    changes = []
    for letter, value in sorted(channel.modes.items()):
        is_hidden = letter == modes.KEY and request.client not in channel.members
        argument = ("*" if is_hidden else value) if value else None
        changes.append(ModeChange(True, letter, argument))
    yield RPL_CHANNELMODEIS(channel.name, *(format_changes(changes) if changes else ("+",)))
    yield RPL_CREATIONTIME(channel.name, str(channel.created // 1000))


def change(request: Request, channel: Channel) -> Effects:
    """Yield what the changes of a MODE command lead to, and the lists that it asks for."""
    made: list[ModeChange] = []
    accounts: dict[str, str] = {}
    said: dict[Reply, None] = {}
    asked = dict.fromkeys(parse_changes(request.params[1:], modes.CHANNEL_MODES))
    for wanted in asked:
        kind = modes.CHANNEL_MODES.get(wanted.letter)
        if kind is ModeKind.LIST and not wanted.argument:
            yield from _list(channel, wanted.letter)
            continue
        try:
            resolved = _resolve(request, channel, wanted, kind, accounts)
        except RefusedError as refusal:
            if isinstance(refusal.reply, Reply) and refusal.reply not in said:
                said[refusal.reply] = None
                yield refusal.reply
            continue
        if resolved is not None and len(made) < request.settings.limits.modes:
            made.append(resolved)
    if made:
        yield ModesChanged(request.client.actor, channel.name, tuple(made), accounts)


def _resolve(
    request: Request,
    channel: Channel,
    wanted: ModeChange,
    kind: ModeKind | None,
    accounts: dict[str, str],
) -> ModeChange | None:
    """Return the change as it is made, ``None`` where nothing would change."""
    if kind is None:
        raise RefusedError(ERR_UNKNOWNMODE(wanted.letter))
    if kind is not ModeKind.PREFIX:
        must_have_rank(request.client, channel)
    if kind.takes_argument(wanted.adding) and wanted.argument is None:
        if wanted.letter != modes.KEY or wanted.adding:
            raise RefusedError(ERR_NEEDMOREPARAMS("MODE"))
        wanted = evolve(wanted, argument="*")
    match kind:
        case ModeKind.PREFIX:
            return _resolve_rank(request, channel, wanted, accounts)
        case ModeKind.LIST:
            return _resolve_mask(request, channel, wanted)
    current = channel.modes.get(wanted.letter)
    if not wanted.adding:
        return None if current is None else wanted
    if wanted.letter == modes.ENCRYPTED and not is_offered(request.settings):
        raise RefusedError(ERR_UNKNOWNMODE(wanted.letter))
    if wanted.argument is not None:
        wanted = evolve(wanted, argument=_valid(request, channel, wanted.letter, wanted.argument))
    return None if current == (wanted.argument or "") else wanted


def _resolve_rank(
    request: Request, channel: Channel, wanted: ModeChange, accounts: dict[str, str]
) -> ModeChange | None:
    nick = wanted.argument or ""
    member = request.network.client(nick)
    gives_up = member is request.client and not wanted.adding
    if not gives_up:
        must_have_rank(request.client, channel, _granted_by(channel, wanted.letter))
    if member is None:
        raise RefusedError(ERR_NOSUCHNICK(nick))
    if member not in channel.members:
        raise RefusedError(ERR_USERNOTINCHANNEL(member.nick, channel.name))
    ranks = channel.members[member]
    if (wanted.letter in ranks) is wanted.adding:
        return None
    if not gives_up and not modes.outranks(channel.members[request.client], ranks):
        raise RefusedError(ERR_CHANOPRIVSNEEDED(channel.name))
    if member.account is not None:
        accounts[member.nick] = member.account
    return evolve(wanted, argument=member.nick)


def _granted_by(channel: Channel, letter: str) -> str:
    """Return the rank that may give ``letter``: a channel without a founder may get one."""
    ranks = (*channel.ranks.values(), *channel.members.values())
    if letter == modes.FOUNDER and not any(modes.FOUNDER in held for held in ranks):
        return modes.OPERATOR
    return modes.GRANTED_BY[letter]


def _resolve_mask(request: Request, channel: Channel, wanted: ModeChange) -> ModeChange | None:
    mask = masks.canonical((wanted.argument or "").replace(" ", ""))
    listed = channel.lists.get(wanted.letter, {})
    present = listed.get(request.network.fold(mask))
    if (present is not None) is wanted.adding:
        return None
    if present is not None:
        return evolve(wanted, argument=present.mask)
    if len(listed) >= request.settings.limits.bans:
        raise RefusedError(ERR_BANLISTFULL(channel.name, mask))
    return evolve(wanted, argument=mask)


def _valid(request: Request, channel: Channel, letter: str, argument: str) -> str:
    """Return the argument as it is kept, or refuse it."""
    if letter == modes.LIMIT:
        if not argument.isascii() or not argument.isdigit() or int(argument) < 1:
            raise _invalid(channel, letter, argument, "A limit is a whole number above 0")
        return str(min(int(argument), 1_000_000_000))
    if letter == modes.HISTORY:
        if parse_retention(argument) is None:
            text = "Wanted messages:duration, such as 1000:30d; 0 for no bound"
            raise _invalid(channel, letter, argument, text)
        return argument
    if letter == modes.FORWARD:
        target = request.network.channel(argument)
        if target is None:
            raise _invalid(channel, letter, argument, "There is no such channel to forward to")
        must_have_rank(request.client, target)
        return target.name
    key = truncate(argument, request.settings.limits.key_length)
    if not key or key[0] == ":" or any(character in key for character in " ,"):
        raise _invalid(channel, letter, argument, "A key has no space, comma or leading colon")
    return key


def _invalid(channel: Channel, letter: str, argument: str, why: str) -> RefusedError:
    shown = argument if argument and argument[0] != ":" and " " not in argument else "*"
    return RefusedError(ERR_INVALIDMODEPARAM(channel.name, letter, shown, why))


def _list(channel: Channel, letter: str) -> Effects:
    one, end = _LISTS[letter]
    for entry in channel.lists.get(letter, {}).values():
        yield one(channel.name, entry.mask, entry.source, str(entry.time // 1000))
    yield end(channel.name)


@feature.renders(ModesChanged)
def show_modes(viewer: Viewer, event: ModesChanged) -> Lines:
    """Tell the channel what changed."""
    yield Message("MODE", (event.channel, *format_changes(event.changes)), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the letters by their kind, the ranks, the extended bans and the limits."""
    kinds = (ModeKind.LIST, ModeKind.ALWAYS, ModeKind.WHEN_SET, ModeKind.FLAG)
    letters = [
        "".join(sorted(letter for letter, kind in modes.CHANNEL_MODES.items() if kind is wanted))
        for wanted in kinds
    ]
    ranks, prefixes = "".join(modes.PREFIXES), "".join(modes.PREFIXES.values())
    return {
        "ACCOUNTEXTBAN": masks.ACCOUNT.rstrip(":"),
        "CHANMODES": ",".join(letters),
        "EXCEPTS": modes.EXCEPTION,
        "EXTBAN": f",{masks.TYPES}",
        "INVEX": modes.INVITE_EXCEPTION,
        "KEYLEN": str(settings.limits.key_length),
        "MAXLIST": f"{letters[0]}:{settings.limits.bans}",
        "MODES": str(settings.limits.modes),
        "PREFIX": f"({ranks}){prefixes}",
    }
