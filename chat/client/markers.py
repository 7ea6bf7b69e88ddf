"""Up to where we have read, on whatever device.

Of rooms the server tells it by itself; of conversations it is asked, one after the
other.  No input, no output, no clock.  Source: IRCv3 draft/read-marker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from chat.client.isupport import Isupport
from chat.client.requests import iso8601
from chat.client.rooms import Rooms
from chat.irc.message import Message

CAPABILITY = "draft/read-marker"
#: Conversations that are asked about over one connection.
MOST_ASKED = 200


class Markers:
    """The read markers of one connection."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        #: By folded name, what the server has or was told.
        self._read: dict[str, datetime] = {}
        self._asked: set[str] = set()
        #: Those still to be asked about; the first is under way.
        self._queue: deque[str] = deque()

    def read(self, place: str, time: datetime) -> Iterator[Message]:
        """Yield what tells the server that we have read up to a message of this time.

        It is nothing where that is known, and never a way back.
        """
        key = self._isupport.fold(place)
        # "The timestamp MUST correspond to a previous message": to the millisecond.
        moment = time.astimezone(UTC)
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        before = self._read.get(key)
        if before is None or moment > before:
            self._read[key] = moment
            yield Message("MARKREAD", (place, f"timestamp={iso8601(moment)}"))

    def ask(self, places: Iterable[str]) -> Iterator[Message]:
        """Yield what asks for the markers of conversations; each is asked about once."""
        was_idle = not self._queue
        for place in places:
            key = self._isupport.fold(place)
            is_new = key not in self._asked and len(self._asked) < MOST_ASKED
            if is_new and not self._isupport.is_channel(place):
                self._asked.add(key)
                self._queue.append(place)
        if was_idle:
            yield from self._next()

    def told(self, place: str, time: datetime | None) -> Iterator[Message]:
        """Note what the server says, and yield what asks for the next."""
        key = self._isupport.fold(place)
        if time is not None:
            self._read[key] = max(time, self._read.get(key, time))
        yield from self._answered(key)

    def refused(self, context: Iterable[str]) -> Iterator[Message]:
        """Do without what the server does not tell."""
        for word in context:
            yield from self._answered(self._isupport.fold(word))

    def _answered(self, key: str) -> Iterator[Message]:
        if self._queue and self._isupport.fold(self._queue[0]) == key:
            self._queue.popleft()
            yield from self._next()

    def _next(self) -> Iterator[Message]:
        if self._queue:
            yield Message("MARKREAD", (self._queue[0],))

    @property
    def _isupport(self) -> Isupport:
        return self._rooms.isupport
