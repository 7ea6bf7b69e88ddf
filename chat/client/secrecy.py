"""What a client learns about encryption, besides messages: events, as in `chat.client.events`."""

from __future__ import annotations

from attrs import frozen

from chat.client.events import ClientEvent, Reacted, Said
from chat.e2e.effects import Effect


@frozen
class SecurityNotice(ClientEvent):
    """Something about devices or keys that a person has to know."""

    effect: Effect


@frozen
class Unsealed(ClientEvent):
    """A message can be read now, which could not when it came: this stands in its place."""

    message: Said | Reacted


@frozen
class EncryptionFailed(ClientEvent):
    """Nothing can be encrypted or decrypted any more; ``reason`` has cause and remedy."""

    reason: str


@frozen
class KeysCame(ClientEvent):
    """What waits for devices or keys may be sent now; it concerns the client alone."""
