"""A server's connections without TLS, without a database, and with the clock in the test's hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from cryptography import x509
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from chat.features.feature import Query
from chat.network.events import Entry
from chat.network.ids import Timestamp
from chat.network.settings import Limits, Settings
from chat.network.state import Network
from chat.pki.authority import Identity, issue_device, make_issuing, make_root, new_key
from chat.server.factory import ChatFactory
from chat.server.hub import Hub
from chat.server.refusals import PeerRefusedError
from tests.pki.networks import now
from tests.support.world import FEATURES, OPEN

LIMITS = Limits(
    flood=False, half_open_per_address=3, connections_per_address=5, sendq=5000, recvq=5
)


class InstantLog:
    """Applies what is appended at once, or with ``hold`` when `commit` is called."""

    position = 0
    hold = False

    def __init__(self) -> None:
        self.held: list[tuple[Sequence[Entry], Deferred[None]]] = []
        self.apply: Any = None

    def append(self, entries: Sequence[Entry], *, deadline: float | None) -> Deferred[None]:
        if self.hold:
            self.held.append((entries, Deferred()))
            return self.held[-1][1]
        self.apply(entries)
        return succeed(None)

    def commit(self) -> None:
        held, self.held = self.held, []
        for entries, appended in held:
            self.apply(entries)
            appended.callback(None)


class Gate:
    def ask(self, query: Query, host: str) -> Deferred[None]:
        return succeed(None)


class Tls:
    """Lets the holder of a certificate in, unless ``refuses`` says why not."""

    refuses = ""
    #: Nobody is on a list.
    credentials = SimpleNamespace(
        revocations=SimpleNamespace(reason=lambda *_: None, has_issuer=lambda _: True)
    )

    def peer_certificate(self, connection: Any) -> Any:
        return connection.get_peer_certificate().to_cryptography()

    def peer_identity(self, certificate: object, now: object) -> Identity:
        if self.refuses:
            raise PeerRefusedError(self.refuses)
        return Identity("alice", "laptop")


class TLSTransport(StringTransport):
    """What a `TLSTransport` offers, with the writes one by one."""

    is_aborted = False

    def __init__(self, certificate: Any) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.handle = SimpleNamespace(
            get_peer_certificate=lambda: SimpleNamespace(to_cryptography=lambda: certificate),
            get_protocol_version_name=lambda: "TLSv1.3",
            get_cipher_name=lambda: "TLS_AES_256_GCM_SHA384",
        )

    def getHandle(self) -> Any:
        return self.handle

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        super().write(data)

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.has_no_delay = enabled

    def abortConnection(self) -> None:
        self.is_aborted = True


@lru_cache
def certificate() -> x509.Certificate:
    root = make_root("Net", now())
    issuing = make_issuing(root, now())
    key = new_key().public_key()
    return issue_device(issuing, key, Identity("alice", "laptop"), now(), timedelta(days=1))


class ConnectionCase(SynchronousTestCase):
    """``self.factory`` builds what the server builds for a TLS connection."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.log = InstantLog()
        self.tls = Tls()
        settings = Settings("Net", "irc.test", "v", Timestamp(0), accounts=OPEN, limits=LIMITS)
        self.hub = Hub(self.clock, self.log, Network(), settings, FEATURES)
        self.log.apply = self.hub.apply
        self.factory = ChatFactory(self.hub, Gate(), self.tls)

    def lose(self, protocol: Protocol) -> None:
        protocol.connectionLost(Failure(ConnectionDone()))
