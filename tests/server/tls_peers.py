"""The two ends of a TLS connection: the server's, with nothing above it, and clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from socket import socket, socketpair

from attrs import define, field, frozen
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.pki.bundles import DeviceFiles
from chat.pki.layout import Layout
from chat.server.refusals import PeerRefusedError, explain_failure
from chat.server.tls import (
    ServerTLS,
    TLSFiles,
    TLSVersion,
    WebTLS,
)
from chat.server.tls_transport import TLSTransport
from tests.pki.networks import now
from tests.support.sockets import SocketReactor

GREETING = b":server 001 you :Welcome\r\n"


def tls_files(layout: Layout) -> TLSFiles:
    return TLSFiles(
        layout.server_certificate, layout.server_key, layout.authorities, layout.revocations
    )


@implementer(IHandshakeListener)
class Greeter(Protocol):
    """Writes one line to whom the handshake lets in, and notes what happens."""

    identity = ""
    refusal = ""
    closes = False
    version = ""
    cipher = ""
    resumed = False

    def __init__(self, tls: ServerTLS, clock: Callable[[], datetime]) -> None:
        self.tls = tls
        self.clock = clock
        self.ended: Deferred[str] = Deferred()
        self.alpn: bytes | None = None

    def handshakeCompleted(self) -> None:
        handle = self.transport.getHandle()
        self.version = handle.get_protocol_version_name()
        self.cipher = handle.get_cipher_name()
        self.alpn = self.transport.negotiatedProtocol
        self.resumed = not handle.has_verified
        try:
            certificate = self.tls.peer_certificate(handle)
            self.identity = str(self.tls.peer_identity(certificate, self.clock()))
        except PeerRefusedError as error:
            self.refusal = str(error)
            self.transport.abortConnection()
        else:
            self.transport.write(GREETING)
            if self.closes:
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:
        if not self.identity and not self.refusal:
            self.refusal = explain_failure(self.transport.getHandle(), reason)
        self.ended.callback(self.refusal)


@define
class GreeterFactory(Factory):
    tls: ServerTLS
    clock: Callable[[], datetime] = now
    closes: bool = False
    made: list[Greeter] = field(factory=list)

    def buildProtocol(self, addr: object) -> Greeter:
        self.made.append(Greeter(self.tls, self.clock))
        self.made[-1].closes = self.closes
        return self.made[-1]


class Client:
    """Makes its handshake, and reads what comes."""

    def __init__(self, handle: SSL.Connection) -> None:
        self.handle = handle
        self.received = b""
        self.reason: SSL.Error | None = None
        self._is_complete = False

    def step(self) -> None:
        """Go as far as the server lets it."""
        try:
            if not self._is_complete:
                self.handle.do_handshake()
                self._is_complete = True
            while self.reason is None:
                self.received += self.handle.recv(4096)
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self.reason = error


@frozen
class ClientTLS:
    """A client that trusts everybody and presents what it is told to."""

    pem: Path | None = None
    versions: tuple[int, int] = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    alpn: tuple[bytes, ...] = ()
    ciphers: bytes = b"DEFAULT"
    #: The client of a meeting before this one, whose session it resumes.
    resuming: SSL.Connection | None = None

    def connect(self, end: socket) -> Client:
        end.setblocking(False)
        connection = SSL.Connection(self._context(), end)
        connection.set_connect_state()
        if self.alpn:
            connection.set_alpn_protos(list(self.alpn))
        if self.resuming is not None:
            session = self.resuming.get_session()
            assert session is not None
            connection.set_session(session)
        return Client(connection)

    def _context(self) -> SSL.Context:
        if self.resuming is not None:
            return self.resuming.get_context()
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(self.versions[0])
        context.set_max_proto_version(self.versions[1])
        context.set_cipher_list(self.ciphers)
        if self.pem is not None:
            context.use_certificate_chain_file(str(self.pem))
            context.use_privatekey_file(str(self.pem))
        return context


@define
class Meeting:
    """What became of one connection."""

    server: Greeter
    client: Client

    @property
    def refusal(self) -> str:
        return self.server.refusal

    @property
    def handle(self) -> SSL.Connection:
        return self.client.handle


def server(
    layout: Layout, minimum: TLSVersion = TLSVersion.TLS13, *, resumes: bool = False
) -> ServerTLS:
    return ServerTLS(tls_files(layout), minimum, now(), resumes=resumes)


def meet(
    tls: ServerTLS,
    files: DeviceFiles | None = None,
    *,
    clock: Callable[[], datetime] = now,
    web: bool = False,
    accepted: Callable[[], None] = lambda: None,
    **client: object,
) -> Meeting:
    """Connect a client to a server and let both say what they have to.

    ``accepted`` is called when the server has made its connection and read nothing.
    """
    pem = None if files is None else files.combined
    above = GreeterFactory(tls, clock)
    ends = socketpair()
    reactor = SocketReactor()
    greeter = above.buildProtocol(None)
    handle = (WebTLS(tls) if web else tls).accept(ends[0])
    greeter.makeConnection(TLSTransport(ends[0], handle, greeter, ("192.0.2.1", 1), reactor))
    accepted()
    meeting = Meeting(greeter, ClientTLS(pem, **client).connect(ends[1]))  # type: ignore[arg-type]
    meeting.client.step()
    while reactor.turn():
        meeting.client.step()
    # OpenSSL takes nothing up again of a connection that is freed without an end.
    meeting.handle.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
    return meeting
