"""The channels that a client is in, with their members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, evolve, field

from chat.client.isupport import Isupport
from chat.irc.modes import parse_changes


@define
class Member:
    """Somebody in a channel; ``prefixes`` are symbols, the highest rank first.

    ``account`` is ``None`` when there is none, or the server has not told it.
    """

    nick: str
    prefixes: str = ""
    account: str | None = None
    away: bool = False


@define
class Room:
    """One channel: its members by their folded nicknames, its topic."""

    name: str
    topic: str = ""
    members: dict[str, Member] = field(factory=dict)
    #: Whom we have invited, by folded nickname, until the server tells that to all.
    invited: set[str] = field(factory=set)

    def replace_members(self, names: Iterable[str], isupport: Isupport) -> None:
        """Take over ``names``, with their prefixes, as all the members."""
        symbols = "".join(isupport.prefixes.values())
        before, self.members = self.members, {}
        for name in names:
            bare = name.lstrip(symbols)
            # userhost-in-names: the mask follows the nickname.
            nick = bare.partition("!")[0]
            prefixes = name.removesuffix(bare)
            known = before.get(isupport.fold(nick), Member(nick))
            self.members[isupport.fold(nick)] = evolve(known, nick=nick, prefixes=prefixes)

    def change_modes(self, words: Iterable[str], isupport: Isupport) -> None:
        """Give and take the prefixes that a MODE command with ``words`` changes."""
        symbols = isupport.prefixes
        for change in parse_changes(tuple(words), isupport.mode_kinds):
            if change.letter not in symbols or change.argument is None:
                continue
            member = self.members.get(isupport.fold(change.argument))
            if member is not None:
                held = set(member.prefixes)
                (held.add if change.adding else held.discard)(symbols[change.letter])
                member.prefixes = "".join(symbol for symbol in symbols.values() if symbol in held)


@define
class Rooms:
    """All channels that a client is in; names compare as the server compares them."""

    isupport: Isupport = field(factory=Isupport)
    _rooms: dict[str, Room] = field(factory=dict)
    #: By folded name of a channel: what RPL_NAMREPLY has told of it so far.
    _listings: dict[str, list[str]] = field(factory=dict)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def get(self, name: str) -> Room | None:
        """Return the channel, or ``None`` when we are not in it."""
        return self._rooms.get(self.isupport.fold(name))

    def enter(self, name: str) -> Room:
        """Return the channel, which we are in from now on."""
        return self._rooms.setdefault(self.isupport.fold(name), Room(name))

    def leave(self, name: str) -> None:
        """Forget a channel."""
        self._rooms.pop(self.isupport.fold(name), None)

    def listing(self, name: str) -> list[str]:
        """Return the list that gathers the names of a channel, ours or not."""
        return self._listings.setdefault(self.isupport.fold(name), [])

    def listed(self, name: str) -> tuple[str, ...]:
        """End the listing of a channel, and return the names in it."""
        names = self._listings.pop(self.isupport.fold(name), [])
        room = self.get(name)
        if room is not None and names:
            room.replace_members(names, self.isupport)
        return tuple(names)

    def add(self, name: str, nick: str, account: str | None = None) -> None:
        """Note that ``nick`` is in a channel."""
        room = self.get(name)
        if room is not None:
            room.members.setdefault(self.isupport.fold(nick), Member(nick, account=account))

    def remove(self, name: str, nick: str) -> None:
        """Note that ``nick`` is no longer in a channel."""
        room = self.get(name)
        if room is not None:
            room.members.pop(self.isupport.fold(nick), None)

    def remove_everywhere(self, nick: str) -> tuple[str, ...]:
        """Note that ``nick`` is gone, and return the names of the channels it was in."""
        folded = self.isupport.fold(nick)
        return tuple(room.name for room in self._rooms.values() if room.members.pop(folded, None))

    def members(self, nick: str) -> Iterator[Member]:
        """Yield ``nick`` as a member of each channel that we share."""
        folded = self.isupport.fold(nick)
        for room in self._rooms.values():
            if folded in room.members:
                yield room.members[folded]

    def rename(self, old: str, new: str) -> None:
        """Note that ``old`` is called ``new`` now."""
        for room in self._rooms.values():
            member = room.members.pop(self.isupport.fold(old), None)
            if member is not None:
                member.nick = new
                room.members[self.isupport.fold(new)] = member
