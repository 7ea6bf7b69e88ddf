"""What other devices sent: taken in order, opened once, acknowledged when it is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from attrs import frozen

from chat.e2e import wire
from chat.e2e.bundle import Bundle
from chat.e2e.canonical import check_version, encode, text_of
from chat.e2e.effects import AttackRefused, Effect, Transmit
from chat.e2e.envelope import identity
from chat.e2e.errors import CipherError, E2eError, MalformedError
from chat.e2e.peers import Peers
from chat.e2e.vault import Vault

#: Deliveries that are known again if an acknowledgement was lost; the server keeps 500.
MOST_REMEMBERED = 512

_KIND = "inbox"

#: What takes the content of a delivery from a device.
Handler = Callable[[Bundle, dict[str, Any]], None]


@frozen
class Delivery:
    """A message that waits to be opened; ``answers`` were there of the directory by then."""

    sender: str
    position: str
    payload: bytes
    answers: int


class Inbox:
    """Deliveries to this device; ``handlers`` by type of content."""

    def __init__(
        self, vault: Vault, peers: Peers, handlers: dict[str, Handler], out: list[Effect]
    ) -> None:
        self._vault = vault
        self._peers = peers
        self._handlers = handlers
        self._out = out
        self._waiting: deque[Delivery] = deque()
        kept = vault.get(_KIND, "") or {"seen": []}
        self._seen: deque[str] = deque(kept["seen"], MOST_REMEMBERED)

    def reset(self) -> None:
        """Forget what waits: the server delivers again what was not acknowledged."""
        self._waiting.clear()

    def deliver(self, sender: str, position: str, payload: bytes) -> None:
        """Take a delivery."""
        answers = self._peers.directory.of(sender.partition("/")[0]).answers
        self._waiting.append(Delivery(sender, position, payload, answers))
        self.proceed()

    def proceed(self) -> None:
        """Open what can be opened, in order, and acknowledge it."""
        done = ""
        while self._waiting and self._open(self._waiting[0]):
            done = self._waiting.popleft().position
        if done:
            self._vault.put(_KIND, "", {"seen": list(self._seen)})
            self._out.append(Transmit(wire.line("ACK", done)))

    def _open(self, delivery: Delivery) -> bool:
        """Return whether a delivery is dealt with, for better or worse."""
        name = f"{delivery.position} {delivery.sender} ".encode() + delivery.payload
        digest = encode(sha256(name).digest()[:9])
        if digest in self._seen:
            return True
        try:
            bundle = self._sender(delivery)
            if bundle is None:
                return False
            self._handle(bundle, self._peers.pairs.decrypt(bundle, delivery.payload))
        except CipherError as error:
            self._refuse(delivery, error)
            listed = self._peers.directory.bundle(identity(delivery.sender))
            if listed is not None:
                self._peers.renew(listed)
        except E2eError as error:
            self._refuse(delivery, error)
        self._seen.append(digest)
        return True

    def _sender(self, delivery: Delivery) -> Bundle | None:
        """Return the sender's bundle, ``None`` while the server is asked for it."""
        device = identity(delivery.sender)
        directory = self._peers.directory
        bundle = directory.bundle(device)
        listed = directory.of(device.account)
        if listed.answered is None or (bundle is None and listed.answers == delivery.answers):
            self._peers.ask([device.account])
            return None
        if bundle is None or bundle not in self._peers.usable([device.account]):
            raise MalformedError("it is of a device that may not take part")
        return bundle

    def _handle(self, bundle: Bundle, content: dict[str, Any]) -> None:
        check_version(content)
        expected = {
            "from": str(bundle.device),
            "to": str(self._peers.device),
            "from_key": bundle.ed25519,
            "to_key": self._peers.own.olm.ed25519,
        }
        if any(content.get(name) != value for name, value in expected.items()):
            raise MalformedError("it was made by, or for, another device")
        handler = self._handlers.get(text_of(content, "type"))
        if handler is not None:
            handler(bundle, content)

    def _refuse(self, delivery: Delivery, error: E2eError) -> None:
        self._out.append(AttackRefused(delivery.sender, f"message refused: {error}"))
