"""Standard input and output without a terminal's help: lines in, lines out, no thread."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.console.lines import Line
from chat.console.plain import Input

_CHUNK = 65536

#: Asks for an account's password without showing it.
AskPassword = Callable[[str], Deferred[str | None]]


def nobody_to_ask(account: str) -> Deferred[str | None]:
    """Return no password: there is nobody at a keyboard."""
    return succeed(None)


@implementer(IReadDescriptor)
class Pipe:
    """Reads lines from a descriptor and prints lines to standard output.

    Pipes, files, ``/dev/null`` and terminals all do; the reactor polls what epoll
    does not watch.  The descriptor's flags stay as they are: a shell may share it.
    """

    interactive = False

    def __init__(
        self,
        reactor: IReactorFDSet,
        ask: AskPassword = nobody_to_ask,
        descriptor: int = 0,
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self.ask_password = ask
        self._to: Input | None = None
        self._partial = b""
        #: What was read and not yet handed over; ``None`` is the end.
        self._waiting: deque[str | None] = deque()
        self._held = True

    def attach(self, to: Input) -> None:
        """Take note of whom to call."""
        self._to = to

    def read(self) -> None:
        """Begin to read."""
        self.hold(False)

    def hold(self, held: bool) -> None:
        """Stop reading, or hand over what waits and go on."""
        self._held = held
        if held:
            self._reactor.removeReader(self)
            return
        self._hand_over()
        if not self._held and None not in self._waiting:
            self._reactor.addReader(self)

    def show(self, shown: Iterable[Line]) -> None:
        """Print lines; when nobody reads them any more, end."""
        try:
            for line in shown:
                print(line.plain(), flush=False)  # noqa: T201
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at exit: into nothing, then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if self._to is not None:
                self._to.stop()

    def close(self) -> Deferred[None]:
        """Stop reading."""
        self._held = True
        self._reactor.removeReader(self)
        return succeed(None)
