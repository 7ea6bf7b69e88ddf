"""Asks for a password on the terminal, without showing it and without blocking."""

from __future__ import annotations

import os
import sys
import termios
from contextlib import suppress

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.console.plain.pipe import AskPassword

#: More than the longest line that a terminal hands over at once.
_CHUNK = 65536


def ask_on(reactor: IReactorFDSet) -> AskPassword:
    """Return what asks on the terminal of this process; ``None`` is the end of its input."""

    def ask(account: str) -> Deferred[str | None]:
        print(f"Password of {account}: ", end="", file=sys.stderr, flush=True)  # noqa: T201
        return _Answer(reactor, sys.stdin.fileno()).line

    return ask


@implementer(IReadDescriptor)
class _Answer:
    """The next line of a terminal, which does not show what is typed until then."""

    def __init__(self, reactor: IReactorFDSet, descriptor: int) -> None:
        self.line: Deferred[str | None] = Deferred()
        self._reactor = reactor
        self._descriptor = descriptor
        self._before = termios.tcgetattr(descriptor)
        unseen = termios.tcgetattr(descriptor)
        unseen[3] &= ~termios.ECHO
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, unseen)
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return what to watch (the reactor calls this)."""
        return self._descriptor

    def logPrefix(self) -> str:  # noqa: N802
        """Return how the reactor's log calls this."""
        return "password"

    def doRead(self) -> None:  # noqa: N802
        """Take the line: a terminal hands over whole ones (the reactor calls this)."""
        try:
            typed = os.read(self._descriptor, _CHUNK)
        except OSError:
            typed = b""  # the terminal is gone
        self._end(typed.decode(errors="replace").rstrip("\r\n") if typed else None)

    def connectionLost(self, reason: Failure) -> None:
        """Leave the terminal as it was: the reactor ends."""
        self._end(None)

    def _end(self, line: str | None) -> None:
        if self.line.called:
            return
        self._reactor.removeReader(self)
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        print(file=sys.stderr)  # noqa: T201
        self.line.callback(line)
