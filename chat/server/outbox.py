"""What waits to be sent to one client, written once per reactor turn."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from chat.server.tls_transport import TLSTransport


class Flusher:
    """Flushes all outboxes that were written to in this turn of the reactor."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._written: list[Outbox] = []

    def schedule(self, outbox: Outbox) -> None:
        """Flush ``outbox`` at the end of the turn."""
        if not self._written:
            self._clock.callLater(0, self._flush)
        self._written.append(outbox)

    def _flush(self) -> None:
        written, self._written = self._written, []
        for outbox in written:
            outbox.flush()


@implementer(IPushProducer)
class Outbox:
    """Holds output while the transport's own buffer is full, at most ``limit`` bytes."""

    def __init__(
        self,
        transport: TLSTransport,
        flusher: Flusher,
        limit: int,
        overflowed: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._flusher = flusher
        self._limit = limit
        self._overflowed = overflowed
        self._held: list[bytes] = []
        #: Bytes that are held, while the transport takes none.
        self._size = 0
        self._is_scheduled = False
        self._is_paused = False
        self._is_closing = False
        transport.registerProducer(self, True)

    def write(self, data: bytes) -> None:
        """Send ``data`` at the end of the turn; `overflowed` is called past the limit."""
        self._held.append(data)
        if self._is_paused:
            self._size += len(data)
            if self._size > self._limit:
                self._overflowed()
        elif not self._is_scheduled:
            self._is_scheduled = True
            self._flusher.schedule(self)

    def flush(self) -> None:
        """Hand over what is held, unless the transport asked to wait."""
        self._is_scheduled = False
        if self._is_paused:
            return
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))
        # The write may have paused this outbox: then nothing is held, and closing may go on.
        if self._is_closing and not self._held:
            self._is_closing = False
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def close(self) -> None:
        """Lose the connection behind everything that was written."""
        self._is_closing = True
        self.flush()

    def discard(self) -> None:
        """Forget what is held: the connection is gone."""
        self._held.clear()
        self._is_paused = True

    def pauseProducing(self) -> None:
        """Hold what comes: the transport's buffer is full."""
        self._is_paused = True
        self._size = sum(map(len, self._held))

    def resumeProducing(self) -> None:
        """Go on: the transport's buffer has room."""
        self._is_paused = False
        self.flush()

    def stopProducing(self) -> None:
        """Stop: the transport is gone."""
        self.discard()
