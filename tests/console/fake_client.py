"""A client without a connection: a test tells what the server would."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from twisted.internet.defer import Deferred

from chat.client.events import ClientEvent, Said
from chat.client.history import Memory
from chat.client.outgoing import Outgoing
from chat.client.protocol import Listener
from chat.client.registration import Identity
from chat.client.sealing import Sealing
from chat.client.state import ClientState
from chat.irc.message import Message, serialize


class FakeClient:
    def __init__(self) -> None:
        self.sealing = Sealing()
        self.state = ClientState(Identity("alice", "alice", "Alice"), sealing=self.sealing)
        self.account = "alice"
        self.sent: list[str] = []
        self.started: list[str | None] = []
        self.stopped: list[str | None] = []
        self.closing: Deferred[None] = Deferred()
        self.outgoing = Outgoing(map(str, count(1)).__next__)

    def listen(self, listener: Listener) -> FakeClient:
        self.listener = listener
        return self

    def tell(self, event: ClientEvent) -> None:
        heard = list(self.outgoing.heard(event))
        self.pump()
        for told in heard:
            self.listener(told)

    def pump(self) -> None:
        for item in self.outgoing.due(self.state.answers):
            self.sent.append(serialize(item.message).decode())

    @property
    def waiting(self) -> int:
        return self.outgoing.waiting

    @property
    def is_idle(self) -> bool:
        return self.outgoing.is_idle

    def start(self, password: str | None = None) -> None:
        self.started.append(password)

    def send(self, message: Message) -> bool:
        self.sent.append(serialize(message).decode())
        return True

    def deliver(self, message: Message) -> str:
        name = self.outgoing.add(message)
        for event in self.outgoing.told_of(message, name):
            self.listener(event)
        self.pump()
        return name

    def earlier(self, room: str, before: Said | None) -> bool:
        self.sent.append(f"earlier {room} {before.msgid if before is not None else '*'}")
        return True

    def read(self, room: str, time: datetime) -> None:
        self.sent.append(f"read {room} {time:%H:%M}")

    def typing(self, room: str, active: bool) -> None:
        self.sent.append(f"typing {room} {active}")

    @property
    def memory(self) -> Memory:
        return Memory()

    def flush(self) -> None:
        self.outgoing.flush()
        self.pump()

    def stop(self, farewell: str | None = None) -> Deferred[None]:
        self.stopped.append(farewell)
        return self.closing
