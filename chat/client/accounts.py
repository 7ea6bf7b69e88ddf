"""Whose each nickname is, as far as the server has told: people in no room of ours too."""

from __future__ import annotations

from chat.client.rooms import Rooms

#: Nicknames that are remembered.
MOST = 10_000


class Accounts:
    """The accounts behind nicknames, over all connections of a client."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def note(self, rooms: Rooms, nick: str, account: str) -> None:
        """Remember whose a nickname is."""
        self._known[rooms.isupport.fold(nick)] = account
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def of(self, rooms: Rooms, nick: str) -> str:
        """Return the account behind a nickname; one that is not known has the same name."""
        here = next((each.account for each in rooms.members(nick) if each.account), None)
        return here or self._known.get(rooms.isupport.fold(nick), nick)
