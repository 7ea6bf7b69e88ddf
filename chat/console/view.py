"""What the console knows of the conversation: where we are, and who is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chat.client.events import ClientEvent, JoinedRoom, LeftRoom, Refused, Renamed, Said
from chat.client.isupport import Isupport
from chat.client.rooms import Rooms
from chat.client.seals import Protection
from chat.client.state import ClientState
from chat.console.commands import Here
from chat.console.completion import Completion, complete
from chat.console.settings.settings import SETTINGS

#: Speakers that are remembered for completion.
_SPEAKERS = 200


class View:
    """The current room, and what completion may offer.

    ``state`` returns the connection's state, or ``None`` before the first one; until then
    ``account`` is our name.
    """

    def __init__(self, state: Callable[[], ClientState | None], account: str = "") -> None:
        self._state = state
        self._account = account
        self.room: str | None = None
        #: The rooms that we were removed from, and have not left by ourselves.
        self._removed: list[str] = []
        self._speakers: list[str] = []
        #: The accounts of those who spoke last with one, by nickname.
        self._accounts: dict[str, str] = {}

    @property
    def nick(self) -> str:
        """Our nickname, or our account before there is a connection."""
        state = self._state()
        return state.nick if state is not None else self._account

    def here(self) -> Here:
        """Return where a line is typed now."""
        state = self._state()
        if state is None:
            return Here(self.room, Isupport(), 0)
        return Here(
            self.room,
            state.rooms.isupport,
            state.source_length(),
            state.several,
            account_of=self.account_of,
            was_removed=self.was_removed,
        )

    def protection(self, room: str) -> Protection:
        """Return how what is said to a room or person would go out."""
        state = self._state()
        return state.sealing.protection(room) if state is not None else Protection()

    @property
    def rooms(self) -> Rooms:
        """The rooms that we are in, with their members."""
        state = self._state()
        return state.rooms if state is not None else Rooms()

    def go(self, room: str | None) -> None:
        """Make a room or a nickname the current one, or none."""
        self.room = room

    def was_removed(self, room: str) -> bool:
        """Return whether somebody has removed us from a room, which we are not in again."""
        return any(self._same(room, other) for other in self._removed)

    def forget(self, room: str) -> None:
        """Go to another room, if it is the current one."""
        self._return(room)
        if self.room is not None and self._same(room, self.room):
            state = self._state()
            others = [other.name for other in state.rooms] if state is not None else []
            self.room = others[-1] if others else None

    def hear(self, event: ClientEvent) -> None:
        """Take note of an event."""
        match event:
            case Said(sender=sender, own=False, account=account):
                self._accounts.pop(sender, None)
                if account is not None:
                    self._accounts[sender] = account
                if len(self._accounts) > _SPEAKERS:
                    del self._accounts[next(iter(self._accounts))]
                self._speakers = [sender, *(nick for nick in self._speakers if nick != sender)]
                del self._speakers[_SPEAKERS:]
            case JoinedRoom(room=room, own=True):
                self._return(room)
                if self.room is None or self._same(room, self.room):
                    self.room = room
            case LeftRoom(room=room, own=True, kicked_by=None):
                self.forget(room)
            case LeftRoom(room=room, own=True):
                self._removed.append(room)
            case Refused(context=context, code=code) if code in NOT_JOINED and context:
                if not self.was_removed(context[-1]):
                    self.forget(context[-1])
            case Renamed(old=old, new=new) if self.room is not None and self._same(old, self.room):
                self.room = new

    def completions(self, before: str) -> Iterator[Completion]:
        """Yield what the text up to the cursor may become; who spoke last comes first."""
        members = {
            member.nick: None
            for room in self.rooms
            if self.room is None or self._same(room.name, self.room)
            for member in sorted(room.members.values(), key=lambda member: member.nick.casefold())
            if not self._same(member.nick, self.nick)
        }
        nicks = dict.fromkeys(self._speakers) | members
        rooms = [room.name for room in self.rooms]
        helps = {name: setting.help for name, setting in SETTINGS.items()}
        values = {name: setting.words for name, setting in SETTINGS.items()}
        yield from complete(before, rooms, nicks, helps, values)

    def _return(self, room: str) -> None:
        self._removed = [other for other in self._removed if not self._same(room, other)]

    def account_of(self, nick: str) -> str | None:
        """Return somebody's account, where it is known."""
        known = (one.account for one in self.rooms.members(nick) if one.account)
        spoke = (account for one, account in self._accounts.items() if self._same(one, nick))
        return next(known, None) or next(spoke, None)

    def _same(self, one: str, other: str) -> bool:
        fold = self.rooms.isupport.fold
        return fold(one) == fold(other)


#: Numerics that refuse a JOIN; their last context is the channel.
NOT_JOINED = frozenset({"403", "405", "437", "471", "473", "474", "475", "476", "477", "479"})
