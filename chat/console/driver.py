"""Textual's driver of a terminal, for one that may vanish.

When a window is closed, what is still written fails.  Textual's writing thread would die
of it, and the program wait for that thread for ever.
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


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

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal over again after a stop only.

        SIGCONT comes with SIGHUP too.  Who takes over a second time remembers the terminal
        as the program itself has set it.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
