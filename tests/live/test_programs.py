"""Programs that people have: WeeChat, irssi and our own console, set up as the README says.

What people do with WeeChat and irssi is in `tests.live.test_client_weechat` and `_irssi`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import SkipTest

from attrs import frozen
from twisted.trial.unittest import TestCase

from chat.pki.files import read_certificates
from tests.live.irc import CAPABILITIES, IRC
from tests.support.servers import PASSWORD, Server, make_home, until

_EXTERNAL = 'password = "optional"'


def needs(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        raise SkipTest(f"not installed: {', '.join(missing)}")


@frozen
class Step:
    """What alice types, what reaches bob of it, and what her program says, and where."""

    typed: str
    #: A pattern of bob's next line, when anything reaches him.
    arrives: str | None
    shown: tuple[str, ...]
    where: str


class ProgramTestCase(TestCase):
    """Alice uses the program; bob is there by the client of the other tests."""

    def type(self, text: str) -> None:
        """Type a line in the room."""
        raise NotImplementedError

    def log_of(self, where: str) -> Path:
        """Return the file with all that a buffer, or window, of the program shows."""
        raise NotImplementedError

    def wait_in(self, where: str, *texts: str) -> None:
        """Wait until these are shown, one after the other, behind what was waited for before."""
        file = self.log_of(where)
        for text in texts:
            until(lambda text=text: self._is_new(text, file), f"{text!r} in {file}")

    def _is_new(self, text: str, file: Path) -> bool:
        content = file.read_text(errors="replace") if file.exists() else ""
        at = content.find(text, self._looked.get(file, 0))
        if at >= 0:
            self._looked[file] = at + len(text)
        return at >= 0

    def walk(self, bob: IRC, *steps: Step) -> None:
        for step in steps:
            self.type(step.typed)
            if step.arrives is not None:
                bob.expect(step.arrives)
            self.wait_in(step.where, *step.shown)

    def assert_nowhere_else(self, where: str, text: str) -> None:
        """What concerns the server is not to be strewn over the rooms."""
        here = self.log_of(where)
        found = [file for file in here.parent.iterdir() if text in file.read_text()]
        self.assertEqual(found, [here], text)

    def start(self, **sections: str) -> None:
        self.home = make_home(**sections)
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        # A short name: sockets and FIFOs are made in it.
        self.directory = Path(tempfile.mkdtemp(prefix="sc-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.alice = self.home.device("alice")
        self._looked: dict[Path, int] = {}

    def bob_joins(self, capabilities: str = CAPABILITIES) -> IRC:
        bob = IRC.login(self.server.port, self.home.device("bob"), capabilities)
        self.addCleanup(bob.close)
        bob.exchange("JOIN #room")
        return bob

    def kill_the_server(self) -> None:
        """The next one is to listen on the same port."""
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.kill()

    def restart_on_the_same_port(self) -> None:
        self.kill_the_server()
        self.server.start()


class WeeChatTestCase(ProgramTestCase):
    SERVER = "irc.server.chat"
    ROOM = "irc.chat.#room"

    def launch(self, *options: str) -> None:
        needs("weechat-headless")
        self.fifo = self.directory / "fifo"
        commands = [
            "/set logger.file.flush_delay 0",
            f"/set fifo.file.path {self.fifo}",
            f"/set weechat.network.gnutls_ca_user {self.alice.ca}",
            f"/server add chat localhost/{self.server.port} -ssl",
            f"/set irc.server.chat.ssl_cert {self.alice.pem}",
            "/set irc.server.chat.nicks alice",
            "/set irc.server.chat.autojoin #room",
            "/set irc.server.chat.autoreconnect_delay 1",
            # These two hold back what is typed, so as to be gentle to servers.
            "/set irc.server_default.anti_flood_prio_high 0",
            "/set irc.server_default.anti_flood_prio_low 0",
            *options,
            "/connect chat",
        ]
        words = [word for command in commands for word in ("--run-command", command)]
        weechat = subprocess.Popen(
            ["weechat-headless", "--dir", str(self.directory / "weechat"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(weechat.wait, 20)
        self.addCleanup(weechat.kill)

    def launch_with_a_password(self, *options: str, mechanism: str = "plain") -> None:
        self.launch(
            f"/set irc.server.chat.sasl_mechanism {mechanism}",
            "/set irc.server.chat.sasl_username alice",
            f"/set irc.server.chat.sasl_password {PASSWORD}",
            *options,
        )

    def log_of(self, where: str) -> Path:
        return self.directory / "weechat" / "logs" / f"{where}.weechatlog"

    def wait_for(self, text: str, where: str = ROOM) -> None:
        self.wait_in(where, text)

    def type(self, text: str) -> None:
        until(self.fifo.exists, "WeeChat has no FIFO")
        self.fifo.write_text(f"{self.ROOM} *{text}\n")


class WeeChatTests(WeeChatTestCase):
    def assert_talks(self) -> None:
        self.wait_for("has joined #room")
        bob = self.bob_joins()
        self.type("hello from WeeChat")
        bob.expect(r"alice!\S+ PRIVMSG #room :hello from WeeChat$")
        bob.send("PRIVMSG #room :hello, WeeChat")
        self.wait_for("bob\thello, WeeChat")
        bob.send("PRIVMSG alice :between us")
        self.wait_for("bob\tbetween us", "irc.chat.bob")

    def test_with_a_password(self) -> None:
        self.start()
        self.launch_with_a_password()
        self.assert_talks()
        self.wait_for("peer's certificate is trusted", self.SERVER)
        # The server is killed: WeeChat returns by itself to a room that is as it was.
        self.type("/topic what lasts")
        self.wait_for('has changed topic for #room to "what lasts"')
        self.restart_on_the_same_port()
        self.wait_for('Topic for #room is "what lasts"')
        bob = self.bob_joins()
        self.type("here again")
        bob.expect(r"alice!\S+ PRIVMSG #room :here again$")

    def test_with_the_certificate_alone(self) -> None:
        self.start(accounts=_EXTERNAL)
        self.launch("/set irc.server.chat.sasl_mechanism external")
        self.assert_talks()
        self.assertIn("logged in as alice by EXTERNAL", self.server.log())


class IrssiTestCase(ProgramTestCase):
    STATUS = "status"
    ROOM = "room"

    def launch(self, network: str) -> None:
        needs("irssi", "tmux")
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        self.tmux("new-session", "-d", "-x", "150", "-y", "50",
                  f"irssi --home={self.directory / 'irssi'}", env=environment)  # fmt: skip
        self.addCleanup(self.tmux, "kill-server")
        self.wait_for("Irssi v")
        # These hold back what is typed, so as to be gentle to servers, and how soon it returns.
        self.type("/set cmd_queue_speed 10msec")
        self.type("/set cmds_max_at_once 1000")
        self.type("/set server_reconnect_time 1s")
        (self.directory / "windows").mkdir()
        self.type(f"/window log on {self.log_of(self.STATUS)}")
        self.type(f"/network add -nick alice {network} chat")
        self.type(
            f"/server add -tls -tls_verify -tls_cafile {self.alice.ca}"
            f" -tls_cert {self.alice.pem} -network chat localhost {self.server.port}"
        )
        self.type("/connect chat")
        self.wait_for("Welcome to the securechat network, alice")

    def tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-f", os.devnull, "-S", str(self.directory / "tmux"), *words],
            env=env, capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return done.stdout

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def wait_for(self, text: str) -> None:
        until(
            lambda: text in self.tmux("capture-pane", "-p", "-J"),
            f"{text!r} on irssi's screen",
        )

    def log_of(self, where: str) -> Path:
        return self.directory / "windows" / where

    def launch_with_a_password(self) -> None:
        self.launch(f'-sasl_mechanism PLAIN -sasl_username alice -sasl_password "{PASSWORD}"')

    def join(self) -> None:
        """Enter the room; its window is the one that is seen from then on."""
        self.type("/join #room")
        self.wait_for("has joined #room")
        self.type(f"/window log on {self.log_of(self.ROOM)}")
        until(self.log_of(self.ROOM).exists, "irssi writes no log")


class IrssiTests(IrssiTestCase):
    def assert_talks(self) -> None:
        self.type("/join #room")
        self.wait_for("has joined #room")
        bob = self.bob_joins()
        self.type("hello from irssi")
        bob.expect(r"alice!\S+ PRIVMSG #room :hello from irssi$")
        bob.send("PRIVMSG #room :hello, irssi")
        self.wait_for("bob> hello, irssi")

    def test_with_a_password(self) -> None:
        self.start()
        self.launch_with_a_password()
        self.assert_talks()

    def test_with_the_certificate_alone(self) -> None:
        self.start(accounts=_EXTERNAL)
        self.launch("-sasl_mechanism EXTERNAL")
        self.assert_talks()
        self.assertIn("logged in as alice by EXTERNAL", self.server.log())


class ConsoleTests(ProgramTestCase):
    def launch(self, account: str) -> Console:
        console = Console(
            [
                str(Path(sys.executable).with_name("securechat")), "connect", "--plain",
                f"localhost:{self.server.port}", "--password-file", str(self.home.password_file),
                "--dir", str(self.home.device(account).directory),
            ],
            Path(self.mktemp()),
        )  # fmt: skip
        self.addCleanup(console.end)
        return console

    def test_two_talk_and_return_after_a_crash(self) -> None:
        self.start()
        alice, bob = self.launch("alice"), self.launch("bob")
        for console in (alice, bob):
            console.wait_for("welcome: you are")
            console.type("/join #room")
            console.wait_for("#room -- here are")
        alice.type("/topic what lasts", "hello from the console")
        bob.wait_for("#room <alice> hello from the console")
        self.restart_on_the_same_port()
        for console in (alice, bob):
            console.wait_for("welcome: you are", times=2)
            console.wait_for("what lasts", times=2)
        bob.type("here again")
        alice.wait_for("#room <bob> here again")
        self.assertEqual(bob.end(), 0)

    def test_a_revoked_certificate_is_told_in_words(self) -> None:
        self.start()
        certificate = read_certificates(self.alice.pem)[0]
        self.home.authority.revoke(certificate.serial_number)
        self.server.stop()
        self.server.start()
        alice = self.launch("alice")
        alice.wait_for("revoked")
        self.assertEqual(alice.end(), 1)
        self.assertIn("the certificate of alice/laptop is revoked", self.server.log())


class Console:
    """One ``securechat connect``, with pipes and a file in place of a terminal."""

    def __init__(self, command: list[str], output: Path) -> None:
        self._output = output
        # What it keeps is this test's own.
        own = {"XDG_DATA_HOME": str(output.absolute().parent / "data")}
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | own,
            )

    def type(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._process.stdin.flush()

    def wait_for(self, text: str, times: int = 1) -> None:
        until(
            lambda: self._output.read_text().count(text) >= times,
            f"{times} times {text!r} in:\n{self._output.read_text()}",
        )

    def end(self) -> int:
        """End the input, and return the exit code."""
        try:
            self._process.communicate(timeout=20)
        finally:
            self._process.kill()
        return self._process.wait()
