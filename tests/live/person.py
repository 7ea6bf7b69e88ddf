"""Our client with somebody who remembers all that it tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed

from chat.client.client import Client
from chat.client.events import ClientEvent, JoinedRoom, Registered
from chat.client.profile import Choice, choose
from chat.irc.message import Message
from tests.client.fake import until
from tests.support.servers import Device

reactor: Any = installed


class Person:
    """A client, and all that it was told."""

    def __init__(self, device: Device, port: int, **more: Any) -> None:
        choice = Choice(host=f"localhost:{port}", certificate=device.pem, authority=device.ca)
        self.events: list[ClientEvent] = []
        profile = choose(choice, Path("nowhere"))
        self.client = Client(profile, self.events.append, reactor, **more)
        self.client.start()

    async def wait_for(self, kind: type[ClientEvent], **fields: object) -> Any:
        """Wait for an event with these fields, and return the last of them."""

        def found() -> list[ClientEvent]:
            return [
                event
                for event in self.events
                if isinstance(event, kind)
                and all(getattr(event, name) == value for name, value in fields.items())
            ]

        await until(reactor, found)
        return found()[-1]

    async def join(self) -> None:
        await self.wait_for(Registered)
        self.client.deliver(Message("JOIN", ("#room",)))
        await self.wait_for(JoinedRoom, room="#room", own=True)

    def say(self, text: str, target: str = "#room") -> str:
        return self.client.deliver(Message("PRIVMSG", (target, text)))
