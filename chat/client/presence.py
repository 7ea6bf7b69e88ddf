"""Who is away in a room that we have joined: asked once, then told by the server.

One room after the other.  Servers without WHOX are not asked: we could not tell their
answer from that to somebody's own WHO.  No input, no output, no clock.
Sources: IRCv3 whox, away-notify.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from chat.client.events import AwayChanged
from chat.client.rooms import Rooms
from chat.irc.message import Message

CAPABILITY = "away-notify"
#: Members of a room that is asked about; and where their accounts decide who reads what is said.
MOST_MEMBERS = 200
MOST_READERS = 5_000
#: What our requests are known by: up to three digits (whox).
TOKEN = "733"  # noqa: S105
#: The token, channel, nickname, flags and account; they are answered in this order.
_FIELDS = f"%tcnfa,{TOKEN}"


class Presence:
    """What was asked over one connection."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        #: Members of a room that is asked about.
        self.most_members = MOST_MEMBERS
        self._joined: set[str] = set()
        #: Those still to be asked about; the first is under way.
        self._queue: deque[str] = deque()

    def joined(self, room: str) -> None:
        """Note that the members of a room are to be told now."""
        self._joined.add(self._rooms.isupport.fold(room))

    def listed(self, name: str) -> Iterator[Message]:
        """Yield what asks about a room whose members are known now, if it was joined just now."""
        key = self._rooms.isupport.fold(name)
        room = self._rooms.get(name)
        if key not in self._joined:
            return
        self._joined.remove(key)
        if room is None or "WHOX" not in self._rooms.isupport.tokens:
            return
        if len(room.members) <= self.most_members:
            self._queue.append(room.name)
            if len(self._queue) == 1:
                yield from self._next()

    def told(self, params: tuple[str, ...]) -> Iterator[AwayChanged]:
        """Take one line of an answer: what follows our nickname."""
        if len(params) != 5:
            return
        _, room, nick, flags, account = params
        is_away = flags.startswith("G")
        here = self._rooms.get(room)
        member = here.members.get(self._rooms.isupport.fold(nick)) if here is not None else None
        if member is None:
            return
        is_news = member.away != is_away
        for each in self._rooms.members(nick):
            each.away = is_away
            each.account = None if account == "0" else account
        if is_news:
            yield AwayChanged(nick, is_away, False)

    def ended(self, room: str) -> Iterator[Message]:
        """Yield what asks about the next room, once one is answered."""
        fold = self._rooms.isupport.fold
        if self._queue and fold(self._queue[0]) == fold(room):
            self._queue.popleft()
            yield from self._next()

    def _next(self) -> Iterator[Message]:
        if self._queue:
            yield Message("WHO", (self._queue[0], _FIELDS))
