"""MODE: see and change what channels and clients are set to.

Source: Modern IRC, "MODE message".
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.mask import canonical
from chat.irc.message import Message, truncate
from chat.irc.modes import ModeChange, ModeKind, format_changes, parse_changes
from chat.irc.names import looks_like_channel
from chat.irc.numerics import (
    ERR_BANLISTFULL,
    ERR_INVALIDMODEPARAM,
    ERR_NEEDMOREPARAMS,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_UMODEUNKNOWNFLAG,
    ERR_UNKNOWNMODE,
    ERR_USERNOTINCHANNEL,
    ERR_USERSDONTMATCH,
    RPL_BANLIST,
    RPL_CHANNELMODEIS,
    RPL_CREATIONTIME,
    RPL_ENDOFBANLIST,
    RPL_UMODEIS,
    Reply,
)
from chat.network import modes
from chat.network.entities import Channel
from chat.network.events import ModesChanged, UserModesChanged
from chat.network.policy import RefusedError, must_be_channel_operator
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
            yield from _channel_modes(request, channel)
        else:
            yield from _change_channel(request, channel)
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


def _channel_modes(request: Request, channel: Channel) -> Effects:
    changes = []
    for letter, value in sorted(channel.modes.items()):
        secret = letter == modes.KEY and request.client not in channel.members
        argument = ("*" if secret else value) if value else None
        changes.append(ModeChange(True, letter, argument))
    yield RPL_CHANNELMODEIS(channel.name, *(format_changes(changes) if changes else ("+",)))
    yield RPL_CREATIONTIME(channel.name, str(channel.created // 1000))


def _change_channel(request: Request, channel: Channel) -> Effects:
    changes: list[ModeChange] = []
    accounts: dict[str, str] = {}
    listed: set[str] = set()
    unknown: set[str] = set()
    limit = request.settings.limits.modes
    for change in parse_changes(request.params[1:], modes.CHANNEL_MODES):
        kind = modes.CHANNEL_MODES.get(change.letter)
        if kind is None:
            if change.letter not in unknown:
                unknown.add(change.letter)
                yield ERR_UNKNOWNMODE(change.letter)
        elif kind is ModeKind.LIST and not change.argument:
            if change.letter not in listed:
                listed.add(change.letter)
                yield from _list(channel, change.letter)
        else:
            # Said once, before any change of the command is made.
            must_be_channel_operator(request.client, channel)
            try:
                resolved = _resolve(request, channel, change, kind, accounts)
            except RefusedError as refusal:
                yield refusal.reply
                continue
            if resolved is not None and len(changes) < limit:
                changes.append(resolved)
    if changes:
        yield ModesChanged(request.client.actor, channel.name, tuple(changes), accounts)


def _resolve(
    request: Request,
    channel: Channel,
    change: ModeChange,
    kind: ModeKind,
    accounts: dict[str, str],
) -> ModeChange | None:
    """Return the change as it is made, ``None`` where nothing would change."""
    letter, argument = change.letter, change.argument
    if kind.takes_argument(change.adding) and not argument:
        if letter == modes.KEY and not change.adding:
            argument = "*"
        else:
            raise RefusedError(ERR_NEEDMOREPARAMS("MODE"))
    if kind is ModeKind.PREFIX:
        member = request.network.client(argument or "")
        if member is None:
            raise RefusedError(ERR_NOSUCHNICK(argument or ""))
        if member not in channel.members:
            raise RefusedError(ERR_USERNOTINCHANNEL(member.nick, channel.name))
        if (letter in channel.members[member]) is change.adding:
            return None
        if member.account is not None:
            accounts[member.nick] = member.account
        return evolve(change, argument=member.nick)
    if kind is ModeKind.LIST:
        return _resolve_mask(request, channel, change)
    current = channel.modes.get(letter)
    if not change.adding:
        return None if current is None else ModeChange(False, letter, argument)
    if letter == modes.KEY:
        argument = _valid_key(request, channel, argument or "")
    elif letter == modes.LIMIT:
        if not argument or not argument.isascii() or not argument.isdigit() or int(argument) < 1:
            raise RefusedError(_invalid(channel, letter, argument, "A limit is a whole number"))
        argument = str(min(int(argument), 1_000_000_000))
    return None if current == (argument or "") else ModeChange(True, letter, argument)


def _resolve_mask(request: Request, channel: Channel, change: ModeChange) -> ModeChange | None:
    mask = canonical((change.argument or "").replace(" ", ""))
    masks = channel.lists.get(change.letter, {})
    present = masks.get(request.network.fold(mask))
    if (present is not None) is change.adding:
        return None
    if present is not None:
        return ModeChange(False, change.letter, present.mask)
    if len(masks) >= request.settings.limits.bans:
        raise RefusedError(ERR_BANLISTFULL(channel.name, mask))
    return ModeChange(True, change.letter, mask)


def _valid_key(request: Request, channel: Channel, key: str) -> str:
    key = truncate(key, request.settings.limits.key_length)
    if not key or key[0] == ":" or any(character in key for character in " ,"):
        raise RefusedError(
            _invalid(channel, modes.KEY, key, "A key has no space, comma or leading colon")
        )
    return key


def _invalid(channel: Channel, letter: str, argument: str | None, why: str) -> Reply:
    shown = (argument or "*").split()
    return ERR_INVALIDMODEPARAM(channel.name, letter, shown[0].lstrip(":") if shown else "*", why)


def _list(channel: Channel, letter: str) -> Effects:
    for entry in channel.lists.get(letter, {}).values():
        yield RPL_BANLIST(channel.name, entry.mask, entry.source, str(entry.time // 1000))
    yield RPL_ENDOFBANLIST(channel.name)


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
        yield UserModesChanged(client.actor, tuple(changes))


@feature.renders(ModesChanged)
def show_channel_modes(viewer: Viewer, event: ModesChanged) -> Lines:
    """Tell the channel what changed."""
    yield Message("MODE", (event.channel, *format_changes(event.changes)), event.actor.source)


@feature.renders(UserModesChanged)
def show_user_modes(viewer: Viewer, event: UserModesChanged) -> Lines:
    """Tell the client's sessions what changed."""
    yield Message("MODE", (viewer.nick, *format_changes(event.changes)), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the letters by their kind, the ranks and the limits."""
    kinds = (ModeKind.LIST, ModeKind.ALWAYS, ModeKind.WHEN_SET, ModeKind.FLAG)
    letters = [
        "".join(sorted(letter for letter, kind in modes.CHANNEL_MODES.items() if kind is wanted))
        for wanted in kinds
    ]
    ranks, prefixes = "".join(modes.PREFIXES), "".join(modes.PREFIXES.values())
    return {
        "CHANMODES": ",".join(letters),
        "KEYLEN": str(settings.limits.key_length),
        "MAXLIST": f"{letters[0]}:{settings.limits.bans}",
        "MODES": str(settings.limits.modes),
        "PREFIX": f"({ranks}){prefixes}",
    }
