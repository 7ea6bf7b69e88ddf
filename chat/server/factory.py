"""Makes the protocol of each connection, and holds what they share."""

from __future__ import annotations

import secrets

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from chat.network.ids import SessionId
from chat.network.settings import Limits
from chat.server.answers import Answers
from chat.server.certificates import SessionCertificates
from chat.server.connections import PerAddress
from chat.server.enrolment import Enrolments
from chat.server.hub import Hub
from chat.server.outbox import Flusher
from chat.server.protocol import ChatProtocol
from chat.server.tls import ServerTLS

_log = Logger()


class ChatFactory(ServerFactory):
    """Builds `ChatProtocol` objects, up to a number of half-open ones per address."""

    noisy = False

    def __init__(self, hub: Hub, answers: Answers, tls: ServerTLS) -> None:
        self.hub = hub
        self.answers = answers
        self.tls = tls
        #: Who makes certificates, where this server can.
        self.enrolments: Enrolments | None = None
        self.certificates = SessionCertificates(hub, lambda: tls.credentials.revocations)
        self.flusher = Flusher(hub.clock)
        #: Those that have not completed registration, and all.
        self.half_open = PerAddress(self.limits.half_open_per_address)
        self.connected = PerAddress(self.limits.connections_per_address)

    @property
    def limits(self) -> Limits:
        """The numbers in force."""
        return self.hub.settings.limits

    def new_session_id(self) -> SessionId:
        """Return an id that no session had before."""
        return SessionId(secrets.token_hex(8))

    def buildProtocol(self, addr: IAddress | None) -> ChatProtocol | None:
        """Return a protocol, or ``None`` (hang up) where the address has too many."""
        host = self.enter(addr)
        return None if host is None else ChatProtocol(self, host)

    def enter(self, addr: IAddress | None) -> str | None:
        """Count one more connection and return its host, or ``None`` where that has too many."""
        host = _host(addr)
        if not self.connected.enter(host):
            _log.info("Refused {host}: it has too many connections", host=host)
            return None
        if not self.half_open.enter(host):
            self.connected.leave(host)
            _log.info("Refused {host}: too many of its connections are half open", host=host)
            return None
        return host


def _host(address: IAddress | None) -> str:
    # A host never begins with a colon: it would end the parameters of a reply.
    host = getattr(address, "host", "localhost")
    return f"0{host}" if host.startswith(":") else host
