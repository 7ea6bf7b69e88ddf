"""IRC over WebSocket: one message is one line, without CR LF, in either direction.

`WebSocketProtocol` is to a `Connection` what `ChatProtocol` is.  HTTP and frames are read and made
by the library, inside, in `Frames`; what it writes takes the way of the lines, so that all leaves
in order and counts for ``sendq``.  Sources: IRCv3 websocket; RFC 6455.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from attrs import frozen
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress, IHandshakeListener
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure
from txaio.tx import make_logger
from zope.interface import implementer

from chat.network.session import Session
from chat.server.connection import Connection, Wire
from chat.server.factory import ChatFactory
from chat.server.tls_transport import TLSTransport

BINARY, TEXT = "binary.ircv3.net", "text.ircv3.net"

#: Bytes of a message that is read at all.  Up to here, one that is too long for IRC gets 417;
#: beyond, the connection is closed with 1009.
_MAX_MESSAGE = 16_384
#: Bytes that each fragment of a message counts for besides its own, since empty ones take memory.
_FRAGMENT = 64
#: Bytes of an HTTP request.
_MAX_REQUEST = 8_192
#: Characters of a refused request's fault that are logged.
_MAX_FAULT = 200

_ABOUT = """\
This port is for IRC clients that speak WebSocket (https://ircv3.net/specs/extensions/websocket).
"""


#: Returns the origins, as the header writes them, of the web pages that may connect.
Origins = Callable[[], tuple[str, ...]]


class FramedConnection(Connection):
    """A connection whose lines ``framed`` turns into what goes over the wire."""

    def __init__(
        self, chat: ChatFactory, host: str, wire: Wire, framed: Callable[[bytes], bytes]
    ) -> None:
        super().__init__(chat, host, wire)
        self._framed = framed

    def write(self, data: bytes) -> None:
        """Send whole lines, at the end of the reactor's turn."""
        self.send(self._framed(data))

    def send(self, data: bytes) -> None:
        """Send bytes as they are, in order with the lines."""
        super().write(data)


@implementer(IHandshakeListener)
class WebSocketProtocol(Protocol):
    """Carries lines between a TLS connection with WebSocket in it and a `Connection`."""

    transport: TLSTransport
    #: Set when the TLS handshake is complete.
    _frames: Frames

    def __init__(
        self, chat: ChatFactory, library: WebSocketServerFactory, host: str, origins: Origins
    ) -> None:
        self.paused = False
        self.connection = FramedConnection(chat, host, self, self.framed)
        self._library = library
        self._origins = origins

    def connectionMade(self) -> None:
        """Wait for the handshakes, TLS's and WebSocket's."""
        self.connection.made()

    def handshakeCompleted(self) -> None:
        """Wait for the request of whom the certificate names."""
        session = self.connection.admit()
        if session is not None:
            self._frames = Frames(self, session, self._origins)
            self._frames.factory = self._library
            self._frames.makeConnection(Output(self.connection))

    def dataReceived(self, data: bytes) -> None:
        """Pass the bytes on, until the client broke the protocol or took its leave."""
        if not self._frames.is_over:
            self._frames.dataReceived(data)
            if self._frames.failedByMe:
                self.connection.leave(f"WebSocket error {self._frames.localCloseCode}")

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        """End the session; the library has nothing to end, since it has no timers."""
        self.connection.lost(reason)

    def pauseProducing(self) -> None:
        """Read no more."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on, and first what was read already."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def framed(self, lines: bytes) -> bytes:
        """Return one message for each line."""
        return b"".join(map(self._frames.message, lines.split(b"\r\n")[:-1]))

    def say_goodbye(self) -> None:
        """Begin WebSocket's end, unless the client has; IRC's ERROR stands before it."""
        if not self._frames.is_over:
            self._frames.sendClose(self._frames.CLOSE_STATUS_CODE_NORMAL)


class Frames(WebSocketServerProtocol):
    """The library's protocol, which gives lines to a `WebSocketProtocol`."""

    # Refusals are logged by the connection, in one line and with the address.
    log = make_logger("error")

    def __init__(self, owner: WebSocketProtocol, session: Session, origins: Origins) -> None:
        super().__init__()
        self._owner = owner
        self._session = session
        self._origins = origins
        self._subprotocol: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read: the library would keep it all."""
        return self.failedByMe or self.state == self.STATE_CLOSED

    # The request

    def processHandshake(self) -> None:
        """Wait for the whole of the request, if it is not too long."""
        if len(self.data) > _MAX_REQUEST and b"\r\n\r\n" not in self.data[:_MAX_REQUEST]:
            self.failHandshake("The request is too long", 431)
        else:
            super().processHandshake()

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Return the subprotocol, or deny the request.

        "The server MUST accept any subprotocol it supports, respecting the client's order of
        preference" (IRCv3 websocket).  Who offers none that is known gets none, and text.
        """
        # A browser presents its certificate to every page, and tells which one asks: nobody's
        # page may speak with it that is not listed.  Other clients have no origin.
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins():
            raise ConnectionDeny(
                403, f"The origin {origin} is not in websocket_origins of the server's [listen]"
            )
        known = (name for name in request.protocols if name in (BINARY, TEXT))
        self._subprotocol = next(known, None)
        return self._subprotocol

    def onOpen(self) -> None:
        """Begin the session: the request was granted."""
        self._owner.connection.begin(self._session)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: object = None) -> None:
        """Answer in a few words, log one line, and hang up."""
        peer = self._session.peer
        # What the client sent may be in the reason.
        fault = reason[:_MAX_FAULT].encode("unicode_escape").decode()
        self._owner.connection.refused(
            f"the WebSocket request of {peer.account}/{peer.device} got {code}: {fault}"
        )
        body = f"{_ABOUT}{reason}.\n".encode()
        status = HTTPStatus(code)
        head = (
            f"HTTP/1.1 {code} {status.phrase}",
            "Connection: upgrade, close",
            f"Content-Length: {len(body)}",
            "Content-Type: text/plain; charset=utf-8",
            "X-Content-Type-Options: nosniff",
            # What 405, 426 (RFC 9110) and another version of WebSocket (RFC 6455, 4.4) call for.
            "Allow: GET",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        )
        self.sendData("\r\n".join((*head, "", "")).encode() + body)
        self.dropConnection()

    # Messages

    def processData(self) -> bool:
        """Take one step in what was read, unless no more is to be."""
        return not (self._owner.paused or self.is_over) and bool(super().processData())

    def onMessageFrameBegin(self, length: int) -> None:
        """Let the library count the fragment."""
        self.message_data_total_length += _FRAGMENT
        super().onMessageFrameBegin(length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        r"""Give the line on, of either kind: text is UTF-8, or the library has ended all with 1007.

        "servers and clients MUST NOT include trailing \r or \n characters" (IRCv3 websocket):
        at the end they do no harm, but two lines are not one.
        """
        line = payload.removesuffix(b"\n").removesuffix(b"\r")
        if b"\n" in line or b"\r" in line:
            self._fail_connection(
                self.CLOSE_STATUS_CODE_POLICY_VIOLATION,
                "A message is one line of IRC, without CR and LF",
            )
        else:
            self._owner.connection.line_received(line)

    def message(self, line: bytes) -> bytes:
        """Return the frame of a line."""
        is_binary = self._subprotocol == BINARY
        prepared = self.factory.prepareMessage(line, is_binary, doNotCompress=True)
        return bytes(prepared.payloadHybi)


@frozen
class Output:
    """What the library takes for its transport."""

    _connection: FramedConnection

    def write(self, data: bytes) -> None:
        """Send the bytes, in order with the lines."""
        self._connection.send(data)

    def loseConnection(self) -> None:
        """End the session, and the connection behind what waits."""
        self._connection.leave("Connection closed")

    def unregisterProducer(self) -> None:
        """Do nothing: the outbox is the producer."""


class WebSocketFactory(ServerFactory):
    """Builds `WebSocketProtocol` objects, within the limits of ``chat``."""

    noisy = False

    def __init__(self, chat: ChatFactory, origins: Origins) -> None:
        self._chat = chat
        self._origins = origins
        self._library = WebSocketServerFactory(server="", reactor=chat.hub.clock)
        # Time-outs, PING and the end are the connection's.  Nothing is compressed: what a client
        # sends must not tell how long the secret beside it is, nor a few bytes become many.
        self._library.setProtocolOptions(
            versions=[13],
            webStatus=False,
            maxMessagePayloadSize=_MAX_MESSAGE,
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            # `Frames.onConnect` is who judges origins.
            allowNullOrigin=True,
            perMessageCompressionAccept=lambda offers: None,
        )

    def buildProtocol(self, addr: IAddress | None) -> WebSocketProtocol | None:
        """Return a protocol, or ``None`` (hang up) where the address has too many."""
        host = self._chat.enter(addr)
        if host is None:
            return None
        return WebSocketProtocol(self._chat, self._library, host, self._origins)
