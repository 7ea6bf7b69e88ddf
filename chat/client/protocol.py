"""The Twisted protocol that a client speaks: lines in, lines out, deadlines.

It gives up on a server that does not welcome us, or falls silent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.client.events import (
    Answered,
    ClientEvent,
    Registered,
    Secured,
    Writable,
)
from chat.client.nodelay import no_delay
from chat.client.registration import Phase, Step
from chat.client.state import ClientState
from chat.client.tls import ClientTLS
from chat.irc.message import (
    MAX_BODY,
    MAX_TAGS,
    MalformedLineError,
    Message,
    parse,
    serialize_limited,
)

#: Seconds from the connection to the welcome, the handshake included.
REGISTRATION_DEADLINE = 30.0
#: Seconds of silence after which we send PING, and after as many more give up.
SILENCE = 90.0

_KEEPALIVE = "keepalive"

Listener = Callable[[ClientEvent], None]
Action = Callable[[ClientState], list[ClientEvent]]


@implementer(IPushProducer)
class Outlet:
    """Lines on their way out; they wait here while the transport takes no more."""

    def __init__(self, transport: ITransport, listener: Listener) -> None:
        self._transport = transport
        self._listener = listener
        self._waiting: list[bytes] = []
        self._open = True

    def write(self, line: bytes) -> None:
        """Send a line now, or when the transport takes more."""
        if self._open:
            self._transport.write(line)
        else:
            self._waiting.append(line)

    def pauseProducing(self) -> None:
        """Hold lines back (the transport calls this)."""
        self._open = False
        self._listener(Writable(False))

    def resumeProducing(self) -> None:
        """Send what was held back (the transport calls this)."""
        self._open = True
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            self.write(line)
        if self._open:
            self._listener(Writable(True))

    def stopProducing(self) -> None:
        """Drop what is held back: the transport is gone."""
        self._open = False
        self._waiting.clear()


@implementer(IHandshakeListener)
class ClientProtocol(LineReceiver):
    """One connection to a server, over TLS; ``listener`` is told what happens.

    Nothing is told as secured before the server's welcome: in TLS 1.3 a client
    whose certificate is refused has completed its own handshake.
    """

    delimiter = b"\n"
    MAX_LENGTH = MAX_BODY + MAX_TAGS
    _outlet: Outlet  # from connectionMade on

    def __init__(
        self,
        state: ClientState,
        listener: Listener,
        clock: IReactorTime,
        tls: ClientTLS,
        address: str,
    ) -> None:
        self.state = state
        self._listener = listener
        self._clock = clock
        self._tls = tls
        self._address = address
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Wait for the handshake and the welcome, not for ever."""
        no_delay(self.transport)
        self._outlet = Outlet(self._channel, self._listener)
        self._channel.registerProducer(self._outlet, True)
        text = f"the server did not welcome us within {REGISTRATION_DEADLINE:.0f} s"
        self._schedule(REGISTRATION_DEADLINE, partial(self._give_up, text))

    def handshakeCompleted(self) -> None:
        """Begin registration."""
        self.state.open()
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        """Take note that the server is there, and see what lines it sent."""
        if self.state.phase is Phase.ONLINE:
            self._schedule(SILENCE, self._ask)
        super().dataReceived(data)  # type: ignore[no-untyped-call]
        self.state.sealing.commit()

    def lineReceived(self, line: bytes) -> None:
        """Deal with one line of the server; what is no message is passed over."""
        try:
            message = parse(line.rstrip(b"\r"), errors="replace")
        except MalformedLineError:
            return
        events = self.state.receive(message)
        self._flush()
        for event in events:
            self._tell(event)
        if self.state.phase in (Phase.REJECTED, Phase.CLOSED):
            self.lose()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Break off: this is not IRC."""
        self._give_up("the server sent a line that is too long for IRC")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell why the connection is gone, unless that was told."""
        self._cancel()
        rejection = self._tls.rejection(self._channel.getHandle(), reason.value)
        if rejection is not None and self.state.registration.advance(Step.REJECTED):
            self._listener(rejection)
            return
        for event in self.state.close(self._words(reason)):
            self._listener(event)

    def send(self, message: Message, name: str = "", sealed: Sequence[Message] = ()) -> None:
        """Send a message of the user; what it tells by itself is told at once.

        ``sealed`` are the encrypted lines that stand for it, if any.
        """
        self.perform(lambda state: state.send(message, name, sealed))

    def perform(self, action: Action) -> None:
        """Have the state do something, send what it has to send, and tell what that tells."""
        events = action(self.state)
        self._flush()
        for event in events:
            self._listener(event)

    def lose(self) -> None:
        """Close the connection when everything has been sent."""
        self._channel.unregisterProducer()
        self._channel.loseConnection()

    def abort(self) -> None:
        """Break the connection off at once."""
        if self._channel.connected:
            self._channel.abortConnection()

    @property
    def _channel(self) -> TLSMemoryBIOProtocol:
        return cast(TLSMemoryBIOProtocol, self.transport)

    def _tell(self, event: ClientEvent) -> None:
        if isinstance(event, Registered):
            self._schedule(SILENCE, self._ask)
            self._tls.keep_session(self._channel.getHandle())
            self._listener(self._secured())
        if event != Answered(_KEEPALIVE):
            self._listener(event)

    def _secured(self) -> Secured:
        connection = self._channel.getHandle()
        certificate = connection.get_peer_certificate(as_cryptography=True)
        return Secured(
            self._address,
            self._tls.server_name,
            connection.get_protocol_version_name(),
            connection.get_cipher_name(),
            certificate.not_valid_after_utc,
            self._tls.credentials.expires,
        )

    def _flush(self) -> None:
        for message in self.state.to_send():
            self._outlet.write(serialize_limited(message))

    def _ask(self) -> None:
        self.state.send(Message("PING", (_KEEPALIVE,)))
        self._flush()
        text = f"the server has been silent for {2 * SILENCE:.0f} s"
        self._schedule(SILENCE, partial(self._give_up, text))

    def _give_up(self, reason: str) -> None:
        for event in self.state.close(reason):
            self._listener(event)
        self.abort()

    def _schedule(self, seconds: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._timer = self._clock.callLater(seconds, action)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _words(self, reason: Failure) -> str:
        if self.state.phase is Phase.ONLINE:
            closed = reason.check(ConnectionDone) and not self._channel.getHandle().was_cut
            return "the server closed the connection" if closed else "the connection was lost"
        return "the server closed the connection before it welcomed us"
