"""One network as the full-screen console shows it: where each event is told, who is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from attrs import evolve, frozen

from chat.client import events as ev
from chat.client.rooms import Room
from chat.client.seals import Protection
from chat.client.secrecy import SecurityNotice, Unsealed
from chat.console.lines import Line, Look, lines_of
from chat.console.model.buffer import Buffer
from chat.console.model.notifications import mentions
from chat.console.view import NOT_JOINED, View
from chat.e2e.effects import ModeDropped
from chat.irc.formatting import strip_formatting

#: The certificate's last days, in which it is pointed out.
SOON = 7
#: For how long somebody who spoke is told of as they come and go.
_LATELY = timedelta(minutes=30)


@frozen
class Person:
    """A member of a room, with the prefixes of its ranks, safe to print."""

    prefixes: str
    nick: str
    away: bool = False


class Network:
    """The rooms, the conversations and the server of one network; `hear` takes what happens.

    ``view`` says which of them is the current one, and a command may change it.
    ``name`` is what to call the network.
    """

    def __init__(self, name: str, view: View) -> None:
        self.name = strip_formatting(name)
        self.view = view
        self.server = Buffer(None, self.name)
        self._buffers: dict[str, Buffer] = {}
        self._folded_by = view.rooms.isupport.fold
        self._secured: ev.Secured | None = None
        self._expires: datetime | None = None
        #: What the server says by itself, until something is typed, is a greeting.
        self._is_greeting = True
        self.connection = "connecting"
        self.is_online = self._was_online = self.is_away = False
        #: Whether the connection that we have replaces one that was lost.
        self._was_lost = self._is_back = False
        #: Of whom it is told that they come and go: "all", "active" or "none".
        self.joins = "active"
        #: Words that speak to us as our nickname does.
        self.highlight: tuple[str, ...] = ()

    def begin(self) -> None:
        """Go to the first room that is open."""
        rooms = [one.name for one in self.buffers() if one.name and self.is_channel(one.name)]
        if rooms:
            self.view.go(rooms[0])

    def hear(self, event: ev.ClientEvent, now: datetime, seen: Buffer | None) -> None:
        """Take note of an event, which the view has heard already.

        ``seen`` is the room that somebody looks at, if anybody looks.
        """
        self._note(event)
        if self._happened(event, now, seen):
            return
        lines = list(lines_of(event, now))
        is_opening = isinstance(event, ev.JoinedRoom) and event.own
        for buffer in self._places(event, now) if lines else ():
            for line in lines:
                buffer.note(self._within(buffer, event, line), is_opening=is_opening)

    def typed(self) -> None:
        """Take note that a line was entered: what the server says now may answer it."""
        self._is_greeting = False

    # Its rooms.

    def here(self) -> Buffer:
        """Return the current room."""
        room = self.view.room
        return self.server if room is None else self.open(room)

    def get(self, name: str) -> Buffer | None:
        """Return a room or conversation, if it is open."""
        return self._buffers.get(self._fold(name))

    def open(self, name: str) -> Buffer:
        """Return a room or conversation, which is open from now on."""
        folded = self._fold(name)
        if folded not in self._buffers:
            self._buffers[folded] = Buffer(name, self.name)
        return self._buffers[folded]

    def drop(self, name: str) -> Buffer | None:
        """Show a room or conversation no longer, and return it."""
        return self._buffers.pop(self._fold(name), None)

    def buffers(self) -> list[Buffer]:
        """Return the server, the rooms, and the people: what is pinned before what is not."""

        def place(buffer: Buffer) -> tuple[bool, bool, str]:
            name = buffer.name or ""
            return not buffer.is_pinned, not self.is_channel(name), name.casefold()

        return [self.server, *sorted(self._buffers.values(), key=place)]

    def is_channel(self, name: str) -> bool:
        """Return whether a name is a channel's."""
        return self.view.rooms.isupport.is_channel(name)

    # What stands around the scrollback.

    def topic(self, buffer: Buffer) -> str:
        """Return a room's topic, safe to print."""
        room = self._room(buffer)
        return strip_formatting(room.topic) if room is not None else buffer.removed

    def protection(self, buffer: Buffer) -> Protection:
        """Return how what is said there would go out."""
        return self.view.protection(buffer.name) if buffer.name is not None else Protection()

    def members(self, buffer: Buffer) -> list[Person]:
        """Return who is in a room, the highest ranks first."""
        room = self._room(buffer)
        if room is None:
            return []
        ranks = "".join(self.view.rooms.isupport.prefixes.values())

        def place(person: Person) -> tuple[int, str]:
            rank = ranks.find(person.prefixes[:1]) if person.prefixes else len(ranks)
            return rank, person.nick.casefold()

        people = (
            Person(strip_formatting(one.prefixes), strip_formatting(one.nick), one.away)
            for one in room.members.values()
        )
        return sorted(people, key=place)

    @property
    def nick(self) -> str:
        """Our nickname, safe to print."""
        return strip_formatting(self.view.nick)

    def security(self, now: datetime) -> Iterator[tuple[str, bool]]:
        """Yield what protects the connection, each with whether it needs attention."""
        if self._secured is not None:
            yield f"{self._secured.version} {self._secured.cipher}", False
        if self._expires is not None:
            days = max(0, (self._expires - now).days)
            yield f"certificate {days} days", days < SOON

    def names_us(self, text: str) -> bool:
        """Return whether a text speaks to us."""
        return mentions(text, self.view.nick, self.highlight)

    # Its parts.

    def _room(self, buffer: Buffer) -> Room | None:
        return self.view.rooms.get(buffer.name) if buffer.name is not None else None

    def _fold(self, name: str) -> str:
        fold = self.view.rooms.isupport.fold
        if fold is not self._folded_by:  # the server has told how it compares names
            self._folded_by = fold
            buffers = list(self._buffers.values())
            self._buffers.clear()
            self._buffers.update((fold(one.name or ""), one) for one in buffers)
        return fold(name)

    def _note(self, event: ev.ClientEvent) -> None:
        match event:
            case ev.Secured(own_expires=expires):
                self._secured, self._expires = event, expires
            case ev.CertificateRenewed(expires):
                self._expires = expires
            case ev.Registered():
                self.connection, self.is_online, self._is_greeting = "online", True, True
                self.is_away = False
                self._is_back, self._was_lost = self._was_lost, False
            case ev.AwayChanged(away=away, own=True):
                self.is_away = away
            case ev.Refused(code=code, context=context) if code in NOT_JOINED and context:
                room = self.get(context[-1])
                if room is not None and self._room(room) is None and not room.removed:
                    self.drop(context[-1])
            case ev.Disconnected():
                self._was_online = self.is_online
                self._was_lost = self._was_lost or self.is_online
                self.connection, self.is_online, self._secured = "offline", False, None
                for buffer in self._buffers.values():
                    buffer.is_loading = False
                    buffer.typing.clear()
            case ev.Retrying(seconds):
                self.connection = f"offline, trying again in {seconds:.0f} s"
            case ev.Rejected():
                self.connection, self.is_online = "offline: /connect tries again", False

    def _happened(self, event: ev.ClientEvent, now: datetime, seen: Buffer | None) -> bool:
        """Do to rooms and messages what an event does; return whether that tells it all."""
        match event:
            case ev.Said():
                self._say(event, now, seen)
            case ev.Waiting(room=room):
                self.open(room).send(event, self.view.nick, now)
            case ev.NotSent(name=name, room=room, reason=reason):
                buffer = self.get(room)
                has_failed = buffer is not None and buffer.fail(name, reason)
                return has_failed and buffer is self.here()
            case ev.MayBeLost(lines=lost, names=names):
                reason = "the connection broke, it may not have arrived"
                failed = [
                    name
                    for name in names
                    if any(buffer.fail(name, reason) for buffer in self._buffers.values())
                ]
                return len(failed) == lost
            case ev.Reacted(room=room):
                buffer = self.get(room)
                return buffer is not None and buffer.react(event)
            case ev.Redacted(room=room):
                buffer = self.get(room)
                return buffer is not None and buffer.redact(event)
            case Unsealed(ev.Reacted() as reacted):
                buffer = self.get(reacted.room)
                return buffer is not None and buffer.react(reacted)
            case Unsealed(ev.Said() as said):
                buffer = self.get(said.room)
                if buffer is not None:
                    buffer.replace(said)
            case ev.Typing(room=room, nick=nick, seconds=seconds):
                self._types(room, nick, now + timedelta(seconds=seconds) if seconds else None)
            case ev.ReadUpTo(room=room, read=read):
                buffer = self.get(room)
                if buffer is not None:
                    buffer.read_up_to(read)
            case ev.Gap(room=room):
                # What is older is fetched again when somebody looks for it.
                buffer = self.get(room)
                if buffer is not None:
                    buffer.clear()
            case _:
                return False
        return True

    def _say(self, said: ev.Said, now: datetime, seen: Buffer | None) -> None:
        buffer = self.open(said.room)
        time = said.time.astimezone(now.tzinfo) if said.time is not None else now
        is_direct = not self.is_channel(said.room)
        is_for_us = not said.own and self.names_us(said.text)
        buffer.is_encrypted = self.view.protection(said.room).is_encrypted
        buffer.say(said, time, is_for_us=is_for_us)
        is_read = buffer.read is not None and said.time is not None and said.time <= buffer.read
        if buffer is not seen and not said.own and not is_read:
            buffer.count(is_mention=is_direct or is_for_us)

    def _types(self, room: str, nick: str, until: datetime | None) -> None:
        buffer = self.get(room)
        if buffer is not None:
            buffer.typing.pop(nick, None)
            if until is not None:
                buffer.typing[nick] = until

    def _places(self, event: ev.ClientEvent, now: datetime) -> Iterator[Buffer]:
        """Yield where an event is told."""
        match event:
            case ev.JoinedRoom(room=room, own=True):
                buffer = self.open(room)
                buffer.entered, buffer.removed = True, ""
                if not len(buffer.scrollback):
                    yield buffer
            case ev.LeftRoom(room=room, own=True, kicked_by=None):
                self.drop(room)
                yield self.here()
            case ev.LeftRoom(room=room, own=True, reason=reason, kicked_by=by):
                buffer = self.open(room)
                why = f" ({reason})" if reason else ""
                buffer.removed = strip_formatting(f"you were removed by {by}{why}: /join {room}")
                yield from dict.fromkeys((buffer, self.here()))
            case ev.Names(room=room):
                buffer = self.get(room) or self.here()
                if not buffer.entered:
                    yield buffer
                buffer.entered = False
            case ev.TopicIs(room=room, by=None) if self._has_entered(room):
                pass  # it stands above
            case (
                ev.JoinedRoom(room=room, nick=nick)
                | ev.LeftRoom(room=room, nick=nick, kicked_by=None)
            ):
                yield from self._where_known(nick, [self.get(room) or self.here()], now)
            case ev.LeftNetwork(nick=nick, rooms=rooms):
                places = filter(None, map(self.get, (*rooms, nick)))
                yield from self._where_known(nick, places, now)
            case ev.RealnameChanged(nick=nick) | ev.AccountChanged(nick=nick):
                yield from self._where_known(nick, self._with(nick), now)
            case ev.Renamed(old=old, new=new):
                yield from self._renamed(old, new)
            case (
                ev.LeftRoom(room=room)
                | ev.TopicIs(room=room)
                | ev.ModesChanged(target=room)
                | ev.Reacted(room=room)
                | ev.Redacted(room=room)
            ):
                yield self.get(room) or self.here()
            case SecurityNotice(ModeDropped(room=room)):
                yield self.open(room)
            case ev.Registered() if self._is_back:
                yield from dict.fromkeys((self.server, self.here()))
            case ev.Secured() | ev.Registered() | ev.Retrying() | ev.CertificateRenewed():
                yield self.server
            case ev.ServerNotice() if self._is_greeting:
                yield self.server
            case ev.Disconnected() if not self._was_online:
                yield self.server
            case _:
                yield self.here()

    def _has_entered(self, room: str) -> bool:
        buffer = self.get(room)
        return buffer is not None and buffer.entered

    def _where_known(self, nick: str, buffers: Iterable[Buffer], now: datetime) -> Iterator[Buffer]:
        """Yield the rooms in which it is of interest that somebody comes or goes."""
        for buffer in buffers:
            spoke = buffer.spoke.get(nick)
            is_active = spoke is not None and now - spoke < _LATELY
            is_talk = buffer.name is not None and not self.is_channel(buffer.name)
            if is_talk or self.joins == "all" or (self.joins == "active" and is_active):
                yield buffer

    def _renamed(self, old: str, new: str) -> Iterator[Buffer]:
        """Yield where somebody is seen who has another name by now."""
        talk = self.drop(old)
        if talk is not None:
            talk.name = new
            yield self._buffers.setdefault(self._fold(new), talk)
        for buffer in self._buffers.values():
            if old in buffer.spoke:
                buffer.spoke[new] = buffer.spoke.pop(old)
            buffer.typing.pop(old, None)
        yield from self._with(new)

    def _with(self, nick: str) -> Iterator[Buffer]:
        """Yield the rooms in which somebody is."""
        for room in self.view.rooms:
            here = self.get(room.name)
            if here is not None and self._fold(nick) in room.members:
                yield here

    def _within(self, buffer: Buffer, event: ev.ClientEvent, line: Line) -> Line:
        """Return a line as it reads in a room: of another one, it says which."""
        rooms = [piece for piece in line.pieces if piece.look is Look.ROOM]
        others = [piece for piece in line.pieces if piece.look is not Look.ROOM]
        about = event.target if isinstance(event, ev.ModesChanged) else getattr(event, "room", None)
        if about is not None and (
            buffer.name is None or self._fold(about) != self._fold(buffer.name)
        ):
            text = next(at for at, piece in enumerate(others) if not piece.mark)
            others[text:text] = [evolve(room, text=f"{room.text.strip()}: ") for room in rooms]
        return Line(line.time, tuple(others))
