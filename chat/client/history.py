"""What was said while a client was away, and where it belongs.

With each connection but the first the client asks for what it missed, one place after
the other.  What is said there meanwhile is held, so that everything is told once and in
order.  To the first connection the server itself sends what the device missed.
No clock, no input, no output.  Source: IRCv3 draft/chathistory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve, field, frozen

from chat.client.batches import Page
from chat.client.events import Answered, ClientEvent, Gap, Reacted, Redacted, Said
from chat.client.rooms import Rooms
from chat.irc.message import Message

CAPABILITY = "draft/chathistory"
#: Without one of these nothing is asked for.
NEEDED = frozenset({"batch", CAPABILITY, "echo-message", "message-tags", "server-time"})

#: Messages in one page, where the server allows so many.
PAGE = 100
#: Pages of one place; then its latest one, behind a `Gap`.
MOST_PAGES = 5
#: Messages that are held for one place.
MOST_HELD = 1_000
#: Rooms and people of whom something may be missing, or the last message is remembered.
MOST_PLACES = 1_000
#: Messages that are remembered as told.
MOST_TOLD = 10_000
#: By how much a server's times may be out of order.
FUZZ = timedelta(seconds=1)
#: Later than all: there is no clock here.
_END = "timestamp=9999-12-31T23:59:59.999Z"
#: What our PINGs begin with; others have others.
_PREFIX = "history-"

Effects = Iterator[Message | ClientEvent]
#: What comes in an order that means something.
Spoken = Said | Reacted | Redacted


@frozen
class Mark:
    """The last message that was told of a place."""

    msgid: str
    time: datetime | None


@define
class Memory:
    """What was told, over all connections of a client."""

    #: The server's time up to which nothing is missing.
    heard: datetime | None = None
    #: By folded name of a room or person.
    marks: dict[str, Mark] = field(factory=dict)
    #: By place and id, the latest last.
    told: dict[tuple[str, str], Said] = field(factory=dict)


@define
class _Place:
    """A room or person of whom something may be missing."""

    name: str
    #: From where to ask, the best first: what the server does not know, it refuses.
    references: list[str]
    pages: int = 0
    held: list[Spoken] = field(factory=list)


class History:
    """The history of one connection; `begin` comes with its welcome."""

    def __init__(self, rooms: Rooms, memory: Memory) -> None:
        self.memory = memory
        self._rooms = rooms
        self._since = memory.heard
        self._latest = memory.heard
        self._has_begun = self._is_on = False
        #: Whether the list of conversations is still to come.
        self._is_listing = False
        #: By folded name; the first is asked for first.
        self._places: dict[str, _Place] = {}
        self._asked = 0
        #: Whether a request is under way, and for which place, if for one.
        self.is_asking = False
        self._asked_for: _Place | None = None

    def begin(self, capabilities: frozenset[str]) -> Effects:
        """Ask where something was missed, if anything was told before."""
        self._has_begun = True
        if self._since is not None and capabilities >= NEEDED:
            self._is_on = self._is_listing = True
            since = f"timestamp={_iso8601(self._since - FUZZ)}"
            yield from self._ask("TARGETS", since, _END)

    def hear(self, time: datetime | None) -> None:
        """Note the server's time of anything, once history can be asked for.

        That is behind what the server sends by itself to the first connection.
        """
        if time is not None:
            self._latest = max(time, self._latest or time)
        self._settle()

    def joined(self, room: str) -> Effects:
        """Ask for what was missed of a room that we are in from now on."""
        if self._is_on and (self._is_listing or self._fold(room) in self.memory.marks):
            self._add(room)
            yield from self._next()

    def live(self, event: Spoken) -> Effects:
        """Yield what is told of a message that comes now: it, or nothing yet or any more."""
        place = self._places.get(self._fold(event.room))
        if place is None and self._is_listing and not self._is_channel(event.room):
            place = self._add(event.room)
        if place is None:
            yield from self._tell(event)
            return
        place.held.append(event)
        if len(place.held) >= MOST_HELD:
            yield Gap(place.name)
            yield from self._finish(place)

    def list_of(self, page: Page) -> Effects:
        """Take the list of conversations."""
        if not self._is_listing:
            return
        self.is_asking = False
        for line in page.lines:
            if len(line.params) > 1 and not self._is_channel(line.params[1]):
                self._add(line.params[1])
        self._is_listing = False
        yield from self._next()

    def page(self, page: Page, events: Sequence[ClientEvent]) -> Effects:
        """Take a page of history, which tells ``events``."""
        place = self._places.get(self._fold(page.about))
        if not self.is_asking or place is not self._asked_for:
            place = None
        is_latest = place is not None and place.pages == MOST_PAGES
        if place is not None and is_latest and not page.is_end:
            yield Gap(place.name)
        for event in events:
            if isinstance(event, Said):
                yield from self._tell(self._replayed(event, page.about, place))
            else:
                yield event
        if place is None:
            return
        self.is_asking = False
        last = _reference(page.lines[-1]) if page.lines else None
        if page.is_end or is_latest or last is None:
            yield from self._finish(place)
        else:
            place.pages += 1
            place.references = [last]
            yield from self._next()

    def answered(self, event: Answered) -> Effects:
        """Yield what follows from a PONG: itself, unless it is that to one of our PINGs."""
        if not event.token.startswith(_PREFIX):
            yield event
        elif self.is_asking and event.token == f"{_PREFIX}{self._asked}":
            yield from self._refused()

    def _refused(self) -> Effects:
        """Do without what the server did not answer with a page."""
        self.is_asking = self._is_listing = False
        place = self._asked_for
        if place is not None and place is self._first():
            del place.references[0]
            if not place.references:
                yield from self._finish(place)
                return
        yield from self._next()

    def _add(self, name: str) -> _Place | None:
        key = self._fold(name)
        if key not in self._places and len(self._places) < MOST_PLACES:
            mark = self.memory.marks.get(key)
            references = [f"msgid={mark.msgid}"] if mark is not None and mark.msgid else []
            time = mark.time if mark is not None and mark.time is not None else self._since
            if time is not None:
                references.append(f"timestamp={_iso8601(time - FUZZ)}")
            self._places[key] = _Place(name, references)
        return self._places.get(key)

    def _next(self) -> Effects:
        """Ask for the next page of the first place, when nothing is under way."""
        place = self._first()
        if self.is_asking or self._is_listing:
            return
        if place is None:
            self._settle()
            return
        self._asked_for = place
        subcommand = "LATEST" if place.pages == MOST_PAGES else "AFTER"
        yield from self._ask(subcommand, place.name, place.references[0])

    def _ask(self, subcommand: str, *params: str) -> Effects:
        self.is_asking = True
        self._asked += 1
        yield Message("CHATHISTORY", (subcommand, *params, str(self._limit())))
        # Its answer comes behind that to the request, also where that is an error.
        yield Message("PING", (f"{_PREFIX}{self._asked}",))

    def _finish(self, place: _Place) -> Effects:
        """Tell what was held, and go on to the next place."""
        del self._places[self._fold(place.name)]
        for event in place.held:
            yield from self._tell(event)
        yield from self._next()

    def _replayed(self, event: Said, about: str, place: _Place | None) -> Said:
        """Return a message of a page: the one that came by itself, if it did."""
        if place is not None and event.msgid:
            for held in place.held:
                if isinstance(held, Said) and held.msgid == event.msgid:
                    place.held.remove(held)
                    return held
        # Nicknames may have changed since: a conversation is with whom we asked about.
        room = event.room if self._is_channel(about) else about
        return evolve(event, replayed=True, room=room)

    def _tell(self, event: Spoken) -> Iterator[ClientEvent]:
        key = self._fold(event.room)
        known = self.memory.told.get((key, event.msgid))
        if isinstance(event, Reacted):
            yield evolve(event, text=known.text) if known is not None else event
            return
        if isinstance(event, Redacted):
            yield evolve(event, sender=known.sender) if known is not None else event
            return
        if known is not None:
            return
        if event.msgid:
            self.memory.told[key, event.msgid] = event
            _shorten(self.memory.told, MOST_TOLD)
        mark = self.memory.marks.pop(key, None)
        if mark is None or not mark.time or not event.time or event.time >= mark.time:
            mark = Mark(event.msgid, event.time)
        self.memory.marks[key] = mark
        _shorten(self.memory.marks, MOST_PLACES)
        yield event

    def _settle(self) -> None:
        """Move on up to when nothing is missing, when nothing is."""
        if self._has_begun and not self._places and not self._is_listing:
            self.memory.heard = self._latest

    def _first(self) -> _Place | None:
        return next(iter(self._places.values()), None)

    def _fold(self, name: str) -> str:
        return self._rooms.isupport.fold(name)

    def _is_channel(self, name: str) -> bool:
        return self._rooms.isupport.is_channel(name)

    def _limit(self) -> int:
        most = self._rooms.isupport.tokens.get("CHATHISTORY", "")
        # "a value of 0 may be used to indicate no message limit exists".
        return min(int(most), PAGE) if most.isdecimal() and int(most) else PAGE


def _shorten(memory: dict[Any, Any], most: int) -> None:
    """Forget what is beyond the limit, the oldest first."""
    while len(memory) > most:
        del memory[next(iter(memory))]


def _reference(line: Message) -> str | None:
    if line.tags.get("msgid"):
        return f"msgid={line.tags['msgid']}"
    return f"timestamp={line.tags['time']}" if line.tags.get("time") else None


def _iso8601(time: datetime) -> str:
    moment = time.astimezone(UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}Z"
