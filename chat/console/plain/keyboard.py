"""Lines on a terminal, where somebody types: what arrives does not tear what is typed."""

from __future__ import annotations

import shutil
import signal
import sys
import termios
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chat.console.plain.pipe import AskPassword, Form, Pipe
from chat.console.plain.typed import TypedLine
from chat.console.wrapping import columns

#: Lines that wait for the connection; with more of them nothing is read.
_WAITING = 1000
_FIRST_COLUMN_AND_EMPTY = "\r\x1b[K"


class Keyboard(Pipe):
    """Takes what is typed on a terminal off it, prints, and puts it back below.

    Unlike a pipe it reads while input is held, so that one sees what one types.
    """

    def __init__(self, reactor: AsyncioSelectorReactor, ask: AskPassword, form: Form) -> None:
        super().__init__(reactor, partial(self._ask, ask), form)
        self._loop = reactor
        self._line = TypedLine()
        #: What the terminal was set to; ``None`` while it is not ours.
        self._before: list[Any] | None = None

    def read(self) -> None:
        """Take over the terminal, and begin to read."""
        signal.signal(signal.SIGCONT, lambda *_: self._loop.callFromThread(self._continue))
        self._take_over()
        super().read()

    def hold(self, held: bool) -> None:
        """Hand nothing over as long as it is held."""
        super().hold(held)
        if held and self._before is not None:
            self._watch()

    def doRead(self) -> None:  # noqa: N802
        """Take what was typed (the reactor calls this)."""
        super().doRead()
        if len(self._waiting) > _WAITING:
            self._reactor.removeReader(self)

    def connectionLost(self, reason: Failure) -> None:
        """Leave the terminal as it was: it is gone, or the reactor ends."""
        self._leave()
        super().connectionLost(reason)

    def close(self) -> Deferred[None]:
        """Leave the terminal as it was."""
        if self._line.text:
            self._write("\n")
        self._leave()
        return super().close()

    def _take(self, data: bytes) -> None:
        shown, lines = self._line.take(data)
        self._write(shown)
        self._waiting.extend(lines)

    def _print(self, texts: Iterable[str]) -> None:
        found = list(texts)
        typed = self._line.text
        if found and typed:
            fits = columns(typed) < shutil.get_terminal_size().columns
            self._write(_FIRST_COLUMN_AND_EMPTY if fits else "\n")
        super()._print(found)
        if found and typed:
            self._write(typed)

    def _write(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone
            sys.stdout.write(text)
            sys.stdout.flush()

    def _ask(self, ask: AskPassword, account: str) -> Deferred[str | None]:
        """Have the terminal to oneself for a question, when it is asked in between."""
        if self._before is None:
            return ask(account)
        self._reactor.removeReader(self)
        self._leave()

        def go_on(answer: str | None) -> str | None:
            self._take_over()
            self._watch()
            return answer

        return ask(account).addCallback(go_on)

    def _take_over(self) -> None:
        self._before = termios.tcgetattr(self._descriptor)
        self._set()

    def _set(self) -> None:
        wanted = termios.tcgetattr(self._descriptor)
        wanted[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, wanted)

    def _leave(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def _continue(self) -> None:
        """Go on behind a stop: the shell has set the terminal for itself."""
        if self._before is not None:
            self._set()
            self._write(self._line.text)
