"""The connections of this node, as the hub sees one, and how many an address has."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from chat.session.machine import SessionMachine


class IConnection(Protocol):
    """One connected session."""

    @property
    def machine(self) -> SessionMachine:
        """The session's machine."""

    def write(self, data: bytes) -> None:
        """Send whole lines, at the end of the reactor's turn."""


class PerAddress:
    """Counts the connections of each address, at most ``limit`` of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._counts: Counter[str] = Counter()

    def enter(self, host: str) -> bool:
        """Count one more connection of ``host``, or return ``False`` at the limit."""
        if self._counts[host] >= self.limit:
            return False
        self._counts[host] += 1
        return True

    def leave(self, host: str) -> None:
        """Forget one connection of ``host``."""
        self._counts[host] -= 1
        if not self._counts[host]:
            del self._counts[host]
