"""What is known of one connection: who is on the other side, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from chat.network.certificate import Certificate
from chat.network.directory import Inbox
from chat.network.events import TextLine
from chat.network.history import Span
from chat.network.ids import ClientId, SessionId, Timestamp


class Phase(Enum):
    """The life of a session (Modern IRC, "Connection Registration")."""

    #: It says who it is.
    REGISTERING = "registering"
    #: It said all, and its claim of the nickname is on the way through the log.
    CLAIMING = "claiming"
    REGISTERED = "registered"
    CLOSED = "closed"


#: Which phase may follow which.
TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.REGISTERING: frozenset({Phase.CLAIMING, Phase.CLOSED}),
    Phase.CLAIMING: frozenset({Phase.REGISTERED, Phase.REGISTERING, Phase.CLOSED}),
    Phase.REGISTERED: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}


@frozen
class Peer:
    """The other end, as the TLS handshake showed it.

    ``account`` and ``device`` are from the certificate, and so is when it
    ``expires``; ``fingerprint`` is its SHA-256 in hexadecimal, ``sha512`` its SHA-512.
    `Certificate` says what ``issuer`` and ``serial`` are.
    """

    host: str
    account: str | None = None
    device: str | None = None
    fingerprint: str = ""
    security: str = ""
    sha512: str = ""
    expires: Timestamp = field(default=Timestamp(0))
    #: When the certificate's time began.
    begins: Timestamp = field(default=Timestamp(0))
    issuer: str = ""
    serial: str = ""

    @property
    def certificate(self) -> Certificate:
        """The certificate, as the network remembers it."""
        return Certificate(
            self.fingerprint,
            self.sha512,
            self.expires,
            self.account,
            self.device,
            self.issuer,
            self.serial,
        )


@frozen
class OpenBatch:
    """A multiline message of which the end has not come."""

    reference: str
    target: str
    tags: Mapping[str, str] = field(hash=False)
    label: str | None = None
    #: PRIVMSG or NOTICE, once the first line has come.
    command: str | None = None
    lines: tuple[TextLine, ...] = ()
    #: What is wrong with it was said; the rest of it is passed over.
    is_refused: bool = False


@frozen
class OpenPayload:
    """A payload of end-to-end encryption of which only the first parts have come."""

    parts: int
    received: int
    data: bytes = field(repr=False)


@frozen
class Session:
    """The facts of one session; a handler that changes them yields an `Update`."""

    id: SessionId
    peer: Peer
    phase: Phase = Phase.REGISTERING
    #: While the client negotiates capabilities, registration waits for CAP END.
    negotiating: bool = False
    cap_version: int = 0
    capabilities: frozenset[str] = frozenset()
    nick: str | None = None
    username: str | None = None
    realname: str = ""
    account: str | None = None
    role: str = "user"
    sasl_mechanism: str | None = None
    sasl_response: str = field(default="", repr=False)
    #: What the mechanism keeps between two responses.
    sasl_exchange: object = field(default=None, repr=False)
    client: ClientId | None = None
    batch: OpenBatch | None = None
    #: The away message that it comes with.
    away: str | None = None
    #: The part of every place's history that its device has not been sent.
    missed: Span | None = None
    #: By subcommand and receiver.
    payloads: Mapping[tuple[str, ...], OpenPayload] = field(factory=dict, hash=False)
    inbox: Inbox = field(factory=Inbox)
