"""No waiting for more to send: lines are small, and people look at them."""

from __future__ import annotations

from twisted.internet.interfaces import ITCPTransport, ITransport


def no_delay(transport: ITransport | None) -> None:
    """Turn off Nagle's algorithm, which holds back a second small write for 40 ms.

    A transport that is no TCP connection, such as a Unix socket, is left alone.
    """
    if ITCPTransport.providedBy(transport):
        transport.setTcpNoDelay(True)
