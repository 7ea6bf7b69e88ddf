"""The ways in which a notice is given: bell, terminal, desktop.

Sources: iTerm2, "Proprietary Escape Codes" (OSC 9); tmux(1), ``allow-passthrough``;
notify-send(1); osascript(1).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from chat.console.model.notifications import Notice
from chat.irc.formatting import strip_formatting

#: Seconds that a command of the desktop may take.
DEADLINE = 5.0
#: Such commands at a time; notices beyond are not given.
MOST_AT_ONCE = 4
#: Bytes of a command's complaint that are read.
_COMPLAINT = 200

_REMEDY = "/set notify bell, or osc9, needs no other program"


def osc9(notice: Notice, *, in_tmux: bool) -> str:
    """Return what makes a terminal show a notice, through tmux where that is between."""
    sequence = f"\x1b]9;{notice.title}\x07"
    if not in_tmux:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def desktop_command(notice: Notice, platform: str) -> tuple[str, ...]:
    """Return the command that shows a notice on the desktop of `sys.platform`.

    Its arguments can be read by everybody on the machine.
    """
    if platform != "darwin":
        return ("notify-send", "--app-name=securechat", "--", notice.title)
    script = ("on run argv", "display notification (item 1 of argv)", "end run")
    return ("osascript", *(word for line in script for word in ("-e", line)), notice.title)


class Notifier:
    """Gives notices in the way that is set.

    ``write`` writes to the terminal as it is.  ``complain`` is told once, in one line, when
    a notice could not be given.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        complain: Callable[[str], None],
        processes: IReactorProcess,
        clock: IReactorTime,
        environment: Mapping[str, str],
    ) -> None:
        self._write = write
        self._complain = complain
        self._processes = processes
        self._clock = clock
        self._environment = environment
        self._running = 0
        self._has_complained = False

    def give(self, notice: Notice, way: str) -> None:
        """Give a notice; ``way`` is the setting ``notify``.  Never waits."""
        match way:
            case "bell":
                self._write("\x07")
            case "osc9":
                self._write(osc9(notice, in_tmux=bool(self._environment.get("TMUX"))))
            case "desktop" if self._running < MOST_AT_ONCE:
                self._run(desktop_command(notice, sys.platform))

    def _run(self, command: tuple[str, ...]) -> None:
        program = shutil.which(command[0], path=self._environment.get("PATH"))
        if program is None:
            self._failed(f"there is no {command[0]} here")
            return
        words = [word.encode("utf-8", "replace") for word in command]
        child = _Child(command[0], self._clock, self._ended)
        self._running += 1
        try:
            self._processes.spawnProcess(child, program, words, dict(self._environment))
        except OSError as error:
            self._ended(f"{command[0]} cannot be started: {error.strerror}")

    def _ended(self, complaint: str | None) -> None:
        self._running -= 1
        if complaint is not None:
            self._failed(complaint)

    def _failed(self, complaint: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(f"no notification of the desktop: {complaint}: {_REMEDY}")


class _Child(ProcessProtocol):
    """A command until it has ended; ``ended`` is told what went wrong, or ``None``."""

    transport: IProcessTransport

    def __init__(self, name: str, clock: IReactorTime, ended: Callable[[str | None], None]) -> None:
        self._name = name
        self._clock = clock
        self._ended = ended
        self._told = b""
        self._is_late = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Have it end in time."""
        self._deadline = self._clock.callLater(DEADLINE, self._end)

    def errReceived(self, data: bytes) -> None:
        """Keep the beginning of what it complains about."""
        self._told = (self._told + data)[:_COMPLAINT]

    def processExited(self, reason: Failure) -> None:
        """Wait no longer for output, where nothing is wrong: somebody else may hold it open."""
        if reason.check(ProcessDone):
            self.transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        """Tell how it ended: it is reaped, and its output read."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._ended(self._complaint(reason))

    def _end(self) -> None:
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")
            self._is_late = True
        self.transport.loseConnection()

    def _complaint(self, reason: Failure) -> str | None:
        if self._is_late:
            return f"{self._name} did not end within {DEADLINE:.0f} seconds"
        if reason.check(ProcessDone):
            return None
        ended = cast(ProcessTerminated, reason.value)
        lines = self._told.decode("utf-8", "replace").splitlines()
        if lines:
            told = strip_formatting(lines[0])
        elif ended.signal is not None:
            told = f"signal {ended.signal}"
        else:
            told = f"exit code {ended.exitCode}"
        return f"{self._name} failed: {told}"
