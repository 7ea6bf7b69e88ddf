"""A listening port of the server, whose connections have TLS straight on the socket."""

from __future__ import annotations

import socket
from typing import Any, Protocol, cast

from twisted.internet.interfaces import IProtocol, IProtocolFactory
from twisted.internet.tcp import Port, Server

from chat.server.tls_socket import TLSSocket
from chat.server.tls_transport import TLSTransport

#: Connections that the kernel accepts ahead of this process: after a restart all come back at once.
_BACKLOG = 1024


class Acceptor(Protocol):
    """Makes the server's side of TLS on an accepted socket."""

    def accept(self, accepted: socket.socket) -> TLSSocket:
        """Return it, before its handshake."""


class TLSPort(Port):
    """A port whose connections are `TLSTransport` objects."""

    _type = "TLS"

    def __init__(
        self, number: int, factory: IProtocolFactory, tls: Acceptor, interface: str, reactor: Any
    ) -> None:
        super().__init__(number, factory, _BACKLOG, interface, reactor)

        def transport(
            accepted: socket.socket, protocol: IProtocol, peer: tuple[Any, ...], *_: object
        ) -> TLSTransport:
            return TLSTransport(accepted, tls.accept(accepted), protocol, peer, reactor)

        # Twisted calls this in place of its `Server`, and lets it be replaced (`Port`).
        self.transport = cast(type[Server], transport)


def listen_tls(
    number: int, factory: IProtocolFactory, tls: Acceptor, interface: str, reactor: Any
) -> TLSPort:
    """Return a port that listens; raises `CannotListenError`."""
    port = TLSPort(number, factory, tls, interface, reactor)
    port.startListening()
    return port
