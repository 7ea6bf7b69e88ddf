"""Commands for those who keep a room in order.

Sources: Modern IRC, "MODE message", "MODES parameter", "EXTBAN parameter";
https://ircv3.net/specs/extensions/account-extban
"""

from __future__ import annotations

from collections.abc import Iterator

from chat.client.isupport import Isupport
from chat.console.commands.actions import Send
from chat.console.commands.command import Actions, Here, Subject, UsageError, parted
from chat.irc.message import MAX_PARAMETERS, Message

MODERATION = Subject("Keeping a room in order")

#: Changes of one MODE where the server does not say how many ("MODES parameter").
_CHANGES = 3


@MODERATION.command("/kick [ROOM] NICK [REASON]", "remove somebody from a room", "k", least=1)
def _kick(here: Here, rest: str) -> Actions:
    room, rest = here.room_and_rest(rest)
    nick, reason = parted(rest)
    if not nick:
        raise UsageError
    yield Send(Message("KICK", (room, nick, reason) if reason else (room, nick)))


@MODERATION.command(
    "/ban [ROOM] [NICK_OR_MASK ...]",
    "let somebody in no more; alone: show who is not let in",
    example="/ban mallory *!*@evil.example",
)
def _ban(here: Here, rest: str) -> Actions:
    room, rest = here.room_and_rest(rest)
    if not rest:
        yield Send(Message("MODE", (room, "+b")))
    masks = [_masks(here, word)[0] for word in rest.split()]
    yield from _changes(here, room, "+b", masks)


@MODERATION.command("/unban [ROOM] NICK_OR_MASK ...", "let somebody in again", "ub", least=1)
def _unban(here: Here, rest: str) -> Actions:
    room, words = _words(here, rest)
    masks = [mask for word in words for mask in _masks(here, word)]
    yield from _changes(here, room, "-b", masks)


@MODERATION.command(
    "/mode [ROOM_OR_NICK] [CHANGES]",
    "show or change the modes of a room, or your own",
    example="/mode +l 20",
)
def _mode(here: Here, rest: str) -> Actions:
    target, changes = parted(rest)
    if not rest:
        target = here.current()
    elif target[0] in "+-":
        target, changes = here.room_and_rest(rest)
    yield Send(Message("MODE", (target, *changes.split())))


@MODERATION.command("/op [ROOM] NICK ...", "make somebody an operator of a room", least=1)
def _op(here: Here, rest: str) -> Actions:
    return _rank(here, rest, "+o")


@MODERATION.command("/deop [ROOM] NICK ...", "make somebody an operator no more", least=1)
def _deop(here: Here, rest: str) -> Actions:
    return _rank(here, rest, "-o")


@MODERATION.command("/voice [ROOM] NICK ...", "let somebody speak in a moderated room", least=1)
def _voice(here: Here, rest: str) -> Actions:
    return _rank(here, rest, "+v")


@MODERATION.command("/devoice [ROOM] NICK ...", "take the voice from somebody", least=1)
def _devoice(here: Here, rest: str) -> Actions:
    return _rank(here, rest, "-v")


def _rank(here: Here, rest: str, change: str) -> Actions:
    room, nicks = _words(here, rest)
    yield from _changes(here, room, change, nicks)


def _words(here: Here, rest: str) -> tuple[str, list[str]]:
    """Return the room, and the words behind it, which there have to be."""
    room, rest = here.room_and_rest(rest)
    if not rest:
        raise UsageError
    return room, rest.split()


def _changes(here: Here, room: str, change: str, arguments: list[str]) -> Iterator[Send]:
    """Yield the messages that make a change such as ``+o`` for each argument."""
    most = _most(here.isupport)
    for start in range(0, len(arguments), most):
        some = arguments[start : start + most]
        yield Send(Message("MODE", (room, change[0] + change[1] * len(some), *some)))


def _most(isupport: Isupport) -> int:
    """Return how many changes with arguments one MODE may make; no value is no limit."""
    word = isupport.tokens.get("MODES", str(_CHANGES))
    room = MAX_PARAMETERS - 2
    return min(int(word), room) if word.isdecimal() and int(word) else room


def _masks(here: Here, word: str) -> tuple[str, ...]:
    """Return the masks that mean a nickname, the one to ban by first; a mask is itself."""
    if set(word) & set("!@*?:."):
        return (word,)
    account = here.account_of(word)
    tokens = here.isupport.tokens
    name = tokens.get("ACCOUNTEXTBAN", "").partition(",")[0]
    by_nick = f"{word}!*@*"
    if account is None or not name:
        return (by_nick,)
    prefix = tokens.get("EXTBAN", "").partition(",")[0]
    return f"{prefix}{name}:{account}", by_nick
