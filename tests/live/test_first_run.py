"""``securechat`` alone, on a terminal: from nothing to the first message."""

from __future__ import annotations

from chat.client.profile import Choice, choose
from tests.live.irc import IRC
from tests.live.terminal import TerminalTestCase
from tests.support.servers import PASSWORD, securechat


class FirstRunTests(TerminalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.directory / "config"

    def invite(self, account: str) -> str:
        address = f"localhost:{self.server.port}"
        words = ("invite", account, "--address", address, "--dir", self.home.directory)
        return securechat(*words).strip()

    def start(self, *words: object) -> None:
        self.launch(*words, env={"XDG_CONFIG_HOME": str(self.config)})
        self.wait_for("Welcome to securechat.", "The invitation's code: ")

    def choose_a_password(self) -> None:
        self.wait_for("You will be carol on securechat", "Choose a password for carol: ")
        self.type(PASSWORD)
        self.wait_for("Repeat for confirmation: ")
        self.type(PASSWORD)

    def test_from_a_code_to_the_first_message(self) -> None:
        bob = IRC.login(self.server.port, self.home.device("bob"))
        self.addCleanup(bob.close)
        bob.exchange("JOIN #lab")
        code = self.invite("carol")
        self.start()
        self.type("is this one?")
        self.wait_for("Error: this is no invitation")
        # Pasted from a letter: its lines are three.
        self.type(code[:30])
        self.type(code[30:50])
        self.type(code[50:])
        self.choose_a_password()
        self.wait_for("carol | online")
        self.type("/join #lab")
        self.wait_for("carol has joined")
        self.type("hello, I am new")
        bob.expect(r"carol!\S+ PRIVMSG #lab :hello, I am new$")
        self.type("/quit")
        self.wait_for("Next time: securechat", "exit code 0", "as before")
        self.assertNotIn(PASSWORD, self.shown())
        profile = choose(Choice(), self.config / "securechat" / "profiles")
        self.assertEqual((profile.account, profile.password), ("carol", None))

    def test_a_server_that_is_away_costs_no_code(self) -> None:
        code = self.invite("carol")
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.kill()
        self.start("--plain")
        self.type(code)
        self.wait_for("Error: cannot reach localhost:", "Try again with this code? [Y/n]: ")
        self.server.start()
        self.tmux("send-keys", "Enter")
        self.choose_a_password()
        self.wait_for("-- welcome: you are carol, logged in as carol")
        self.tmux("send-keys", "C-d")
        self.wait_for("exit code 0", "as before")

    def test_who_has_no_code_leaves(self) -> None:
        self.start()
        self.tmux("send-keys", "C-c")
        self.wait_for("Nothing was changed.", "exit code 130", "as before")
        self.assertFalse(self.config.exists())

    def test_colours(self) -> None:
        self.start()
        self.assertIn("\x1b[1mWelcome", self.tmux("capture-pane", "-p", "-e"))

    def test_no_colours(self) -> None:
        self.launch(env={"XDG_CONFIG_HOME": str(self.config), "NO_COLOR": "1"})
        self.wait_for("The invitation's code: ")
        self.assertNotIn("\x1b[", self.tmux("capture-pane", "-p", "-e"))
