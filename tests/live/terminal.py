"""A terminal, in tmux, on which somebody uses the program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from twisted.trial.unittest import TestCase

from tests.support.servers import Server, make_home, until

_OWN = ("CONFIG", "DATA", "STATE")
PROGRAM = Path(sys.executable).with_name("securechat")


class TerminalTestCase(TestCase):
    """A server, and a terminal of 80 by 24."""

    skip = None if shutil.which("tmux") else "tmux is not installed"

    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        # A short name: tmux makes a socket in it.
        self.directory = Path(tempfile.mkdtemp(prefix="sc-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def tmux(self, *words: str, check: bool = True) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        command = ["tmux", "-u", "-f", os.devnull, "-S", str(self.directory / "tmux"), *words]
        done = subprocess.run(
            command, env=environment | {"LC_ALL": "C.UTF-8"}, capture_output=True, text=True,
            timeout=20, check=check,
        )  # fmt: skip
        return done.stdout

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def shown(self) -> str:
        """Return what stands on the screen, lines that the terminal has broken as one."""
        return self.tmux("capture-pane", "-p", "-J")

    def wait_for(self, *texts: str) -> None:
        try:
            until(lambda: all(text in self.shown() for text in texts), f"{texts} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.shown()}") from None

    def launch(self, *words: object, env: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start ``securechat``, and say behind it how it ended and left the terminal.

        What it keeps, and what is set, is this test's own, unless ``env`` says otherwise.
        """
        before = self.directory / "before"
        own = {f"XDG_{kind}_HOME": str(self.directory / kind) for kind in _OWN}
        settings = " ".join(f"{name}={value}" for name, value in {**own, **env}.items())
        command = " ".join(map(str, (PROGRAM, *words)))
        self.tmux(
            "new-session", "-d", "-x", "80", "-y", "24",
            f"stty -a > {before}; {settings} {command}; echo exit code $?;"
            f" stty -a | diff {before} - && echo as before; cat",
        )  # fmt: skip
        self.addCleanup(self.tmux, "kill-server", check=False)
