"""The protocol of one client connection: TLS on one side, the session's machine on the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives.hashes import SHA512
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.features.feature import Query
from chat.irc.message import MAX_BODY, MAX_CLIENT_TAGS, Message, serialize_limited
from chat.network.errors import UnavailableError
from chat.network.events import Entry, Event
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.session import Peer, Phase, Session
from chat.server.outbox import Outbox
from chat.server.tls import PeerRefusedError, explain_failure
from chat.session.machine import SessionMachine

if TYPE_CHECKING:
    from chat.server.factory import ChatFactory

#: Seconds that a client has to read the last lines before its connection is cut.
_LINGER = 3.0


class Deadline(Enum):
    """What the connection must do before its time-out."""

    HANDSHAKE = "handshake"
    REGISTRATION = "registration"
    SAY_ANYTHING = "say anything"
    ANSWER_PING = "answer a PING"


@implementer(IHandshakeListener)
class ChatProtocol(LineReceiver, TimeoutMixin):
    """Carries lines between a TLS connection and a `SessionMachine`.

    Nothing is read or written before the handshake has shown a valid certificate.
    """

    delimiter = b"\n"
    MAX_LENGTH = MAX_BODY + MAX_CLIENT_TAGS

    machine: SessionMachine
    factory: ChatFactory

    def __init__(self, factory: ChatFactory, host: str) -> None:
        self._log = Logger()
        self._host = host
        self._deadline = Deadline.HANDSHAKE
        self._is_half_open = True
        self._outbox: Outbox | None = None
        self._linger: IDelayedCall | None = None
        self.factory = factory

    def callLater(self, seconds: float, call: Callable[[], Any]) -> IDelayedCall:
        """Let `TimeoutMixin` use the clock of the server."""
        return self.factory.hub.clock.callLater(seconds, call)

    # The connection

    def connectionMade(self) -> None:
        """Wait for the handshake, and not for long."""
        # Nagle's algorithm would hold back the second of two small writes for 40 ms.
        cast(TLSMemoryBIOProtocol, self.transport).setTcpNoDelay(True)
        self.setTimeout(self.factory.limits.handshake_timeout)

    def handshakeCompleted(self) -> None:
        """Begin the session of whom the certificate names."""
        transport = cast(TLSMemoryBIOProtocol, self.transport)
        connection = transport.getHandle()
        certificate = connection.get_peer_certificate().to_cryptography()
        try:
            identity = self.factory.tls.peer_identity(certificate, datetime.now(UTC))
        except PeerRefusedError as refusal:
            self._refused(str(refusal))
            transport.abortConnection()
            return
        hub = self.factory.hub
        peer = Peer(
            self._host,
            identity.account,
            identity.device,
            certificate.fingerprint(certificate.signature_hash_algorithm).hex(),
            f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}",
            certificate.fingerprint(SHA512()).hex(),
            Timestamp(int(certificate.not_valid_after_utc.timestamp() * 1000)),
        )
        self._outbox = Outbox(
            transport, self.factory.flusher, self.factory.limits.sendq, self._overflowed
        )
        session = Session(self.factory.new_session_id(), peer)
        self.machine = SessionMachine(session, self, hub.network, hub.settings, hub.features)
        hub.connections[session.id] = self
        self.machine.opened()
        self._await(Deadline.REGISTRATION)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """End the session; a handshake that failed is one line in the log."""
        self.setTimeout(None)
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self._leave_half_open()
        self.factory.connected.leave(self._host)
        if self._outbox is None:
            if self._deadline is Deadline.HANDSHAKE:
                transport = cast(TLSMemoryBIOProtocol, self.transport)
                self._refused(explain_failure(transport.getHandle(), reason))
            return
        # From here on the machine's last lines go nowhere, and there is nothing to cut.
        self._outbox.discard()
        self._outbox = None
        self.factory.hub.connections.pop(self.machine.session.id, None)
        self.machine.lost(_words(reason))

    def _refused(self, why: str) -> None:
        self._deadline = Deadline.REGISTRATION
        self._log.info("Refused {host}: {why}", host=self._host, why=why)

    def _leave_half_open(self) -> None:
        if self._is_half_open:
            self._is_half_open = False
            self.factory.half_open.leave(self._host)

    # Time

    def _await(self, deadline: Deadline) -> None:
        limits = self.factory.limits
        self._deadline = deadline
        self.setTimeout(
            {
                Deadline.HANDSHAKE: limits.handshake_timeout,
                Deadline.REGISTRATION: limits.registration_timeout,
                Deadline.SAY_ANYTHING: limits.ping_interval,
                Deadline.ANSWER_PING: limits.ping_timeout,
            }[deadline]
        )

    def timeoutConnection(self) -> None:
        """Do what the deadline that passed asks for."""
        match self._deadline:
            case Deadline.HANDSHAKE:
                self._refused("it did not complete the handshake in time")
                cast(TLSMemoryBIOProtocol, self.transport).abortConnection()
            case Deadline.REGISTRATION:
                self.machine.close("Registration timed out")
            case Deadline.SAY_ANYTHING:
                server = self.factory.hub.settings.server
                self.write(serialize_limited(Message("PING", (server,))))
                self._await(Deadline.ANSWER_PING)
            case Deadline.ANSWER_PING:
                seconds = self.factory.limits.ping_timeout
                self.machine.close(f"Ping timeout: {seconds:.0f} seconds")

    # Input

    def lineReceived(self, line: bytes) -> None:
        """Give the line to the machine, and read no more while too many wait."""
        if self._deadline is Deadline.ANSWER_PING:
            self._await(Deadline.SAY_ANYTHING)
        elif self._deadline is Deadline.SAY_ANYTHING:
            self.resetTimeout()
        self.machine.line_received(line.removesuffix(b"\r"))
        if self.machine.is_full and not self.paused:
            self.pauseProducing()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Skip to the end of a line that is longer than any may be."""
        self.machine.line_too_long()
        self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """Skip the rest of a line that is too long."""
        _, newline, rest = data.partition(b"\n")
        if newline:
            self.setLineMode(rest)

    # The machine's shell

    def write(self, data: bytes) -> None:
        """Send whole lines, at the end of the reactor's turn."""
        if self._outbox is not None:
            self._outbox.write(data)

    def stamp(self, event: Event) -> Entry:
        """Return the entry for an event of this session."""
        return self.factory.hub.stamp(event, self.machine.session.id)

    def append(self, entries: tuple[Entry, ...], done: Callable[[str | None], None]) -> None:
        """Put entries in the log."""

        def appended(failed: str | None) -> None:
            done(failed)
            if self._is_half_open and self.machine.session.phase is Phase.REGISTERED:
                self._leave_half_open()
                self._await(Deadline.SAY_ANYTHING)

        self.factory.hub.append(entries, appended)

    def append_surely(self, entry: Entry, done: Callable[[], None] = lambda: None) -> None:
        """Put an entry in the log, however long that takes."""
        self.factory.hub.append_surely(entry).addCallback(lambda _: done())

    def ask(self, query: Query, answer: Callable[[Any], None]) -> None:
        """Have a question answered."""
        asked = self.factory.answers.ask(query, self._host)
        asked.addErrback(self._explain).addCallback(answer)
        asked.addErrback(lambda failure: self._log.failure("After a query", failure))

    def _explain(self, failure: Failure) -> BaseException:
        """Return what is thrown into the handler, and log what nobody expected."""
        if failure.check(UnavailableError):
            self._log.warn("A query failed: {why}", why=failure.getErrorMessage())
        elif not failure.check(RefusedError):
            self._log.failure("A query failed", failure)
            return UnavailableError("The server could not answer")
        return cast(BaseException, failure.value)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call in some seconds; the machine ignores a call behind its end."""
        self.callLater(seconds, call)

    def drained(self) -> None:
        """Read on."""
        if self.paused:
            self.resumeProducing()

    def close(self) -> None:
        """End the connection; cut it if the client does not take the last lines."""
        if self._outbox is not None and self._linger is None:
            self.setTimeout(None)
            self._linger = self.callLater(_LINGER, self._cut)
            self._outbox.close()

    def audit(self, text: str) -> None:
        """Write a line about this session to the log."""
        session = self.machine.session
        self._log.info(
            "{nick} ({account}/{device} at {host}) {text}",
            nick=self.machine.nick,
            account=session.peer.account,
            device=session.peer.device,
            host=self._host,
            text=text,
        )

    def fault(self, command: str) -> None:
        """Write the exception that is being handled to the log."""
        self._log.failure("The command {command} failed", command=command)

    def seconds(self) -> float:
        """Return the clock's seconds."""
        return self.factory.hub.clock.seconds()

    def now(self) -> Timestamp:
        """Return the time of day."""
        return self.factory.hub.now()

    def _overflowed(self) -> None:
        if self.machine.session.phase is not Phase.CLOSED:
            self.audit("reads too slowly: its send queue is full")
            self.machine.lost("SendQ exceeded")
            self._cut()

    def _cut(self) -> None:
        if self.connected:
            cast(TLSMemoryBIOProtocol, self.transport).abortConnection()


def _words(reason: Failure) -> str:
    if reason.check(ConnectionDone):
        return "Connection closed"
    if reason.check(ConnectionLost):
        return "Connection lost"
    return "Connection error"
