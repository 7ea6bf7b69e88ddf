"""TLS straight on the socket: what is below a protocol of the server.

It has the interfaces that Twisted's own TLS has, so that protocols do not know it.  What is
written leaves at once, if the socket takes it, as one record of TLS: who writes often gathers
first (`chat.server.outbox`).  Sources: RFC 8446 (6.1 for the end of a connection).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import (
    IConsumer,
    IHandshakeListener,
    ILoggingContext,
    INegotiated,
    IProducer,
    IProtocol,
    IPushProducer,
    IReadWriteDescriptor,
    ISystemHandle,
)
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.server.descriptor import SocketDescriptor
from chat.server.tls_socket import RECORD, TLSSocket

#: Records that are read of one connection before the others have their turn.
_TURN = 16


class Phase(Enum):
    """The life of a connection."""

    HANDSHAKE = "handshake"
    OPEN = "open"
    #: What is held still leaves, and then the output ends; what comes is read.
    HALF_CLOSING = "half closing"
    #: Only the input is left.
    HALF_CLOSED = "half closed"
    #: What is held still leaves, and then the output ends; what comes is thrown away.
    CLOSING = "closing"
    #: The output has ended, and the other side is to end its own.
    FAREWELL = "farewell"
    #: Nothing passes any more, and the protocol will be told.
    LOST = "lost"
    CLOSED = "closed"


_GONE = frozenset({Phase.LOST, Phase.CLOSED})
#: Which phase may follow which, besides those that may follow all.
TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.HANDSHAKE: frozenset({Phase.OPEN}) | _GONE,
    Phase.OPEN: frozenset({Phase.HALF_CLOSING, Phase.CLOSING}) | _GONE,
    Phase.HALF_CLOSING: frozenset({Phase.HALF_CLOSED, Phase.CLOSING}) | _GONE,
    Phase.HALF_CLOSED: frozenset({Phase.FAREWELL}) | _GONE,
    Phase.CLOSING: frozenset({Phase.FAREWELL}) | _GONE,
    Phase.FAREWELL: _GONE,
    Phase.LOST: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}
_READS = frozenset({Phase.OPEN, Phase.HALF_CLOSING, Phase.HALF_CLOSED})
_ENDS = {Phase.HALF_CLOSING: Phase.HALF_CLOSED, Phase.CLOSING: Phase.FAREWELL}


@implementer(
    INegotiated, IConsumer, IPushProducer, IReadWriteDescriptor, ISystemHandle, ILoggingContext
)
class TLSTransport(SocketDescriptor):
    """One accepted connection, from its handshake to its end.

    ``protocol`` may be replaced by another once the handshake is complete.
    """

    __slots__ = (
        "_held",
        "_is_paused",
        "_phase",
        "_producer",
        "_streams",
        "_tls",
        "protocol",
    )

    def __init__(
        self,
        accepted: socket.socket,
        tls: TLSSocket,
        protocol: IProtocol,
        peer: tuple[Any, ...],
        reactor: Any,
    ) -> None:
        super().__init__(accepted, peer, reactor)
        self.protocol = protocol
        self._tls = tls
        self._phase = Phase.HANDSHAKE
        #: What the socket did not take.
        self._held = bytearray()
        self._producer: Any = None
        #: Whether the producer pushes, and whether it was told to wait.
        self._streams = self._is_paused = False
        self._read_on()

    # What becomes of it

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        return self._phase

    @property
    def disconnecting(self) -> bool:
        """Whether nothing more is read: `LineReceiver` stops in the middle of its lines."""
        return self._phase not in _READS and self._phase is not Phase.HANDSHAKE

    def _enter(self, phase: Phase) -> None:
        if phase not in TRANSITIONS[self._phase]:
            raise ValueError(f"A connection cannot go from {self._phase} to {phase}")
        self._phase = phase

    def loseConnection(self) -> None:
        """End the connection behind what was written, and behind the producer if there is one."""
        match self._phase:
            case Phase.HANDSHAKE:
                self.abortConnection()
            case Phase.OPEN | Phase.HALF_CLOSING:
                self._enter(Phase.CLOSING)
                self._end_output()
            case Phase.HALF_CLOSED:
                self._enter(Phase.FAREWELL)
                self._read_on()

    def loseWriteConnection(self) -> None:
        """End the output behind what was written; what comes is read until the other side ends."""
        if self._phase is Phase.OPEN:
            self._enter(Phase.HALF_CLOSING)
            self._end_output()

    def abortConnection(self) -> None:
        """Cut the connection with a reset; what was not sent is lost."""
        self._lose(ConnectionAborted())

    def _lose(self, why: Exception) -> None:
        """Let nothing pass any more, and tell the protocol in the reactor's next turn."""
        if self._phase not in _GONE:
            self._enter(Phase.LOST)
            self._held.clear()
            self._read_no_more()
            self._write_no_more()
            self._reactor.callLater(0, self.connectionLost, Failure(why))

    def connectionLost(self, reason: Failure) -> None:
        """Close the socket and tell the protocol; the reactor calls this too."""
        if self._phase is Phase.CLOSED:
            return
        self._enter(Phase.CLOSED)
        self._read_no_more()
        self._write_no_more()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        self._close(with_reset=reason.check(ConnectionAborted) is not None)
        self.protocol.connectionLost(reason)
        # OpenSSL's memory is not to wait for the collector of cycles.
        del self._tls

    # Input

    def doRead(self) -> None:  # noqa: N802
        """Take what came."""
        if self._phase is Phase.HANDSHAKE:
            self._shake_hands()
            return
        receive = self._tls.receive
        for _ in range(_TURN):
            try:
                data = receive()
            except SSL.Error as error:
                self._input_ended(error)
                return
            if data is None:
                if self._tls.want_write():
                    self._write_on()
                break
            if self._phase in _READS:
                self.protocol.dataReceived(data)
            if not self._is_reading:
                return
        if self._held:
            # OpenSSL may have waited for what came.
            self._flush()

    def _shake_hands(self) -> None:
        try:
            is_complete = self._tls.shake_hands()
        except SSL.Error as error:
            self._read_away()
            self.connectionLost(Failure(error))
            return
        if is_complete:
            self._enter(Phase.OPEN)
            if IHandshakeListener.providedBy(self.protocol):
                self.protocol.handshakeCompleted()
            if self._held or self._pulls:
                self._write_on()
        elif self._tls.want_write():
            self._write_on()

    def _input_ended(self, error: SSL.Error) -> None:
        """Lose the connection, in Twisted's words where it has some."""
        why: Exception = error
        if isinstance(error, SSL.ZeroReturnError):
            why = CONNECTION_DONE
            with suppress(SSL.Error):  # the other side does not wait for it
                self._tls.end()
        elif self._phase is Phase.FAREWELL:
            why = CONNECTION_DONE
        elif isinstance(error, SSL.SysCallError):
            why = CONNECTION_LOST
        self.connectionLost(Failure(why))

    def pauseProducing(self) -> None:
        """Read no more; the other side waits when the kernel's buffers are full."""
        if self._phase in _READS:
            self._read_no_more()

    def resumeProducing(self) -> None:
        """Read on."""
        if self._phase in _READS:
            self._read_on()

    def stopProducing(self) -> None:
        """End the connection."""
        self.loseConnection()

    # Output

    def write(self, data: bytes) -> None:
        """Send ``data``, and hold what the socket does not take."""
        if self._phase is Phase.OPEN and not self._held and len(data) <= RECORD:
            if not data:
                return
            try:
                count = self._tls.transmit(data)
            except SSL.Error as error:
                self._output_failed(error)
                return
            if count == len(data):
                return
            data = data[count:]
        elif not self._takes_output():
            return
        self._held += data
        if self._phase is not Phase.HANDSHAKE:
            self._flush()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send all of ``data``."""
        self.write(b"".join(data))

    def _takes_output(self) -> bool:
        """Whether the output has not ended: a producer's goes on until that is done."""
        if self._phase in (Phase.HANDSHAKE, Phase.OPEN):
            return True
        return self._phase in _ENDS and self._producer is not None

    def doWrite(self) -> None:  # noqa: N802
        """Go on with what had to wait for the socket."""
        if self._phase in _GONE:
            return  # what was read before, for the same event, ended it
        if self._held and self._phase is not Phase.HANDSHAKE:
            self._flush()
        elif self._pulls and self._phase is not Phase.HANDSHAKE:
            self._producer.resumeProducing()
        else:
            self._write_no_more()
            self._end_output()
            # OpenSSL may have had to answer what was read: a KeyUpdate, or the handshake.
            if self._is_reading:
                self.doRead()

    def _flush(self) -> None:
        """Send what is held, as far as the socket takes it; else have the producer wait."""
        held, tls = self._held, self._tls
        while held:
            try:
                count = tls.transmit(bytes(held[:RECORD]))
            except SSL.Error as error:
                self._output_failed(error)
                return
            if not count:
                if tls.want_write():
                    self._write_on()
                if self._streams and not self._is_paused:
                    self._is_paused = True
                    self._producer.pauseProducing()
                return
            del held[:count]
        if self._is_paused:
            self._is_paused = False
            self._producer.resumeProducing()
        if not held:
            if not self._pulls:
                self._write_no_more()
            self._end_output()

    def _end_output(self) -> None:
        """Say so in TLS when the output is to end and nothing is left of it."""
        if self._phase not in _ENDS or self._held or self._producer is not None:
            return
        try:
            has_left = self._tls.end()
        except SSL.Error as error:
            self._output_failed(error)
            return
        if not has_left:
            self._write_on()
            return
        self._enter(_ENDS[self._phase])
        if self._phase is Phase.FAREWELL:
            self._read_on()

    @property
    def _pulls(self) -> bool:
        """Whether there is a producer that is to be asked for more."""
        return self._producer is not None and not self._streams

    def _output_failed(self, error: SSL.Error) -> None:
        self._lose(CONNECTION_LOST if isinstance(error, SSL.SysCallError) else error)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Have a producer wait while something is held, or ask one that does not push."""
        if self._producer is not None:
            raise RuntimeError("There is a producer already")
        if self._phase in _GONE:
            producer.stopProducing()
            return
        self._producer, self._streams = producer, streaming
        if not streaming:
            self._write_on()

    def unregisterProducer(self) -> None:
        """Forget the producer; if the output is to end, it can now."""
        self._producer, self._streams, self._is_paused = None, False, False
        self._end_output()

    # Who it is, until the protocol was told of the end

    def getHandle(self) -> Any:
        """Return the `TLSSocket`."""
        return self._tls

    def getPeerCertificate(self) -> crypto.X509 | None:
        """Return the certificate that the other side presented, if it did."""
        return self._tls.get_peer_certificate()

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """What was chosen in ALPN, if anything was."""
        return self._tls.get_alpn_proto_negotiated() or None
