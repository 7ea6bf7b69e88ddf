"""Connections of alice's that are fed lines and asked for lines."""

from __future__ import annotations

from chat.client.events import (
    ClientEvent,
    Said,
)
from chat.client.history import NEEDED
from chat.client.registration import Identity
from chat.client.state import ClientState
from chat.irc.message import parse, serialize

CAPABILITIES = " ".join(sorted(NEEDED | {"draft/multiline", "labeled-response"}))
JOIN = ":alice!u@h JOIN #lab"


def stamp(second: int, msgid: str) -> str:
    return f"time=2026-01-01T00:00:{second:02}.000Z;msgid={msgid}"


def line(second: int, msgid: str, room: str = "#lab", sender: str = "bob", tags: str = "") -> str:
    return f"@{stamp(second, msgid)}{tags} :{sender}!u@h PRIVMSG {room} :{msgid}"


class Connection:
    """One connection of alice's, behind what was told before."""

    def __init__(
        self,
        before: Connection | None = None,
        offer: str = CAPABILITIES,
        *,
        welcomed: bool = True,
    ) -> None:
        identity = Identity("alice", "alice", "Alice")
        rejoin, memory = (
            (before.state.rejoin, before.state.history.memory) if before else (None, None)
        )
        self.state = ClientState(identity, rejoin, memory)
        self.state.open()
        self.feed(f":s CAP * LS :{offer}")
        request = self.state.to_send()[-1]
        self.first = request.params[-1]
        self.feed(f":s CAP * ACK :{self.first}")
        if welcomed:
            self.welcome()

    def welcome(self) -> None:
        self.feed(":s 001 alice :Hi")
        self.feed(":s 005 alice CASEMAPPING=ascii CHANTYPES=# CHATHISTORY=50 :are supported")

    def feed(self, *lines: str) -> list[ClientEvent]:
        return [event for line in lines for event in self.state.receive(parse(line.encode()))]

    def sent(self) -> list[str]:
        return [serialize(message).decode() for message in self.state.to_send()]

    def texts(self, *lines: str) -> list[str]:
        """Return what is told: ``old`` of what is replayed."""
        return [
            f"{event.room} {'old ' if event.replayed else ''}{event.text}"
            if isinstance(event, Said)
            else type(event).__name__
            for event in self.feed(*lines)
        ]
