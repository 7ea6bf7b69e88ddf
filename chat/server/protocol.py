"""The protocol of a connection whose lines end with CR LF: IRC over TLS alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.irc.message import MAX_BODY, MAX_CLIENT_TAGS
from chat.server.connection import Connection

if TYPE_CHECKING:
    from chat.server.factory import ChatFactory


@implementer(IHandshakeListener)
class ChatProtocol(LineReceiver):
    """Carries lines between a TLS connection and a `Connection`."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_BODY + MAX_CLIENT_TAGS

    def __init__(self, factory: ChatFactory, host: str) -> None:
        self._factory = factory
        self.host = host
        self.connection = Connection(factory, host, self)

    def connectionMade(self) -> None:
        """Wait for the handshake."""
        self.connection.made()

    def handshakeCompleted(self) -> None:
        """Begin the session of whom the certificate names, unless it came to get one."""
        if self._factory.enrolments is not None and self._factory.enrolments.take(self):
            return
        session = self.connection.admit()
        if session is not None:
            self.connection.begin(session)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """End the session."""
        self.connection.lost(reason)

    def lineReceived(self, line: bytes) -> None:
        """Pass the line on."""
        self.connection.line_received(line.removesuffix(b"\r"))

    def lineLengthExceeded(self, line: bytes) -> None:
        """Skip to the end of a line that is longer than any may be."""
        self.connection.machine.line_too_long()
        self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """Skip the rest of a line that is too long."""
        _, newline, rest = data.partition(b"\n")
        if newline:
            self.setLineMode(rest)

    def say_goodbye(self) -> None:
        """Say nothing: IRC's last word is ERROR, which the machine wrote."""
