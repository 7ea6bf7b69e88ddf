"""The full-screen console on a terminal, with a server that is killed and returns."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.live.irc import IRC
from tests.live.test_programs import CAPABILITIES
from tests.support.servers import Server, make_home, until


class FullScreenTests(TestCase):
    skip = None if shutil.which("tmux") else "tmux is not installed"

    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        # A short name: tmux makes a socket in it.
        self.directory = Path(tempfile.mkdtemp(prefix="sc-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def tmux(self, *words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        command = ["tmux", "-u", "-f", os.devnull, "-S", str(self.directory / "tmux"), *words]
        done = subprocess.run(
            command, env=environment | {"LC_ALL": "C.UTF-8"}, capture_output=True, text=True,
            timeout=20, check=True,
        )  # fmt: skip
        return done.stdout

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def wait_for(self, *texts: str) -> None:
        until(
            lambda: all(text in self.tmux("capture-pane", "-p") for text in texts),
            f"{texts} on the screen",
        )

    def launch(self) -> None:
        program = Path(sys.executable).with_name("securechat")
        command = (
            f"{program} connect localhost:{self.server.port}"
            f" --dir {self.home.device('alice').directory}"
            f" --password-file {self.home.password_file}"
        )
        before = self.directory / "before"
        self.tmux(
            "new-session", "-d", "-x", "80", "-y", "24",
            f"stty -a > {before}; {command}; echo exit code $?;"
            f" stty -a | diff {before} - && echo as before; cat",
        )  # fmt: skip
        self.addCleanup(self.tmux, "kill-server")

    def restart_on_the_same_port(self) -> None:
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.kill()
        self.wait_for("alice | offline")
        self.server.start()
        self.wait_for("alice | online")

    def test_a_conversation_over_a_crash_of_the_server(self) -> None:
        self.launch()
        self.wait_for("alice | online | TLSv1.3", "certificate 29 days")
        self.type("/join #room")
        self.wait_for("> 2 #room", "alice has joined")
        bob = IRC.login(self.server.port, self.home.device("bob"), CAPABILITIES)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        self.type("hello from the full screen")
        bob.expect(r"alice!\S+ PRIVMSG #room :hello from the full screen$")
        bob.send("PRIVMSG #room :hello, \x02alice\x02")
        bob.send("PRIVMSG alice :between us")
        self.wait_for("<bob> hello, alice", " 3 bob ", " !1 ")
        self.tmux("resize-window", "-x", "120", "-y", "30")
        self.wait_for("2 here", "@alice", "<bob> hello, alice")

        self.restart_on_the_same_port()
        bob = IRC.login(self.server.port, self.home.device("bob"), CAPABILITIES)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        self.type("here again")
        bob.expect(r"alice!\S+ PRIVMSG #room :here again$")
        self.wait_for("<alice> here again")

        self.tmux("resize-window", "-x", "80", "-y", "24")
        self.type("/quit")
        self.wait_for("exit code 0", "as before")
