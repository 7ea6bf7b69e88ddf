"""What the full-screen console shows, without a screen: rooms, scrollback, counts, members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import define, field, frozen

from chat.client import events as ev
from chat.client.rooms import Room
from chat.console.lines import Line, Look, lines_of
from chat.console.scrollback import Scrollback
from chat.console.view import View
from chat.irc.formatting import strip_formatting

#: The certificate's last days, in which it is pointed out.
SOON = 7


@define(eq=False)
class Buffer:
    """One entry of the list of rooms: a room, a person, or the server (``name`` is ``None``)."""

    name: str | None
    scrollback: Scrollback = field(factory=Scrollback)
    unread: int = 0
    mentions: int = 0
    #: We have just joined: who is here is shown beside, and need not be told.
    entered: bool = False

    @property
    def title(self) -> str:
        """What to call it; safe to print."""
        return strip_formatting(self.name) if self.name is not None else "server"


@frozen
class Person:
    """A member of a room, with the prefixes of its ranks, safe to print."""

    prefixes: str
    nick: str


class Model:
    """All that there is to see; ``hear``, `show` and `notice` take what happens.

    Which room is the current one, the console's `View` says, which a command may change.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._server = Buffer(None)
        self._buffers: dict[str, Buffer] = {}
        self._shown = self._server
        self._previous = self._server
        self._secured: ev.Secured | None = None
        self._expires: datetime | None = None
        #: What the server says by itself, until something is typed, is a greeting.
        self._is_greeting = True
        self.connection = "connecting"
        self.is_online = False

    # What happens.

    def hear(self, event: ev.ClientEvent, now: datetime) -> None:
        """Take note of an event, which the view has heard already."""
        buffers = list(self._places(event))
        self._note(event)
        for line in lines_of(event, now):
            for buffer in buffers:
                buffer.scrollback.append(_within(buffer, line))
        if isinstance(event, ev.Said) and not event.own:
            for buffer in buffers:
                self._count(buffer, event)
        self.look()

    def show(self, lines: Iterable[Line]) -> None:
        """Add lines of the program's own to the current room."""
        self.look()
        for line in lines:
            self._shown.scrollback.append(line)

    def forget(self, name: str) -> None:
        """Show no longer a room, or a conversation, where the view is no longer."""
        left = self._buffers.pop(self._fold(name), None)
        self.look()
        if self._previous is left:
            self._previous = self._server

    def typed(self) -> None:
        """Take note that a line was entered: what the server says now may answer it."""
        self._is_greeting = False
        self._shown.scrollback.to_end()

    # Where we are.

    def look(self) -> None:
        """Go where the view is by now: a command, or the server, may have changed it."""
        room = self._view.room
        buffer = self._server if room is None else self._open(room)
        if buffer is self._shown:
            return
        left, self._shown = self._shown, buffer
        left.scrollback.new_from = None
        if left.name is None or left.scrollback.end:
            self._previous = left
        else:  # nothing was ever said there: a room that did not let us in, for example
            self._buffers.pop(self._fold(left.name), None)
        buffer.unread = buffer.mentions = 0
        buffer.scrollback.to_end()

    @property
    def shown(self) -> Buffer:
        """The current room."""
        return self._shown

    def buffers(self) -> list[Buffer]:
        """Return the server, the rooms, and the people, in the order of the list."""
        is_channel = self._view.here().isupport.is_channel

        def place(buffer: Buffer) -> tuple[bool, str]:
            name = buffer.name or ""
            return not is_channel(name), name.casefold()

        return [self._server, *sorted(self._buffers.values(), key=place)]

    def go(self, buffer: Buffer) -> None:
        """Make it the current room."""
        self._view.go(buffer.name)
        self.look()

    def go_to(self, number: int) -> None:
        """Make the room with that number in the list, from 1, the current one, if there is one."""
        buffers = self.buffers()
        if 0 < number <= len(buffers):
            self.go(buffers[number - 1])

    def step(self, by: int) -> None:
        """Go on in the list, and around its ends."""
        buffers = self.buffers()
        self.go(buffers[(buffers.index(self._shown) + by) % len(buffers)])

    def back(self) -> None:
        """Return to the room before this one."""
        self.go(self._previous)

    def next_active(self) -> None:
        """Go where somebody speaks to us, or else where something is unread."""
        waiting = [buffer for buffer in self.buffers() if buffer.unread]
        if waiting:
            self.go(max(waiting, key=lambda buffer: bool(buffer.mentions)))

    def find(self, letters: str) -> list[Buffer]:
        """Return the rooms whose names have these letters in this order, the closest first."""
        pattern = re.compile(".*?".join(map(re.escape, letters.casefold())))
        found = []
        for buffer in self.buffers():
            match = pattern.search(buffer.title.casefold())
            if match is not None:
                found.append((match.end() - match.start(), match.start(), buffer))
        return [buffer for _, _, buffer in sorted(found, key=lambda row: row[:2])]

    # What stands around the scrollback.

    @property
    def topic(self) -> str:
        """The current room's topic, safe to print."""
        room = self._room()
        return strip_formatting(room.topic) if room is not None else ""

    def members(self) -> list[Person]:
        """Return who is in the current room, the highest ranks first."""
        room = self._room()
        if room is None:
            return []
        ranks = "".join(self._view.rooms.isupport.prefixes.values())

        def place(person: Person) -> tuple[int, str]:
            rank = ranks.find(person.prefixes[:1]) if person.prefixes else len(ranks)
            return rank, person.nick.casefold()

        people = (
            Person(strip_formatting(member.prefixes), strip_formatting(member.nick))
            for member in room.members.values()
        )
        return sorted(people, key=place)

    @property
    def nick(self) -> str:
        """Our nickname, safe to print."""
        return strip_formatting(self._view.nick)

    def security(self, now: datetime) -> Iterator[tuple[str, bool]]:
        """Yield what protects the connection, each with whether it needs attention."""
        if self._secured is not None:
            yield f"{self._secured.version} {self._secured.cipher}", False
        if self._expires is not None:
            days = max(0, (self._expires - now).days)
            yield f"certificate {days} days", days < SOON

    # Its parts.

    def _room(self) -> Room | None:
        name = self._shown.name
        return self._view.rooms.get(name) if name is not None else None

    def _fold(self, name: str) -> str:
        return self._view.here().isupport.fold(name)

    def _get(self, name: str) -> Buffer | None:
        return self._buffers.get(self._fold(name))

    def _open(self, name: str) -> Buffer:
        return self._buffers.setdefault(self._fold(name), Buffer(name))

    def _current(self) -> Buffer:
        self.look()
        return self._shown

    def _note(self, event: ev.ClientEvent) -> None:
        match event:
            case ev.Secured(own_expires=expires):
                self._secured, self._expires = event, expires
            case ev.CertificateRenewed(expires):
                self._expires = expires
            case ev.Registered():
                self.connection, self.is_online, self._is_greeting = "online", True, True
            case ev.Disconnected():
                self.connection, self.is_online = "offline", False
            case ev.Retrying(seconds):
                self.connection = f"offline, trying again in {seconds:.0f} s"
            case ev.JoinedRoom(room=room, own=True):
                self._open(room).entered = True
            case ev.Names(room=room):
                buffer = self._get(room)
                if buffer is not None:
                    buffer.entered = False

    def _places(self, event: ev.ClientEvent) -> Iterator[Buffer]:
        """Yield where an event is told."""
        match event:
            case ev.Said(room=room) | ev.JoinedRoom(room=room, own=True):
                yield self._open(room)
            case ev.LeftRoom(room=room, own=True):
                self.forget(room)
                yield self._shown
            case ev.Names(room=room):
                buffer = self._get(room)
                if buffer is None or not buffer.entered:
                    yield buffer or self._current()
            case ev.JoinedRoom(room=room) | ev.LeftRoom(room=room) | ev.TopicIs(room=room):
                yield self._get(room) or self._current()
            case ev.ModesChanged(target=target):
                yield self._get(target) or self._current()
            case ev.LeftNetwork(nick=nick, rooms=rooms):
                yield from filter(None, map(self._get, (*rooms, nick)))
            case ev.Renamed(old=old, new=new):
                yield from self._renamed(old, new)
            case ev.Secured() | ev.Registered() | ev.Retrying():
                yield self._server
            case ev.CertificateRenewed():
                yield self._server
            case ev.ServerNotice() if self._is_greeting:
                yield self._server
            case _:
                yield self._current()

    def _renamed(self, old: str, new: str) -> Iterator[Buffer]:
        """Yield where somebody is seen who has another name by now."""
        talk = self._buffers.pop(self._fold(old), None)
        if talk is not None:
            talk.name = new
            yield self._buffers.setdefault(self._fold(new), talk)
        for room in self._view.rooms:
            buffer = self._get(room.name)
            if buffer is not None and self._fold(new) in room.members:
                yield buffer

    def _count(self, buffer: Buffer, said: ev.Said) -> None:
        if buffer is self._shown:
            return
        if not buffer.unread:
            buffer.scrollback.new_from = buffer.scrollback.end - 1
        buffer.unread += 1
        if not self._view.here().isupport.is_channel(said.room) or self._names_us(said.text):
            buffer.mentions += 1

    def _names_us(self, text: str) -> bool:
        nick = re.escape(self._view.nick.casefold())
        return bool(nick) and bool(re.search(rf"(?<!\w){nick}(?!\w)", text.casefold()))


def _within(buffer: Buffer, line: Line) -> Line:
    """Return a line as it reads where the name of the room stands above."""
    if buffer.name is None:
        return line
    return Line(line.time, tuple(piece for piece in line.pieces if piece.look is not Look.ROOM))
