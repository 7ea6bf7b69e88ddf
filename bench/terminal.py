"""Programs on terminals of their own, in one tmux: what they show, and what they cost."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from attrs import frozen

#: Seconds to wait for what is to be shown, and between two looks.
_PATIENCE, _LOOK = 60.0, 0.002


class Tmux:
    """A server of tmux that is told what to do over one connection: no process for each key."""

    def __init__(self, directory: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        self._process = subprocess.Popen(
            ["tmux", "-u", "-f", os.devnull, "-S", str(directory / "tmux"), "-C",
             "new-session", "-s", "control", "cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment | {"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        self._answer()
        self.tell("refresh-client", "-f", "no-output")
        self.tell("set-option", "-g", "default-terminal", "tmux-256color")

    def tell(self, *words: str) -> list[str]:
        """Have a command run, and return the lines that it prints."""
        assert self._process.stdin is not None
        self._process.stdin.write(shlex.join(words) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End it, and with it all that runs in it."""
        with suppress(OSError):
            self.tell("kill-server")
        self._process.communicate()

    def _answer(self) -> list[str]:
        assert self._process.stdout is not None
        answer: list[str] | None = None
        for line in self._process.stdout:
            if line.startswith("%begin "):
                answer = []
            elif line.startswith("%error ") and answer is not None:
                raise click.ClickException(f"tmux: {' '.join(answer)}")
            elif line.startswith("%end ") and answer is not None:
                return answer
            elif answer is not None:
                answer.append(line.rstrip("\n"))
        return []


@contextmanager
def tmux() -> Iterator[Tmux]:
    """Run tmux."""
    # A short name: there will be a socket in it.
    directory = Path(tempfile.mkdtemp(prefix="sc-", dir="/tmp"))
    server = Tmux(directory)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(directory)


@frozen
class Memory:
    """What a process holds, in MiB; ``pss`` counts what it shares with others in part."""

    rss: float
    pss: float


class Terminal:
    """One program on a terminal of so many columns and rows."""

    def __init__(
        self, tmux: Tmux, size: tuple[int, int], command: list[str], env: Mapping[str, str]
    ) -> None:
        width, self._height = size
        assigned = [f"{name}={value}" for name, value in env.items()]
        self._tmux = tmux
        self.begun = time.perf_counter()
        [self._session, pid] = tmux.tell(
            "new-session", "-d", "-P", "-F", "#{session_id} #{pane_pid}",
            "-x", str(width), "-y", str(self._height),
            f"exec env {shlex.join([*assigned, *command])}",
        )[0].split()  # fmt: skip
        self.pid = int(pid)

    def shown(self, rows: int | None = None) -> str:
        """Return what stands on the screen, or in so many rows at its bottom."""
        start = [] if rows is None else ["-S", str(self._height - rows)]
        return "\n".join(self._tmux.tell("capture-pane", "-p", *start, "-t", self._session))

    def wait_for(self, text: str, rows: int | None = None) -> float:
        """Wait until a text is shown, and return when it was."""
        end = time.perf_counter() + _PATIENCE
        while text not in self.shown(rows):
            if time.perf_counter() > end:
                raise click.ClickException(f"{text!r} is not shown, but\n{self.shown()}")
            time.sleep(_LOOK)
        return time.perf_counter()

    def type(self, text: str) -> None:
        """Type it."""
        self._tmux.tell("send-keys", "-t", self._session, "-l", text)

    def press(self, key: str) -> None:
        """Press a key, by tmux's name of it."""
        self._tmux.tell("send-keys", "-t", self._session, key)

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> Memory:
        """What it holds now."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        rss, pss = (re.search(rf"(?m)^{name}: +(\d+) kB", text) for name in ("Rss", "Pss"))
        assert rss is not None
        assert pss is not None
        return Memory(int(rss[1]) / 1024, int(pss[1]) / 1024)

    def close(self) -> None:
        """End it as when a window is closed."""
        self._tmux.tell("kill-session", "-t", self._session)
        end = time.monotonic() + _PATIENCE
        while Path(f"/proc/{self.pid}").exists() and time.monotonic() < end:
            time.sleep(_LOOK)
