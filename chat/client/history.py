"""What was said while a client was away, and where it belongs.

With each connection but the first the client asks for what it missed, one place after
the other.  What is said there meanwhile is held, so that everything is told once and in
order.  To the first connection the server itself sends what the device missed.
No clock, no input, no output.  Source: IRCv3 draft/chathistory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import define, evolve, field, frozen

from chat.client.batches import Page
from chat.client.events import ClientEvent, Gap, Reacted, Redacted, Said
from chat.client.requests import NEEDED as NEEDED_FOR_PAGES
from chat.client.requests import Request, Requests, iso8601, reference
from chat.client.rooms import Rooms
from chat.irc.message import Message

#: Without one of these nothing that was missed is asked for.
NEEDED = NEEDED_FOR_PAGES | {"echo-message"}

#: Messages, and pages of whatever, of one place; then its latest page, behind a `Gap`.
MOST_MESSAGES = 500
MOST_PAGES = 20
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
    messages: int = 0
    pages: int = 0
    #: Whether the latest page comes next: there were enough.
    is_latest: bool = False
    held: list[Spoken] = field(factory=list)


class History:
    """The history of one connection; `begin` comes with its welcome."""

    def __init__(self, rooms: Rooms, memory: Memory, requests: Requests) -> None:
        self.memory = memory
        self._requests = requests
        self._rooms = rooms
        self._since = memory.heard
        self._latest = memory.heard
        self._has_begun = self._is_on = False
        #: Whether the list of conversations is still to come.
        self._is_listing = False
        #: By folded name; the first is asked for first.
        self._places: dict[str, _Place] = {}
        #: What is under way, and for which place, if for one.
        self._request: Request | None = None
        self._asked_for: _Place | None = None

    def begin(self, capabilities: frozenset[str]) -> Effects:
        """Ask where something was missed, if anything was told before."""
        self._has_begun = True
        if self._since is not None and capabilities >= NEEDED:
            self._is_on = self._is_listing = True
            since = f"timestamp={iso8601(self._since - FUZZ)}"
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

    def list_of(self, request: Request | None, page: Page) -> Effects:
        """Take the list of conversations."""
        if not self._is_listing or not self._ends(request):
            return
        for line in page.lines:
            if len(line.params) > 1 and not self._is_channel(line.params[1]):
                self._add(line.params[1])
        self._is_listing = False
        yield from self._next()

    def page(self, request: Request | None, page: Page, events: Sequence[Spoken]) -> Effects:
        """Take a page of history, which tells ``events``, and may answer a request."""
        is_ours = self._ends(request)
        place = self._places.get(self._fold(page.about))
        if not is_ours or place is not self._asked_for:
            place = None
        is_latest = place is not None and place.is_latest
        if place is not None and is_latest and not page.is_end:
            yield Gap(place.name)
        for event in events:
            if isinstance(event, Spoken):
                yield from self._tell(self._replayed(event, page.about, place))
        last = reference(page.lines[-1]) if page.lines else None
        if place is None:
            if is_ours:
                yield from self._next()
        elif page.is_end or is_latest or last is None:
            yield from self._finish(place)
        else:
            place.messages += len(events)
            place.pages += 1
            place.is_latest = place.messages >= MOST_MESSAGES or place.pages >= MOST_PAGES
            place.references = [last]
            yield from self._next()

    def refused(self, request: Request) -> Effects:
        """Do without what the server did not answer with a page."""
        if not self._ends(request):
            return
        self._is_listing = False
        place = self._asked_for
        if place is not None and place is self._first():
            del place.references[0]
            if not place.references:
                yield from self._finish(place)
                return
        yield from self._next()

    def _ends(self, request: Request | None) -> bool:
        """Return whether this was what is under way, and nothing is any more."""
        if request is None or request is not self._request:
            return False
        self._request = None
        return True

    def _add(self, name: str) -> _Place | None:
        key = self._fold(name)
        if key not in self._places and len(self._places) < MOST_PLACES:
            mark = self.memory.marks.get(key)
            references = [f"msgid={mark.msgid}"] if mark is not None and mark.msgid else []
            time = mark.time if mark is not None and mark.time is not None else self._since
            if time is not None:
                references.append(f"timestamp={iso8601(time - FUZZ)}")
            self._places[key] = _Place(name, references)
        return self._places.get(key)

    def _next(self) -> Effects:
        """Ask for the next page of the first place, when nothing is under way."""
        place = self._first()
        if self._request is not None or self._is_listing:
            return
        if place is None:
            self._settle()
            return
        self._asked_for = place
        subcommand = "LATEST" if place.is_latest else "AFTER"
        yield from self._ask(subcommand, place.name, place.references[0])

    def _ask(self, subcommand: str, *params: str) -> Effects:
        self._request, lines = self._requests.ask(subcommand, *params)
        yield from lines

    def replace(self, said: Spoken) -> None:
        """Tell a message, if it is still to be told, as it reads now."""
        for place in self._places.values():
            place.held = [said if _is_one(each, said) else each for each in place.held]
        key = (self._fold(said.room), said.msgid)
        if isinstance(said, Said) and key in self.memory.told:
            self.memory.told[key] = said

    def _finish(self, place: _Place) -> Effects:
        """Tell what was held, and go on to the next place."""
        del self._places[self._fold(place.name)]
        for event in place.held:
            yield from self._tell(event)
        yield from self._next()

    def _replayed(self, event: Spoken, about: str, place: _Place | None) -> Spoken:
        """Return what a page tells: the one that came by itself, if it did."""
        # Nicknames may have changed since: a conversation is with whom we asked about.
        room = event.room if self._is_channel(about) else about
        if not isinstance(event, Said):
            event = evolve(event, room=room)
            if place is not None and event in place.held:
                place.held.remove(event)
            return event
        if place is not None and event.msgid:
            for held in place.held:
                if isinstance(held, Said) and held.msgid == event.msgid:
                    place.held.remove(held)
                    return held
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


def _is_one(one: Spoken, other: Spoken) -> bool:
    """Return whether two are the same message."""
    return isinstance(one, Said) and isinstance(other, Said) and one.msgid == other.msgid != ""


def _shorten(memory: dict[Any, Any], most: int) -> None:
    """Forget what is beyond the limit, the oldest first."""
    while len(memory) > most:
        del memory[next(iter(memory))]
