"""Textual's driver of a terminal, for one that may vanish.

When a window is closed, what is still written fails.  Textual's writing thread would die
of it, and the program wait for that thread for ever.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import IO, Any

from attrs import frozen
from rich.cells import cell_len
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver

from chat.console.settings.key_names import alt_sequences


@frozen
class _AltKey:
    """A key with Alt, in the form of Textual's table."""

    value: str


# Textual has no public way: it takes some of these for other keys, and waits whether others
# go on.  The test in tmux would see it go.
ANSI_SEQUENCES_KEYS.update(  # type: ignore[attr-defined]
    {sequence: (_AltKey(name),) for sequence, name in alt_sequences()}
)


#: The cursor's place and look (DECSC and DECRC).
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_JOINED = re.compile("[\u200d\ufe0f\U0001f3fb-\U0001f3ff]")
#: An emoji of several characters; commands to the terminal, with their strings, are left alone.
_EMOJI = re.compile(
    r"\x1b\][^\x07\x1b]*|\x1b\[[0-?]*[ -/]*[@-~]|"
    "(?P<emoji>[^\x00-\x1f\u200d\ufe0f]"
    "(?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d[^\x00-\x1f]?)+)"
)


class _Forgiving:
    """A file into which writing never fails."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, if there is anybody to read it."""
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Flush likewise."""
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def placed(data: str) -> str:
    """Return what goes to a terminal with all that follows an emoji of several characters in place.

    Terminals disagree how wide those are: the columns are made empty, and the cursor goes
    on behind them, wherever the terminal left it.
    """
    return _EMOJI.sub(_in_place, data)


def _in_place(found: re.Match[str]) -> str:
    emoji = found["emoji"]
    if emoji is None:
        return found[0]
    width = cell_len(emoji)
    return f"{_SAVE}{' ' * width}{_RESTORE}{emoji}{_RESTORE}\x1b[{width}C"


class TerminalDriver(LinuxDriver):
    """Leaves the terminal as it was, whatever signal comes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._file = _Forgiving(self._file)  # type: ignore[assignment,arg-type]
        self._has_terminal = True

    def write(self, data: str) -> None:
        """Write, unless another program has the terminal: then nobody would take it."""
        if self._has_terminal:
            super().write(placed(data) if _JOINED.search(data) else data)

    def suspend_application_mode(self) -> None:
        """Leave the terminal to another program."""
        super().suspend_application_mode()
        self._has_terminal = False

    def resume_application_mode(self) -> None:
        """Take the terminal again."""
        self._has_terminal = True
        super().resume_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal over again after a stop only.

        SIGCONT comes with SIGHUP too.  Who takes over a second time remembers the terminal
        as the program itself has set it.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
