"""Standard input and output without a terminal's help: lines in, lines out, no thread."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.client.records import TYPES, json_line, record_of, stamp
from chat.console.lines import Line, Look, lines_of

if TYPE_CHECKING:
    from chat.client.events import ClientEvent
    from chat.console.commands import Here, Local

_CHUNK = 65536

#: Asks for an account's password without showing it.
AskPassword = Callable[[str], Deferred[str | None]]


def nobody_to_ask(account: str) -> Deferred[str | None]:
    """Return no password: there is nobody at a keyboard."""
    return succeed(None)


class Reader(Protocol):
    """What a pipe calls."""

    def enter(self, text: str) -> None:
        """Deal with a line."""

    def end_of_input(self) -> None:
        """Deal with the end of the lines."""

    def stop(self) -> Deferred[None]:
        """End: nobody reads what is printed."""


@frozen
class Form:
    """How what is told becomes lines of text."""

    event: Callable[[ClientEvent, datetime], Iterable[str]]
    #: For a line of the program's own.
    line: Callable[[Line], str]


def _as_lines(event: ClientEvent, now: datetime) -> Iterator[str]:
    for line in lines_of(event, now):
        is_of_today = line.time.date() == now.date()
        yield line.plain() if is_of_today else f"{line.time:%Y-%m-%d} {line.plain()}"


def _as_record(event: ClientEvent, now: datetime) -> Iterator[str]:
    if type(event) in TYPES:
        yield json_line(record_of(event, now))
    else:
        yield from map(_own_as_record, lines_of(event, now))


def _own_as_record(line: Line) -> str:
    is_error = any(piece.look is Look.ERROR for piece in line.pieces)
    text = "".join(piece.text for piece in line.parts()[1])
    kind = "error" if is_error else "status"
    return json_line({"type": kind, "time": stamp(line.time), "text": text})


#: For people, and what reads aloud for them.
LINES = Form(_as_lines, Line.plain)
#: For programs.
RECORDS = Form(_as_record, _own_as_record)


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
        form: Form = LINES,
        descriptor: int = 0,
    ) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._form = form
        self.ask_password = ask
        self._to: Reader | None = None
        self._partial = b""
        #: What was read and not yet handed over; ``None`` is the end.
        self._waiting: deque[str | None] = deque()
        self._held = True

    def can_draw(self, picture: list[str]) -> bool:
        """Return that a picture is no use to a program."""
        return False

    def attach(self, to: Reader) -> None:
        """Take note of whom to call."""
        self._to = to

    def read(self) -> None:
        """Begin to read."""
        self.hold(False)

    def hold(self, held: bool) -> None:
        """Stop reading, or hand over what waits and go on."""
        if held == self._held:
            return
        self._held = held
        if held:
            self._reactor.removeReader(self)
        else:
            self._hand_over()

    def fileno(self) -> int:
        """Return what to watch (the reactor calls this)."""
        return self._descriptor

    def doRead(self) -> None:  # noqa: N802
        """Take what can be read (the reactor calls this)."""
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a descriptor that cannot be read has nothing to say
        self._take(data)
        if not data:
            self._end()
        self._hand_over()

    def connectionLost(self, reason: Failure) -> None:
        """Take the hang-up of a pipe for its end (the reactor calls this, also when it stops)."""
        self._end()
        self._hand_over()

    def logPrefix(self) -> str:  # noqa: N802
        """Return how the reactor's log calls this."""
        return "standard input"

    def tell(self, event: ClientEvent, now: datetime) -> None:
        """Print what an event tells."""
        self._print(self._form.event(event, now))

    def show(self, shown: Iterable[Line]) -> None:
        """Print lines of the program's own."""
        self._print(self._form.line(line) for line in shown)

    def forget(self, nick: str) -> None:
        """Do nothing: what is printed is printed."""

    def where(self, here: Here) -> Here:
        """Return that: nothing is chosen among lines."""
        return here

    def leave(self, farewell: str) -> None:
        """Take it for the end of what is typed."""
        if self._to is not None:
            self._to.end_of_input()

    def act(self, action: Local) -> None:
        """Raise `CommandError`: nothing is kept to act on.  What the server finds is printed."""
        from chat.console.commands import CommandError, Search

        if isinstance(action, Search) and action.everywhere:
            return
        name = type(action).__name__.lower()
        raise CommandError(f"/{name} needs the full screen: securechat connect on a terminal")

    def close(self) -> Deferred[None]:
        """Stop reading."""
        self._held = True
        self._reactor.removeReader(self)
        return succeed(None)

    def _take(self, data: bytes) -> None:
        *complete, self._partial = (self._partial + data).split(b"\n")
        self._waiting.extend(line.decode(errors="replace").rstrip("\r") for line in complete)

    def _print(self, texts: Iterable[str]) -> None:
        """Print lines; when nobody reads them any more, end."""
        try:
            for text in texts:
                print(text, flush=False)  # noqa: T201
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at exit: into nothing, then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if self._to is not None:
                self._to.stop()

    def _end(self) -> None:
        if self._partial:
            self._waiting.append(self._partial.decode(errors="replace"))
            self._partial = b""
        self._waiting.append(None)
        self._reactor.removeReader(self)

    def _hand_over(self) -> None:
        while self._to is not None and self._waiting and not self._held:
            text = self._waiting.popleft()
            if text is None:
                self._to.end_of_input()
                return
            self._to.enter(text)
        if not self._held:
            self._watch()

    def _watch(self) -> None:
        try:
            self._reactor.addReader(self)
        except OSError:  # closed before we began
            self._waiting.append(None)
            self._hand_over()
