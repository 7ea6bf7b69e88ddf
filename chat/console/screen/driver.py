"""Textual's driver of a terminal, for one that may vanish.

When a window is closed, what is still written fails.  Textual's writing thread would die
of it, and the program wait for that thread for ever.
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

from attrs import frozen
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


class TerminalDriver(LinuxDriver):
    """Leaves the terminal as it was, whatever signal comes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._file = _Forgiving(self._file)  # type: ignore[assignment,arg-type]
        self._has_terminal = True

    def write(self, data: str) -> None:
        """Write, unless another program has the terminal: then nobody would take it."""
        if self._has_terminal:
            super().write(data)

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
