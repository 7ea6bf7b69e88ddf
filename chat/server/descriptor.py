"""An accepted socket in the reactor, below any protocol and without TLS."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address

#: Makes closing a reset (socket(7), SO_LINGER).
_RESET = struct.pack("ii", 1, 0)


class SocketDescriptor:
    """Knows its addresses, what the reactor watches it for, and how it is closed."""

    __slots__ = ("_is_reading", "_is_writing", "_peer", "_reactor", "_socket")

    def __init__(self, accepted: socket.socket, peer: tuple[Any, ...], reactor: Any) -> None:
        accepted.setblocking(False)
        self._socket = accepted
        self._peer = peer
        self._reactor = reactor
        self._is_reading = self._is_writing = False

    # The reactor

    def fileno(self) -> int:
        """Return the number of the socket, -1 once it is closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:  # noqa: N802
        """Return what Twisted calls the source of what is logged meanwhile."""
        return "TLS"

    def _read_on(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._reactor.addReader(self)

    def _read_no_more(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._reactor.removeReader(self)

    def _write_on(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._reactor.addWriter(self)

    def _write_no_more(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._reactor.removeWriter(self)

    # The end

    def _read_away(self) -> None:
        """Read what is there: over it, closing would be a reset, and overtake what was written."""
        with suppress(OSError):
            self._socket.recv(65_536)

    def _close(self, *, with_reset: bool) -> None:
        with suppress(OSError):  # the other side was quicker
            if with_reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    # Addresses and options

    def getPeer(self) -> IPv4Address | IPv6Address:
        """Return the other side's address."""
        return _address(self._peer)

    def getHost(self) -> IPv4Address | IPv6Address:
        """Return this side's address."""
        return _address(self._socket.getsockname())

    def getTcpNoDelay(self) -> bool:
        """Return whether small writes leave at once."""
        return bool(self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Let small writes leave at once, or not."""
        with suppress(OSError):  # some systems refuse it of a connection that was reset
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, enabled)

    def getTcpKeepAlive(self) -> bool:
        """Return whether the kernel asks after a silent other side."""
        return bool(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the kernel ask after a silent other side, or not."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, enabled)


def _address(parts: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    return IPv4Address("TCP", *parts) if len(parts) == 2 else IPv6Address("TCP", *parts)
