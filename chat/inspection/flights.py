"""Flights and round trips, counted in the bytes that went over the wire.

A flight is all that one side sends before the other one does.  A flight of ours that
one of the peer follows is one round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from attrs import frozen


@frozen
class Chunk:
    """Bytes that were handed to the socket or came from it."""

    ours: bool
    data: bytes


@frozen
class Count:
    """What a handshake cost until our own side had completed it."""

    #: Until we may send the first byte of the application.
    round_trips_to_send: int
    #: Until the server may send its first one, when it speaks first.
    round_trips_to_receive: int
    flights: int
    bytes_sent: int
    bytes_received: int


def count(handshake: Sequence[Chunk], *, server_waits: bool) -> Count:
    """Count a completed handshake: what went over the wire up to its end.

    ``server_waits`` says that the server may send nothing before our last flight is
    with it: RFC 5246, 7.3, has application data behind both Finished messages.  A
    TLS 1.3 server may send behind its own (RFC 8446, 2), to somebody who is not
    authenticated yet.
    """
    sides = [ours for ours, _ in groupby(handshake, lambda chunk: chunk.ours)]
    trips = sum(ours and not then for ours, then in pairwise(sides))
    waits = bool(sides) and sides[-1] and server_waits
    return Count(
        trips,
        trips + waits,
        len(sides),
        sum(len(chunk.data) for chunk in handshake if chunk.ours),
        sum(len(chunk.data) for chunk in handshake if not chunk.ours),
    )


def received(chunks: Sequence[Chunk]) -> bytes:
    """Return all that the peer sent."""
    return b"".join(chunk.data for chunk in chunks if not chunk.ours)
