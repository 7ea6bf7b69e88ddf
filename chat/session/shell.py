"""The port through which a session's machine acts on the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from chat.features.feature import Query
from chat.network.events import Entry, Event
from chat.network.ids import Timestamp


class Shell(Protocol):
    """What the machine needs of the world."""

    def write(self, data: bytes) -> None:
        """Send lines to the client."""

    def stamp(self, event: Event) -> Entry:
        """Return the entry for an event of this session, with an id and the time."""

    def append(self, entries: tuple[Entry, ...], done: Callable[[str | None], None]) -> None:
        """Put ``entries`` in the log; ``done`` gets ``None`` once applied, or why not."""

    def append_surely(self, entry: Entry, done: Callable[[], None] = lambda: None) -> None:
        """Put ``entry`` in the log, however long that takes, and then call ``done``."""

    def must_wait(self) -> bool:
        """Whether the log has too much to store; then `SessionMachine.go_on` is called later."""

    def ask(self, query: Query, answer: Callable[[Any], None]) -> None:
        """Answer ``query``, with an exception where the answer is to be thrown."""

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call ``call`` in ``seconds``, unless the session is over by then."""

    def drained(self) -> None:
        """Take note that no line waits any more."""

    def close(self) -> None:
        """End the connection behind what was written."""

    def audit(self, text: str) -> None:
        """Write a line to the server's log."""

    def fault(self, command: str) -> None:
        """Write the exception that is being handled to the server's log."""

    def seconds(self) -> float:
        """Return a time in seconds that never goes back."""

    def now(self) -> Timestamp:
        """Return the time of day."""
