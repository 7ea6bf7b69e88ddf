"""``securechat connect`` as a process: with a pipe, with /dev/null, on a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from chat.irc.message import Message
from tests.cli.programs import PROGRAM, ROOT, invoke
from tests.client.fake import PASSWORD, FakeServer, server_tls, until, write_profile
from tests.pki.networks import Network

reactor: Any = installed
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, "TERM": "xterm", "LC_ALL": "C.UTF-8"}


class Program(ProcessProtocol):
    """A ``securechat`` with pipes for its standard streams."""

    def __init__(
        self,
        *arguments: object,
        stdin: int | None = None,
        environment: Mapping[str, str] = MappingProxyType(ENVIRONMENT),
    ) -> None:
        self.out = self.err = ""
        self.exited: Deferred[int] = Deferred()
        command = [*PROGRAM, *map(str, arguments)]
        files = {0: "w" if stdin is None else stdin, 1: "r", 2: "r"}
        self.process = reactor.spawnProcess(
            self, command[0], command, dict(environment), str(ROOT), childFDs=files
        )

    def outReceived(self, data: bytes) -> None:
        self.out += data.decode()

    def errReceived(self, data: bytes) -> None:
        self.err += data.decode()

    def processEnded(self, reason: Any) -> None:
        self.exited.callback(0 if reason.check(ProcessDone) else reason.value.exitCode)

    async def end(self) -> None:
        """Kill it, if it is still there."""
        if not self.exited.called:
            self.process.signalProcess("KILL")
            await self.exited

    def type(self, text: str) -> None:
        self.process.write(text.encode())


class ServedTest(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()).absolute())

    async def serve(self, *mechanisms: str) -> FakeServer:
        server = FakeServer(*mechanisms)
        self.port = await server.listen(reactor, server_tls(self.network))
        self.addCleanup(server.stop, reactor)
        self.profile = write_profile(self.network, self.network.device(), self.port)
        return server

    def program(self, *arguments: object, stdin: int | None = None) -> Program:
        """Start a ``securechat`` that does not outlive the test."""
        program = Program(*arguments, stdin=stdin)
        self.addCleanup(program.end)
        return program


class PipeTest(ServedTest):
    async def test_nothing_to_read(self) -> None:
        """Without input: who is there, and exit code 0."""
        server = await self.serve()
        with Path(os.devnull).open("rb") as null:
            program = self.program("connect", "--dir", self.profile, stdin=null.fileno())
        self.assertEqual(await program.exited, 0, program.err)
        self.assertIn("localhost, TLSv1.3, TLS_", program.out)
        self.assertIn("welcome: you are alice", program.out)
        self.assertEqual(server.commands()[-1], "QUIT")

    async def test_lines_from_a_pipe(self) -> None:
        server = await self.serve()
        program = self.program("connect", "--dir", self.profile)
        program.type("/join lab\nhello\n/nope\n//etc\nno newline at the end: é")
        program.process.closeStdin()
        self.assertEqual(await program.exited, 0, program.err)
        texts = [params[1] for params in server.of("PRIVMSG")]
        self.assertEqual(texts, ["hello", "/etc", "no newline at the end: é"])
        self.assertRegex(program.out, r"(?m)^\d\d:\d\d #lab <alice> hello$")
        self.assertIn("!! There is no command /nope", program.out)

    async def test_lines_from_a_file(self) -> None:
        server = await self.serve()
        path = Path(self.mktemp())
        path.write_text("/join lab\n" + "".join(f"line {n}\n" for n in range(100)))
        with path.open("rb") as file:
            program = self.program("connect", "--dir", self.profile, stdin=file.fileno())
        self.assertEqual(await program.exited, 0, program.err)
        self.assertEqual([p[1] for p in server.of("PRIVMSG")], [f"line {n}" for n in range(100)])
        self.assertIn("line 99", program.out)

    async def test_server_that_returns(self) -> None:
        """What is typed while the server is away waits in the pipe."""
        server = await self.serve()
        program = self.program("connect", "--dir", self.profile)
        program.type("/join lab\n")
        await until(reactor, lambda: "alice has joined" in program.out)
        await server.stop(reactor)
        await until(reactor, lambda: "trying again" in program.out)
        program.type("are you back?\n")
        returned = FakeServer()
        await returned.listen(reactor, server_tls(self.network), self.port)
        self.addCleanup(returned.stop, reactor)
        await until(reactor, lambda: "are you back?" in program.out)
        self.assertEqual(returned.commands().count("JOIN"), 1)
        program.process.closeStdin()
        self.assertEqual(await program.exited, 0, program.err)

    async def test_signal(self) -> None:
        server = await self.serve()
        program = self.program("connect", "--dir", self.profile)
        await until(reactor, lambda: "welcome" in program.out)
        program.process.signalProcess("TERM")
        self.assertEqual(await program.exited, 0, program.err)
        self.assertEqual(server.commands()[-1], "QUIT")

    async def test_password(self) -> None:
        await self.serve("PLAIN")
        path = Path(self.mktemp()).absolute()
        for password, code in ((PASSWORD, 0), ("wrong", 1)):
            path.write_text(f"{password}\n")
            program = self.program("connect", "--dir", self.profile, "--password-file", path)
            program.process.closeStdin()
            self.assertEqual(await program.exited, code, program.err)
        self.assertRegex(program.err, r"^securechat: .* password of alice.*\n$")
        self.assertNotIn(PASSWORD, program.out + program.err)

    async def test_refusals_are_one_line(self) -> None:
        await self.serve("PLAIN")
        for arguments, words in (
            ((f"127.0.0.2:{self.port}",), "nobody listens there"),
            (("--account", "alice"), "give --password-file"),
        ):
            program = self.program("connect", *arguments, "--dir", self.profile)
            self.assertEqual(await program.exited, 1)
            self.assertRegex(program.err, rf"^securechat: [^\n]*{words}[^\n]*\n$")

    async def test_objects_for_programs(self) -> None:
        await self.serve()
        program = self.program("connect", "--dir", self.profile, "--json")
        program.process.write(b"/join lab\nbell \x07 and \xff\n/nope\n")
        program.process.closeStdin()
        self.assertEqual(await program.exited, 0, program.err)
        told = [json.loads(line) for line in program.out.splitlines()]
        self.assertEqual([each["type"] for each in told[:2]], ["connected", "welcome"])
        said = next(each for each in told if each["type"] == "message")
        self.assertEqual(
            (said["room"], said["text"], said["own"]), ("#lab", "bell \x07 and \ufffd", True)
        )
        errors = [each["text"] for each in told if each["type"] == "error"]
        self.assertEqual(len(errors), 1)
        self.assertIn("There is no command /nope", errors[0])

    async def test_without_a_command(self) -> None:
        """Options are those of ``connect``; nothing at all is help where nobody types."""
        await self.serve()
        program = self.program("--dir", self.profile, "--plain")
        program.process.closeStdin()
        self.assertEqual(await program.exited, 0, program.err)
        self.assertIn("welcome: you are alice", program.out)
        result = invoke()
        self.assertEqual((result.exit_code, result.stdout), (2, ""))
        self.assertIn("Commands:", result.stderr)

    def test_one_network_where_there_can_be_one(self) -> None:
        for words, told in (
            (("--dir", "a", "--dir", "b"), "lines are of one network: give one --dir"),
            (("--json", "--dir", "a", "--dir", "b"), "lines are of one network"),
        ):
            result = invoke("connect", *words)
            self.assertEqual(result.exit_code, 2)
            self.assertRegex(result.stderr, f"^securechat: {told}[^\n]*\n$")

    def test_help(self) -> None:
        result = invoke("connect", "--help")
        self.assertIn("Example", result.output)
        self.assertEqual(result.exit_code, 0)


class Screen:
    """A terminal of 100 by 30, in tmux."""

    def __init__(self) -> None:
        # Not trial's directory: the path of a socket has to be short.
        self.directory = tempfile.mkdtemp(prefix="securechat-")
        own = {f"XDG_{kind}_HOME": f"{self.directory}/{kind}" for kind in ("CONFIG", "DATA")}
        self._environment = ENVIRONMENT | own

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", f"{self.directory}/tmux", "-f", os.devnull, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self._environment
        )
        return done.stdout

    def close(self) -> None:
        self.tmux("kill-server")
        shutil.rmtree(self.directory)

    async def start(self, command: str) -> None:
        await deferToThread(
            self.tmux, "new-session", "-d", "-x", "100", "-y", "30", "-c", str(ROOT), command
        )

    async def program(self) -> int:
        """Return the process that the shell has started."""
        shell = (await deferToThread(self.tmux, "display", "-p", "#{pane_pid}")).strip()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text()
        return int(children.split()[0])

    async def keys(self, *keys: str) -> None:
        await deferToThread(self.tmux, "send-keys", *keys)

    async def wait(self, pattern: str) -> str:
        """Wait until the screen shows ``pattern``, and return the screen; on a busy machine too."""
        for _ in range(600):
            text = await deferToThread(self.tmux, "capture-pane", "-p")
            if re.search(pattern, text):
                return str(text)
            await until(reactor, _later(0.05))
        raise AssertionError(f"no {pattern!r} on the screen:\n{text}")


def _later(seconds: float) -> Any:
    end = reactor.seconds() + seconds
    return lambda: reactor.seconds() >= end


class TerminalTest(ServedTest):
    skip = None if shutil.which("tmux") else "tmux is not installed"

    async def start(self, *options: object) -> Screen:
        """Start the program on a terminal, with what ``stty`` says before and behind it."""
        screen = Screen()
        self.addCleanup(screen.close)
        words = (*PROGRAM, "connect", "--dir", self.profile, *options)
        program = " ".join(f"'{word}'" for word in words)
        await screen.start(
            f"stty -a > {screen.directory}/before; {program}; echo exit code $?;"
            f" stty -a | diff {screen.directory}/before - && echo as before; cat"
        )
        return screen

    async def test_full_screen(self) -> None:
        server = await self.serve()
        screen = await self.start()
        await screen.wait(r"(?s)welcome: you are alice.*alice \| online \| TLSv1.3 TLS_.*days")
        await screen.keys("/jo", "Tab", "lab", "Enter")
        await screen.wait(r"(?s)^#lab.*> 2 #lab.*@?alice.*bob")

        # What is typed stays below what arrives.
        await screen.keys("half a sen")
        (session,) = server.sessions
        session.say("PRIVMSG", "#lab", "hello \x1b[2J\x02alice", source="bob!b@h")
        await screen.wait(r"(?s)bob │ hello \[2Jalice.*half a sen")
        await screen.keys("tence", "Enter")
        await screen.wait("alice │ half a sentence")

        # Keys with Alt, as a terminal without the kitty protocol sends them.
        session.say("PRIVMSG", "alice", "psst", source="bob!b@h")
        await screen.wait(r"3 bob +!1")
        await screen.keys("M-3")
        await screen.wait(r"(?s)^bob.*new messages.*bob │ psst")
        await screen.keys("M-/")
        await screen.wait(r"> 2 #lab")
        await screen.keys("bo", "Tab", "one", "M-Enter", "two", "Enter")
        await screen.wait(r"(?s)alice │ bob: one.*two")

        # Ctrl+C never quits; an unknown command is not sent.
        await screen.keys("C-c")
        await screen.wait("/quit leaves")
        await screen.keys("/nope", "Enter")
        await screen.wait("There is no command /nope")
        texts = [params[1] for params in server.of("PRIVMSG")]
        self.assertEqual(texts, ["half a sentence", "bob: one", "two"])

        # A smaller terminal has no room at the sides.
        await deferToThread(screen.tmux, "resize-window", "-x", "50", "-y", "15")
        text = await screen.wait(r"(?s)^#lab.*two")
        self.assertNotIn("> 2 #lab", text)
        await deferToThread(screen.tmux, "resize-window", "-x", "100", "-y", "30")
        await screen.wait(r"> 2 #lab")

        # The server goes away and returns.
        await server.stop(reactor)
        await screen.wait(r"alice \| offline")
        returned = FakeServer()
        await returned.listen(reactor, server_tls(self.network), self.port)
        self.addCleanup(returned.stop, reactor)
        await screen.wait(r"alice \| online")
        await until(reactor, lambda: "JOIN" in returned.commands())
        await screen.keys("back again", "Enter")
        await screen.wait("alice │ back again")

        # The terminal is as it was.
        await screen.keys("/quit bye", "Enter")
        await screen.wait(r"exit code 0\s+as before")
        self.assertEqual(returned.received[-1], Message("QUIT", ("bye",)))

    async def test_a_profile_that_cannot_be_read(self) -> None:
        """The others open, and it is said."""
        await self.serve()
        broken = Path(self.mktemp()).absolute() / "ship"
        broken.mkdir(parents=True)
        screen = await self.start("--dir", broken)
        await screen.wait(r"(?s)!! │ ship: .* is no.*profile.*alice \| online")
        await screen.keys("/quit", "Enter")
        await screen.wait(r"exit code 0\s+as before")
        screen = await self.start("--dir", broken, "localhost")
        await screen.wait(r"(?s)securechat: HOST .* for one network.*exit code 2\s+as before")

    async def test_lines_on_a_terminal(self) -> None:
        """What arrives is printed above what is typed, also without a connection."""
        server = await self.serve()
        screen = await self.start("--plain")
        await screen.wait("welcome: you are alice")
        await screen.keys("/join lab", "Enter", "half a sen")
        await screen.wait("half a sen")
        (session,) = server.sessions
        session.say("PRIVMSG", "#lab", "hello \x1b[2J\x02alice", source="bob!b@h")
        text = await screen.wait(r"(?m)^\d\d:\d\d #lab <bob> hello \[2Jalice\nhalf a sen$")
        self.assertEqual(text.count("half a sen"), 1)
        await screen.keys("x", "BSpace", "Left", "tence", "Enter")
        await screen.wait(r"(?m)^half a sentence\n\d\d:\d\d #lab <alice> half a sentence$")
        # Longer than a row: it stays, and stands below once more.
        await screen.keys("long " * 25)
        await screen.wait("(long ){5}")
        session.say("PRIVMSG", "#lab", "in between", source="bob!b@h")
        await screen.wait(r"(?m)^long .*\nlong .*\n.*<bob> in between\nlong .*\nlong .*$")
        await screen.keys("C-u")
        await server.stop(reactor)
        await screen.wait("trying again")
        await screen.keys("are you back?")
        await screen.wait(r"(?m)^are you back\?$")
        await screen.keys("Enter")
        returned = FakeServer()
        await returned.listen(reactor, server_tls(self.network), self.port)
        self.addCleanup(returned.stop, reactor)
        await screen.wait("<alice> are you back")
        # Behind a stop it is all as before.
        pid = await screen.program()
        os.kill(pid, signal.SIGCONT)
        await screen.keys("and now", "Enter")
        await screen.wait(r"(?m)^and now\n\d\d:\d\d #lab <alice> and now$")
        await screen.keys("C-d")
        await screen.wait(r"exit code 0\s+as before")

    async def test_a_password_on_a_terminal(self) -> None:
        await self.serve("PLAIN")
        screen = await self.start("--plain")
        await screen.wait("Password of alice:")
        await screen.keys(PASSWORD, "Enter")
        await screen.wait("welcome: you are alice")
        await screen.keys("begun")
        await screen.wait("(?m)^begun")
        await screen.keys("C-c")
        text = await screen.wait(r"begun\s+exit code 0\s+as before")
        self.assertNotIn(PASSWORD, text)

    async def test_an_encoding_without_the_character(self) -> None:
        server = await self.serve()
        words = ("connect", "--dir", self.profile)
        program = Program(*words, environment=ENVIRONMENT | {"PYTHONIOENCODING": "ascii"})
        self.addCleanup(program.end)
        await until(reactor, lambda: "welcome" in program.out)
        server.sessions[0].say("PRIVMSG", "alice", "caf\u00e9 \U0001f44d", source="bob!b@h")
        await until(reactor, lambda: "<bob> caf? ?" in program.out)

    async def test_signals_leave_the_terminal_as_it_was(self) -> None:
        await self.serve()
        for name in ("INT", "TERM", "HUP"):
            screen = await self.start()
            await screen.wait(r"alice \| online")
            pid = await screen.program()
            # It was not stopped: nothing to take over again.
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, getattr(signal, f"SIG{name}"))
            await screen.wait(r"exit code 0\s+as before")

    async def test_the_window_is_closed(self) -> None:
        for option, ready in (("--account=alice", r"alice \| online"), ("--plain", "welcome")):
            server = await self.serve()
            screen = await self.start(option)
            await screen.wait(ready)
            pid = await screen.program()
            await deferToThread(screen.tmux, "kill-session")
            await until(reactor, lambda pid=pid: not Path(f"/proc/{pid}").exists())
            self.assertEqual(server.commands()[-1], "QUIT")

    async def test_a_failure_of_its_own(self) -> None:
        """One line and where to read more; nothing of what the program had in its variables."""
        await self.serve("PLAIN")
        (secret := Path(self.mktemp()).absolute()).write_text(f"{PASSWORD}\n")
        logs = Path(self.mktemp()).absolute()
        broken = (
            "from chat.console.screen.app import ChatApp;"
            "ChatApp.action_help = lambda self: 1 / 0;"
            "from chat.cli.main import main; main()"
        )
        screen = Screen()
        self.addCleanup(screen.close)
        await screen.start(
            f"stty -a > {screen.directory}/before; XDG_STATE_HOME={logs} {sys.executable} -c"
            f" '{broken}' connect --dir {self.profile} --password-file {secret};"
            f" echo exit code $?; stty -a | diff {screen.directory}/before - && echo as before; cat"
        )
        await screen.wait(r"alice \| online")
        await screen.keys("F1")
        text = await screen.wait(r"exit code 1\s+as before")
        told = " ".join(text.split("exit code")[0].split())
        self.assertRegex(told, r"^securechat: the console failed: [^:]*$")
        log = logs / "securechat" / "log" / "console.log"
        self.assertIn("ZeroDivisionError", log.read_text())
        self.assertNotIn(PASSWORD, text + log.read_text())
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)

    async def test_a_failure_behind_the_screen(self) -> None:
        """What Twisted tells of goes to the log, and not across the screen."""
        await self.serve()
        logs = Path(self.mktemp()).absolute()
        broken = (
            "from chat.console.model.model import Model;"
            "Model.typed = lambda self: __import__('twisted.internet.defer').internet.defer.fail("
            "ValueError('unseen')) and None;"
            "from chat.cli.main import main; main()"
        )
        screen = Screen()
        self.addCleanup(screen.close)
        await screen.start(
            f'XDG_STATE_HOME={logs} {sys.executable} -c "{broken}" connect --dir {self.profile};'
            " echo exit code $?; cat"
        )
        await screen.wait(r"alice \| online")
        await screen.keys("/help quit", "Enter")
        text = await screen.wait("/quit ")
        await screen.keys("C-q")
        text += await screen.wait("exit code 0")
        self.assertNotIn("Traceback", text)
        self.assertIn("ValueError: unseen", (logs / "securechat/log/console.log").read_text())

    async def test_password_is_asked_for(self) -> None:
        await self.serve("PLAIN")
        screen = await self.start()
        await screen.wait("Password of alice on")
        await screen.keys(PASSWORD, "Enter")
        text = await screen.wait("welcome: you are alice")
        self.assertNotIn(PASSWORD, text)
        await screen.keys("C-d")
        text = await screen.wait(r"exit code 0\s+as before")
        self.assertNotIn(PASSWORD, text)

    async def test_nobody_knows_the_password(self) -> None:
        await self.serve("PLAIN")
        screen = await self.start()
        await screen.wait("Password of alice on")
        await screen.keys("Escape")
        await screen.wait("/connect asks for it again")
        await screen.keys("/connect", "Enter")
        await screen.wait("Password of alice on")
        await screen.keys("C-q")
        await screen.wait(r"exit code 0\s+as before")
