"""The full-screen console on a terminal, with a server that is killed and returns."""

from __future__ import annotations

from tests.live.irc import IRC
from tests.live.terminal import TerminalTestCase
from tests.live.test_programs import CAPABILITIES


class FullScreenTests(TerminalTestCase):
    def chat(self, **environment: str) -> None:
        self.launch(
            *("connect", f"localhost:{self.server.port}"),
            *("--dir", self.home.device("alice").directory),
            *("--password-file", self.home.password_file),
            env=environment,
        )

    def restart_on_the_same_port(self) -> None:
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.kill()
        self.wait_for("alice | offline")
        self.server.start()
        self.wait_for("alice | online")

    def test_a_conversation_over_a_crash_of_the_server(self) -> None:
        self.chat()
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
        self.wait_for("bob │ hello, alice", " 3 bob ", " !1 ")
        self.tmux("resize-window", "-x", "120", "-y", "30")
        self.wait_for("2 here", "@alice", "bob │ hello, alice")

        self.restart_on_the_same_port()
        bob = IRC.login(self.server.port, self.home.device("bob"), CAPABILITIES)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        self.type("here again")
        bob.expect(r"alice!\S+ PRIVMSG #room :here again$")
        self.wait_for("alice │ here again")

        self.tmux("resize-window", "-x", "80", "-y", "24")
        self.type("/quit")
        self.wait_for("exit code 0", "as before")

    def test_an_editor_has_the_terminal_and_the_connection_goes_on(self) -> None:
        done = self.directory / "done"
        editor = self.directory / "editor"
        editor.write_text(
            f"#!/bin/sh\ntrap : INT\necho editing\nuntil test -e {done}; do sleep 0.05; done\n"
            "echo from the editor > $1\n"
        )
        editor.chmod(0o700)
        self.chat(EDITOR=str(editor), VISUAL="''")
        self.wait_for("alice | online")
        self.type("/join #room")
        self.wait_for("> 2 #room", "alice has joined")
        bob = IRC.login(self.server.port, self.home.device("bob"), CAPABILITIES)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        self.tmux("send-keys", "-l", "begun")
        self.tmux("send-keys", "C-x")
        self.wait_for("editing")
        self.tmux("send-keys", "C-c")
        for number in range(50):
            bob.exchange(f"PRIVMSG #room :message {number}")
        self.assertNotIn("message", self.tmux("capture-pane", "-p"))
        done.touch()
        self.wait_for("bob │ message 49", "from the editor")
        self.tmux("send-keys", "Enter")
        bob.expect(r"alice!\S+ PRIVMSG #room :from the editor$")
        self.type("/quit")
        self.wait_for("exit code 0", "as before")

    def test_keys_that_cannot_be_bound(self) -> None:
        directory = self.directory / "CONFIG" / "securechat"
        directory.mkdir(parents=True)
        (directory / "keys.toml").write_text('next_activ = ["f5"]')
        self.chat()
        self.wait_for("exit code 1", "as before")
        told = self.shown()
        self.assertIn("keys.toml: there is no action next_activ: did you mean next_active?", told)
