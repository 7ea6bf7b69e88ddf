"""Plaintext on this computer in, mutual TLS out, and not a byte changed between.

For programs that cannot present a client certificate.  One connection in is one
connection out; each side is read only as fast as the other takes it.
"""

from __future__ import annotations

import random
from typing import Any, cast

from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHandshakeListener,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.client.connecting import CONNECT_TIMEOUT, PreparedEndpoint, describe
from chat.client.nodelay import no_delay
from chat.client.profile import Profile
from chat.client.renewing import Renewing, renew_in_thread
from chat.client.tls import ClientTLS
from chat.irc.message import Message, serialize_limited

#: Seconds for the TLS handshake.
HANDSHAKE_DEADLINE = 15.0
#: Seconds that either side has to close after the other has.
LINGER = 2.0


class Proxy(Factory["Inside"]):
    """Accepts the programs of this computer and connects each to the server of a profile."""

    noisy = False

    def __init__(self, profile: Profile, reactor: Any) -> None:
        self.clock: IReactorTime = reactor
        self.address = profile.address
        self.tls = ClientTLS(profile.credentials, profile.server_name)
        endpoint = HostnameEndpoint(reactor, self.address.host, self.address.port, CONNECT_TIMEOUT)
        # What cannot be renewed, the server refuses, and warns of before: that is told.
        self.renewing = Renewing(
            profile,
            renew_in_thread,
            self.tls.present,
            lambda event: None,
            reactor,
            random.random,
        )
        self.endpoint = PreparedEndpoint(
            wrapClientTLS(self.tls, endpoint), self.renewing.before_connecting
        )

    def startFactory(self) -> None:  # noqa: N802
        """Keep the certificate renewed (Twisted calls this)."""
        self.renewing.start()

    def stopFactory(self) -> None:  # noqa: N802
        """Renew no more (Twisted calls this)."""
        self.renewing.stop()

    def buildProtocol(self, addr: IAddress | None) -> Inside:
        """Return the protocol of one program (Twisted calls this)."""
        return Inside(self)


class Inside(Protocol):
    """A program on this computer, which speaks plaintext.

    It is not read from before TLS stands: what it sends meanwhile waits in the
    system's buffers.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._outside: Outside | None = None
        self._lingering: IDelayedCall | None = None

    @property
    def channel(self) -> Connection:
        """The transport."""
        return cast(Connection, self.transport)

    def connectionMade(self) -> None:
        """Connect to the server."""
        no_delay(self.transport)
        self.channel.pauseProducing()
        outside = self._outside = Outside(self, self._proxy)
        factory = Factory.forProtocol(lambda: outside)
        factory.noisy = False
        outside.connecting = self._proxy.endpoint.connect(factory).addErrback(self._unreachable)

    def dataReceived(self, data: bytes) -> None:
        """Pass on to the server; what comes after its end is dropped."""
        if self._outside is not None:
            self._outside.channel.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the server's side too."""
        if self._lingering is not None and self._lingering.active():
            self._lingering.cancel()
        outside, self._outside = self._outside, None
        if outside is not None:
            outside.end()

    def end(self, reason: str) -> None:
        """Close, with an ERROR in IRC when there is a reason to tell."""
        self._outside = None
        self.channel.unregisterProducer()
        if not reason:
            self.channel.loseConnection()
            return
        self.channel.write(serialize_limited(Message("ERROR", (reason,))))
        # Closing over unread input would reset the connection, and lose that line.
        self.channel.resumeProducing()
        self.channel.loseWriteConnection()
        self._lingering = self._proxy.clock.callLater(LINGER, self.channel.abortConnection)

    def _unreachable(self, failure: Failure) -> None:
        if self._outside is not None:
            self.end(f"Cannot reach {self._proxy.address}: {describe(failure)}")


@implementer(IHandshakeListener)
class Outside(Protocol):
    """The connection to the server for one program."""

    connecting: Deferred[Any]

    def __init__(self, inside: Inside, proxy: Proxy) -> None:
        self._inside: Inside | None = inside
        self._proxy = proxy
        self._deadline: IDelayedCall | None = None
        self._received = 0

    @property
    def channel(self) -> TLSMemoryBIOProtocol:
        """The transport."""
        return cast(TLSMemoryBIOProtocol, self.transport)

    def connectionMade(self) -> None:
        """Wait for the handshake, not for ever."""
        no_delay(self.transport)
        self._deadline = self._proxy.clock.callLater(HANDSHAKE_DEADLINE, self._abort)

    def handshakeCompleted(self) -> None:
        """Pass on both ways from here on."""
        self._cancel()
        if self._inside is not None:
            inside = self._inside.channel
            inside.registerProducer(self.channel, True)
            self.channel.registerProducer(inside, True)
            inside.resumeProducing()

    def dataReceived(self, data: bytes) -> None:
        """Pass on to the program."""
        self._received += len(data)
        if self._inside is not None:
            self._inside.channel.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the program's side too, and say why when it is not the usual end."""
        self._cancel()
        inside, self._inside = self._inside, None
        if inside is not None:
            inside.end(self._words(reason))

    def end(self) -> None:
        """Close: the program is gone."""
        self._inside = None
        if self.transport is None:
            self.connecting.cancel()
            return
        self.channel.unregisterProducer()
        self.channel.loseConnection()
        self._cancel()
        self._deadline = self._proxy.clock.callLater(LINGER, self._abort)

    def _abort(self) -> None:
        if self.channel.connected:
            self.channel.abortConnection()

    def _cancel(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _words(self, reason: Failure) -> str:
        rejection = self._proxy.tls.rejection(self.channel.getHandle(), reason.value)
        if rejection is not None:
            return f"{rejection.cause}: {rejection.remedy}"
        if not self._received:
            return "The server closed the connection before it said anything"
        if reason.check(error.ConnectionDone):
            return ""
        return f"The connection to the server was lost: {reason.getErrorMessage()}"
