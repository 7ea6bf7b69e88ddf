"""What was said before, page by page, as somebody scrolls back.

One request for each room or person at a time; the answer is one `Earlier`, also where the
server refuses or the connection breaks.  No clock, no input, no output.
Source: IRCv3 draft/chathistory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from attrs import define, evolve, field, frozen

from chat.client.batches import Page
from chat.client.events import Earlier, Reacted, Redacted, Said
from chat.client.history import Memory, Spoken
from chat.client.registration import Effects
from chat.client.requests import Request, Requests, iso8601, reference
from chat.client.rooms import Rooms

#: The finest that a time of the server is.
_TICK = timedelta(milliseconds=1)


@frozen
class _Way:
    """One way to ask for a page."""

    subcommand: str
    reference: str


@define
class _Wanted:
    """A page that somebody waits for."""

    room: str
    before: Said | None
    request: Request
    #: How it was asked for, and how else it can be.
    ways: list[_Way] = field(factory=list)


class Scrolling:
    """What was asked for over one connection."""

    def __init__(self, requests: Requests, rooms: Rooms, memory: Memory) -> None:
        self._requests = requests
        self._rooms = rooms
        self._memory = memory
        #: By folded name of a room or person.
        self._wanted: dict[str, _Wanted] = {}

    def ask(self, room: str, before: Said | None) -> Effects | None:
        """Return what asks for the page before a message, or for the latest one.

        ``None``: one is under way, or the message has neither msgid nor time.
        """
        ways = self._ways(before)
        if not ways or self._fold(room) in self._wanted:
            return None
        return self._ask(room, before, ways)

    def has(self, request: Request) -> bool:
        """Return whether a request was made here."""
        return any(wanted.request is request for wanted in self._wanted.values())

    def page(self, request: Request, page: Page, events: Sequence[Spoken]) -> Effects:
        """Take the page that answers a request, and which tells ``events``."""
        wanted = self._take(request)
        messages = tuple(self._messages(wanted, events))
        first = reference(page.lines[0]) if page.lines else None
        last_asked = wanted.ways[0].reference
        is_end = page.is_end or first is None or first == last_asked
        if not messages and not is_end and first is not None:
            # A page of what is no message: what somebody waits for is before it.
            yield from self._ask(wanted.room, wanted.before, [_Way("BEFORE", first)])
        else:
            yield Earlier(wanted.room, messages, is_end)

    def refused(self, request: Request) -> Effects:
        """Ask otherwise for what the server did not answer with a page, or do without."""
        wanted = self._take(request)
        if wanted.ways[1:]:
            yield from self._ask(wanted.room, wanted.before, wanted.ways[1:])
        else:
            yield Earlier(wanted.room, (), True)

    def lost(self) -> Iterator[Earlier]:
        """Yield that nothing comes any more: the connection is gone."""
        wanted, self._wanted = self._wanted, {}
        for one in wanted.values():
            yield Earlier(one.room, (), False)

    def _ask(self, room: str, before: Said | None, ways: list[_Way]) -> Effects:
        request, lines = self._requests.ask(ways[0].subcommand, room, ways[0].reference)
        self._wanted[self._fold(room)] = _Wanted(room, before, request, ways)
        yield from lines

    def _take(self, request: Request) -> _Wanted:
        return self._wanted.pop(self._fold(request.place))

    def _ways(self, before: Said | None) -> list[_Way]:
        if before is None:
            return [_Way("LATEST", "*")]
        kinds = self._rooms.isupport.tokens.get("MSGREFTYPES", "msgid,timestamp").split(",")
        ways = []
        if before.msgid and "msgid" in kinds:
            ways.append(_Way("BEFORE", f"msgid={before.msgid}"))
        if before.time is not None:
            # What was said in the same millisecond may be missing.
            ways.append(_Way("BEFORE", f"timestamp={iso8601(before.time + _TICK)}"))
        return ways

    def _messages(self, wanted: _Wanted, events: Sequence[Spoken]) -> Iterator[Spoken]:
        """Yield what a page says, the message which it is before left out."""
        seen: dict[str, Said] = {}
        for event in events:
            match event:
                case Said(msgid=msgid):
                    if not _is_same(event, wanted.before):
                        seen[msgid] = event
                        # Nicknames may have changed: a conversation is with whom we asked about.
                        yield evolve(event, room=wanted.room, replayed=True)
                case Reacted(msgid=msgid):
                    about = self._known(wanted.room, msgid, seen)
                    text = about.text if about is not None else ""
                    yield evolve(event, room=wanted.room, text=text)
                case Redacted(msgid=msgid):
                    about = self._known(wanted.room, msgid, seen)
                    sender = about.sender if about is not None else ""
                    yield evolve(event, room=wanted.room, sender=sender)

    def _known(self, room: str, msgid: str, seen: dict[str, Said]) -> Said | None:
        return seen.get(msgid) or self._memory.told.get((self._fold(room), msgid))

    def _fold(self, name: str) -> str:
        return self._rooms.isupport.fold(name)


def _is_same(event: Said, other: Said | None) -> bool:
    if other is None:
        return False
    if event.msgid or other.msgid:
        return event.msgid == other.msgid
    return (event.time, event.sender, event.text) == (other.time, other.sender, other.text)
