"""Somebody who talks as fast as the server answers, and remembers what came back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count

from attrs import define, field

from chat.irc.message import NAME_TAG, Message, parse
from tests.live.irc import IRC, ConnectionEndedError
from tests.support.servers import Device

#: Messages on their way at a time.
_WINDOW = 60
#: With history by request: nothing is played back that nobody asked for.
_CAPABILITIES = (
    "sasl echo-message labeled-response batch message-tags server-time draft/chathistory"
    " securechat/id"
)
_LABEL = re.compile(r"@(?:\S+;)?label=([^; ]+)\S* \S+ PRIVMSG ")


def enter(port: int, device: Device, room: str) -> IRC:
    """Return a connection that is logged in by its certificate, and in a room (with its key)."""
    client = IRC(port, device)
    client.send(
        f"CAP REQ :{_CAPABILITIES}", "AUTHENTICATE EXTERNAL", "AUTHENTICATE +",
        f"NICK {device.account}", f"USER {device.account} 0 * :{device.account}",
        "CAP END", f"JOIN {room}",
    )  # fmt: skip
    client.expect(rf"\S+ 366 \S+ {room.split()[0]} ")
    return client


@define
class Talker:
    """One device of one account; it lasts longer than its connections."""

    name: str
    account: str
    #: Where it sends to, in turns; nowhere, for who only listens.
    targets: tuple[str, ...]
    #: How each message was sent that is not acknowledged, by its label, in order.
    unanswered: dict[str, str] = field(factory=dict)
    #: The labels of all that was ever sent.
    sent: set[str] = field(factory=set)
    #: What came with a label of one's own, and what came without.
    echoes: list[Message] = field(factory=list)
    received: list[Message] = field(factory=list)
    _numbers: count[int] = field(factory=count)

    def talk(self, client: IRC) -> None:
        """Send until the server is gone; first again what it did not acknowledge."""
        try:
            client.send(*self.unanswered.values())
            while True:
                if self.targets and len(self.unanswered) <= _WINDOW // 2:
                    self._send(client, [self._next() for _ in range(_WINDOW // 2)])
                self._wait(client)
        except ConnectionEndedError:
            client.read_to_end()
        self._remember(client)

    def finish(self, client: IRC) -> None:
        """See to it that all is acknowledged."""
        client.send(*self.unanswered.values())
        while self.unanswered:
            self._wait(client)
        client.exchange()
        self._remember(client)

    def _next(self) -> str:
        number = next(self._numbers)
        return f"{self.name}-{number} {self.targets[number % len(self.targets)]}"

    def _send(self, client: IRC, messages: Iterable[str]) -> None:
        lines = {}
        for message in messages:
            label, _, target = message.partition(" ")
            lines[label] = f"@label={label};{NAME_TAG}={label} PRIVMSG {target} :{label}"
        self.unanswered |= lines
        self.sent |= lines.keys()
        client.send(*lines.values())

    def _wait(self, client: IRC) -> None:
        """Wait for one more echo."""
        self.unanswered.pop(client.find(_LABEL.match, "echo")[1], None)

    def _remember(self, client: IRC) -> None:
        for line in client.seen:
            if " PRIVMSG " not in line:
                continue
            message = parse(line.encode())
            if "label" in message.tags:
                self.echoes.append(message)
                self.unanswered.pop(message.tags["label"], None)
            else:
                self.received.append(message)


def history(client: IRC, target: str, limit: int = 100) -> list[Message]:
    """Return all that was said in a place, read page by page as a person scrolls."""
    messages: list[Message] = []
    reference = "timestamp=1970-01-01T00:00:00.000Z"
    while True:
        lines = client.exchange(f"CHATHISTORY AFTER {target} {reference} {limit}")
        page = [parse(line.encode()) for line in lines if " PRIVMSG " in line]
        if not page:
            return messages
        messages += page
        reference = f"msgid={page[-1].tags['msgid']}"
