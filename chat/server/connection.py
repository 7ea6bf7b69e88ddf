"""One client's connection, however its lines are framed: its TLS, its time, its session.

A protocol of `twisted.internet` has one of these, tells it what happens, and is its `Wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from chat.features.feature import Query
from chat.irc.message import Message, serialize_limited
from chat.network.errors import UnavailableError
from chat.network.events import Entry, Event
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.session import Peer, Phase, Session
from chat.pki.authority import Identity
from chat.server.outbox import Outbox
from chat.server.refusals import PeerRefusedError, explain_failure
from chat.server.tls import KNOWN
from chat.server.tls_transport import TLSTransport
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
    NOTHING = "nothing: it is refused"


class Wire(Protocol):
    """What a connection asks of the protocol that frames its lines."""

    transport: Any
    paused: bool

    def pauseProducing(self) -> None:
        """Read no more."""

    def resumeProducing(self) -> None:
        """Read on, and first what was read already."""

    def say_goodbye(self) -> None:
        """Write what goes last; the connection is lost behind it."""


class Connection(TimeoutMixin):
    """Joins a TLS connection and a `SessionMachine`, whose shell it is.

    Nothing is read or written before the handshake has shown a valid certificate.
    """

    #: Set by `begin`.
    machine: SessionMachine

    def __init__(self, factory: ChatFactory, host: str, wire: Wire) -> None:
        self._log = Logger()
        self._factory = factory
        self._host = host
        self._wire = wire
        self._deadline = Deadline.HANDSHAKE
        self._is_half_open = True
        self._outbox: Outbox | None = None
        self._linger: IDelayedCall | None = None
        self._is_in_session = False

    @property
    def _transport(self) -> TLSTransport:
        return cast(TLSTransport, self._wire.transport)

    def callLater(self, seconds: float, call: Callable[[], Any]) -> IDelayedCall:
        """Let `TimeoutMixin` use the clock of the server."""
        return self._factory.hub.clock.callLater(seconds, call)

    # Beginning and end

    def made(self) -> None:
        """Wait for the handshake, and not for long."""
        # Nagle's algorithm would hold back the second of two small writes for 40 ms.
        self._transport.setTcpNoDelay(True)
        self._await(Deadline.HANDSHAKE)

    def admit(self) -> Session | None:
        """Return the session of whom the certificate names, or cut off who may not in.

        To be called when the TLS handshake is complete.
        """
        connection = self._transport.getHandle()
        try:
            certificate = self._factory.tls.peer_certificate(connection)
            identity = self._factory.tls.peer_identity(certificate, datetime.now(UTC))
        except PeerRefusedError as refusal:
            self.refused(str(refusal))
            self._transport.abortConnection()
            return None
        security = f"{connection.get_protocol_version_name()} {connection.get_cipher_name()}"
        peer = _peer(certificate, identity, self._host, security)
        self._outbox = Outbox(
            self._transport, self._factory.flusher, self._factory.limits.sendq, self._overflowed
        )
        return Session(self._factory.new_session_id(), peer)

    def hand_over(self) -> None:
        """Have another protocol take the connection, which is counted until `lost`."""
        self.setTimeout(None)
        self._deadline = Deadline.NOTHING

    def begin(self, session: Session) -> None:
        """Begin the session of whom `admit` let in."""
        hub = self._factory.hub
        self.machine = SessionMachine(session, self, hub.network, hub.settings, hub.features)
        self._is_in_session = True
        hub.connections[session.id] = self
        self.machine.opened()
        self._await(Deadline.REGISTRATION)
        # With WebSocket there was time since the handshake.
        self._factory.certificates.judge(self)

    def refused(self, why: str) -> None:
        """Write to the log why there is no session; ``why`` is about the peer."""
        self.setTimeout(None)
        self._deadline = Deadline.NOTHING
        self._log.info("Refused {host}: {why}", host=self._host, why=why)

    def leave(self, reason: str) -> None:
        """End the session, and the connection behind what waits: the client takes its leave."""
        if self._is_in_session:
            self.machine.lost(reason)
        self.close()

    def lost(self, reason: Failure) -> None:
        """End the session; a handshake that failed is one line in the log."""
        self.setTimeout(None)
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self._leave_half_open()
        self._factory.connected.leave(self._host)
        if self._deadline is Deadline.HANDSHAKE:
            self.refused(explain_failure(self._transport.getHandle(), reason))
        # From here on the machine's last lines go nowhere, and there is nothing to cut.
        if self._outbox is not None:
            self._outbox.discard()
            self._outbox = None
        if self._is_in_session:
            self._is_in_session = False
            del self._factory.hub.connections[self.machine.session.id]
            self.machine.lost(_words(reason))

    def _leave_half_open(self) -> None:
        if self._is_half_open:
            self._is_half_open = False
            self._factory.half_open.leave(self._host)

    # Time

    def _await(self, deadline: Deadline) -> None:
        limits = self._factory.limits
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
                self.refused("it did not complete the handshake in time")
                self._transport.abortConnection()
            case Deadline.REGISTRATION if self.machine.is_held:
                self._await(Deadline.REGISTRATION)
            case Deadline.REGISTRATION:
                self.machine.close("Registration timed out")
            case Deadline.SAY_ANYTHING:
                server = self._factory.hub.settings.server
                self.write(serialize_limited(Message("PING", (server,))))
                self._await(Deadline.ANSWER_PING)
            case Deadline.ANSWER_PING if self._wire.paused:
                # The answer may be there: it is this server that does not read.
                self._await(Deadline.ANSWER_PING)
            case Deadline.ANSWER_PING:
                seconds = self._factory.limits.ping_timeout
                self.machine.close(f"Ping timeout: {seconds:.0f} seconds")

    # Input

    def line_received(self, line: bytes) -> None:
        """Give the line to the machine, and read no more while too many wait."""
        if self._deadline is Deadline.ANSWER_PING:
            self._await(Deadline.SAY_ANYTHING)
        elif self._deadline is Deadline.SAY_ANYTHING:
            self.resetTimeout()
        self.machine.line_received(line)
        if self.machine.is_full and not self._wire.paused:
            self._wire.pauseProducing()

    # Output

    def _overflowed(self) -> None:
        if self.machine.session.phase is not Phase.CLOSED:
            self.audit("reads too slowly: its send queue is full")
            self.machine.lost("SendQ exceeded")
            self._cut()

    def _cut(self) -> None:
        if self._outbox is not None:
            self._transport.abortConnection()

    # The machine's shell

    def write(self, data: bytes) -> None:
        """Send whole lines, at the end of the reactor's turn."""
        if self._outbox is not None:
            self._outbox.write(data)

    def stamp(self, event: Event) -> Entry:
        """Return the entry for an event of this session."""
        return self._factory.hub.stamp(event, self.machine.session.id)

    def append(self, entries: tuple[Entry, ...], done: Callable[[str | None], None]) -> None:
        """Put entries in the log."""

        def appended(failed: str | None) -> None:
            done(failed)
            if self._is_half_open and self.machine.session.phase is Phase.REGISTERED:
                self._leave_half_open()
                self._await(Deadline.SAY_ANYTHING)
                self._factory.certificates.warn(self)

        self._factory.hub.append(entries, appended)

    def append_surely(self, entry: Entry, done: Callable[[], None] = lambda: None) -> None:
        """Put an entry in the log, however long that takes."""
        self._factory.hub.append_surely(entry).addCallback(lambda _: done())

    def must_wait(self) -> bool:
        """Whether the log has too much to store."""
        return self._factory.hub.brake.hold(self)

    def ask(self, query: Query, answer: Callable[[Any], None]) -> None:
        """Have a question answered."""
        asked = self._factory.answers.ask(query, self._host)
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
        if self._wire.paused:
            if self._deadline is Deadline.ANSWER_PING:
                # Nobody read until now what the client may have answered in time.
                self.resetTimeout()
            self._wire.resumeProducing()

    def close(self) -> None:
        """End the connection; cut it if the client does not take the last lines."""
        if self._outbox is not None and self._linger is None:
            self.setTimeout(None)
            self._linger = self.callLater(_LINGER, self._cut)
            self._wire.say_goodbye()
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
        return self._factory.hub.clock.seconds()

    def now(self) -> Timestamp:
        """Return the time of day."""
        return self._factory.hub.now()


@lru_cache(maxsize=KNOWN)
def _peer(certificate: x509.Certificate, identity: Identity, host: str, security: str) -> Peer:
    return Peer(
        host,
        identity.account,
        identity.device,
        certificate.fingerprint(SHA256()).hex(),
        security,
        certificate.fingerprint(SHA512()).hex(),
        _timestamp(certificate.not_valid_after_utc),
        _timestamp(certificate.not_valid_before_utc),
        certificate.issuer.rfc4514_string(),
        f"{certificate.serial_number:x}",
    )


def _timestamp(moment: datetime) -> Timestamp:
    return Timestamp(int(moment.timestamp() * 1000))


def _words(reason: Failure) -> str:
    if reason.check(ConnectionDone):
        return "Connection closed"
    if reason.check(ConnectionLost):
        return "Connection lost"
    return "Connection error"
