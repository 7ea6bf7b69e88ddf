"""The prompt on a terminal, which stays below the lines that arrive.

Runs on asyncio's event loop (Twisted's asyncio reactor), which has to be running.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Offer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import print_formatted_text
from prompt_toolkit.shortcuts.prompt import CompleteStyle
from prompt_toolkit.styles import Style
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chat.console.lines import Line, Look, colour_of
from chat.console.picture import fits
from chat.console.plain import Input

#: Seconds for which lines are gathered before the prompt is drawn anew below them.
_GATHER = 0.05
#: Columns of the time before each line.
_TIME_WIDTH = 6

#: Legible on light and on dark; bold tells apart what colour alone does not.
_NICK_COLOURS = tuple(
    f"{weight}ansi{colour}"
    for weight in ("", "bold ")
    for colour in ("red", "green", "yellow", "blue", "magenta", "cyan")
)
_STYLE = Style.from_dict(
    {
        Look.TEXT.value: "",
        Look.TIME.value: "ansibrightblack",
        Look.ROOM.value: "ansicyan",
        Look.OWN.value: "bold",
        Look.STATUS.value: "ansibrightblack",
        Look.ERROR.value: "ansired bold",
        # Readers of QR pictures want dark on light, whatever the terminal's own colours are.
        Look.PICTURE.value: "ansiwhite bg:ansiblack",
        "prompt": "bold",
    }
)


class _Completer(Completer):
    def __init__(self, to: Input) -> None:
        self._to = to

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Offer]:
        for completion in self._to.completions(document.text_before_cursor):
            yield Offer(completion.text, -completion.replaces, display_meta=completion.help)


class Terminal:
    """Reads from and prints to the terminal of this process.

    ``NO_COLOR`` in the environment, and not empty, means no colours (no-color.org).
    """

    interactive = True

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._depth = ColorDepth.MONOCHROME if os.environ.get("NO_COLOR") else None
        self._to: Input | None = None
        self._gathered: list[Line] = []
        self._drawing: IDelayedCall | None = None
        self._printing: asyncio.Future[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._session: PromptSession[str] | None = None

    def can_draw(self, picture: list[str]) -> bool:
        """Return whether there is room, behind the time, and the characters are known."""
        if os.environ.get("TERM") == "dumb":
            return False
        columns = shutil.get_terminal_size().columns - _TIME_WIDTH
        return fits(picture, columns, sys.stdout.encoding)

    def attach(self, to: Input) -> None:
        """Take note of whom to call."""
        self._to = to

    def read(self) -> None:
        """Show the prompt from now on."""
        if self._to is not None and self._reading is None:
            self._reading = asyncio.ensure_future(self._read(self._to))

    def hold(self, held: bool) -> None:
        """Draw the prompt anew: a person may go on typing, and sees where it will go."""
        if self._session is not None:
            self._session.app.invalidate()

    def show(self, shown: Iterable[Line]) -> None:
        """Print lines above the prompt, soon."""
        self._gathered.extend(shown)
        if self._gathered and (self._drawing is None or not self._drawing.active()):
            self._drawing = self._clock.callLater(_GATHER, self._draw)

    def ask_password(self, account: str) -> Deferred[str | None]:
        """Fire with what was typed, unseen, or with ``None`` after Ctrl+C or Ctrl+D."""
        self._draw()
        return ask_password(account)

    def close(self) -> Deferred[None]:
        """Print what is left, and end the prompt."""
        return Deferred.fromCoroutine(self._close())

    async def _read(self, to: Input) -> None:
        session: PromptSession[str] = PromptSession(
            lambda: [("class:prompt", to.prompt())],
            completer=_Completer(to),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            erase_when_done=True,
            style=_STYLE,
            color_depth=self._depth,
        )
        self._session = session
        with patch_stdout():
            while True:
                try:
                    text = await session.prompt_async(
                        set_exception_handler=False, handle_sigint=False
                    )
                except KeyboardInterrupt:
                    print("-- Ctrl+D or /quit leaves")  # noqa: T201
                    continue
                except (EOFError, OSError):
                    # OSError: the terminal itself is gone, its window was closed.
                    to.end_of_input()
                    return
                lines = text.splitlines()
                # What is pasted is one message, unless there is a command in it.
                has_command = any(line.startswith("/") for line in lines)
                for entered in lines if has_command else [text]:
                    to.enter(entered)

    async def _close(self) -> None:
        self._draw()
        if self._printing is not None:
            await Deferred.fromFuture(self._printing)
        if self._session is not None and self._session.app.is_running:
            self._session.app.exit(exception=EOFError())
        elif self._reading is not None:
            self._reading.cancel()
        if self._reading is not None:
            await Deferred.fromFuture(asyncio.gather(self._reading, return_exceptions=True))

    def _draw(self) -> None:
        if self._drawing is not None and self._drawing.active():
            self._drawing.cancel()
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return

        def render() -> None:
            with suppress(OSError):  # nobody is there to read it
                for line in gathered:
                    print_formatted_text(
                        FormattedText(fragments(line)), style=_STYLE, color_depth=self._depth
                    )

        if self._session is not None and self._session.app.is_running:
            self._printing = asyncio.ensure_future(run_in_terminal(render))
        else:
            render()


def ask_password(account: str) -> Deferred[str | None]:
    """Ask for a password on the terminal; ``None`` after Ctrl+C or Ctrl+D."""

    async def ask() -> str | None:
        session: PromptSession[str] = PromptSession(f"Password of {account}: ", is_password=True)
        try:
            return await session.prompt_async(set_exception_handler=False, handle_sigint=False)
        except (KeyboardInterrupt, EOFError):
            return None

    return Deferred.fromFuture(asyncio.ensure_future(ask()))


def fragments(line: Line) -> list[tuple[str, str]]:
    """Return a line in prompt_toolkit's form: styles and texts."""
    styled = [(f"class:{Look.TIME.value}", f"{line.time:%H:%M} ")]
    for piece in line.pieces:
        if piece.look is Look.NICK:
            style = _NICK_COLOURS[colour_of(piece.text, len(_NICK_COLOURS))]
        else:
            style = f"class:{piece.look.value}"
        styled.append((style, piece.text))
    return styled
