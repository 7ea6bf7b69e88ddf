"""``securechat connect`` as a process: with a pipe, with /dev/null, on a terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
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

    def __init__(self, *arguments: object, stdin: int | None = None) -> None:
        self.out = self.err = ""
        self.exited: Deferred[int] = Deferred()
        command = [*PROGRAM, *map(str, arguments)]
        files = {0: "w" if stdin is None else stdin, 1: "r", 2: "r"}
        self.process = reactor.spawnProcess(
            self, command[0], command, ENVIRONMENT, str(ROOT), childFDs=files
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

    def test_help(self) -> None:
        result = invoke("connect", "--help")
        self.assertIn("Example", result.output)
        self.assertEqual(result.exit_code, 0)


class Screen:
    """A terminal of 100 by 30, in tmux."""

    def __init__(self) -> None:
        # Not trial's directory: the path of a socket has to be short.
        self.directory = tempfile.mkdtemp(prefix="securechat-")

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", f"{self.directory}/tmux", "-f", os.devnull, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        return done.stdout

    def close(self) -> None:
        self.tmux("kill-server")
        shutil.rmtree(self.directory)

    async def start(self, command: str) -> None:
        await deferToThread(
            self.tmux, "new-session", "-d", "-x", "100", "-y", "30", "-c", str(ROOT), command
        )

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

    async def test_prompt(self) -> None:
        server = await self.serve()
        screen = Screen()
        self.addCleanup(screen.close)
        program = " ".join(f"'{word}'" for word in (*PROGRAM, "connect", "--dir", self.profile))
        await screen.start(f"{program}; echo exit code $?; stty -a; cat")
        await screen.wait(r"alice>")
        await screen.keys("/jo", "Tab", "lab", "Enter")
        await screen.wait(r"#lab>")
        await screen.wait("here are @alice bob")

        # What is typed stays below what arrives.
        await screen.keys("half a sen")
        await screen.wait("#lab> half a sen")
        (session,) = server.sessions
        session.say("PRIVMSG", "#lab", "hello \x1b[2J\x02alice", source="bob!b@h")
        await screen.wait(r"(?s)<bob> hello.*#lab> half a sen")
        await screen.keys("tence", "Enter")
        await screen.wait("<alice> half a sentence")

        # Ctrl+C never quits; Tab completes who spoke; an unknown command is not sent.
        await screen.keys("C-c")
        await screen.wait("/quit leaves")
        await screen.keys("bo", "Tab", "hi", "Enter")
        await screen.wait("<alice> bob: hi")
        await screen.keys("/nope", "Enter")
        await screen.wait("There is no command /nope")
        self.assertEqual(server.of("PRIVMSG"), [("#lab", "half a sentence"), ("#lab", "bob: hi")])

        # The server goes away and returns.
        await server.stop(reactor)
        await screen.wait(r"#lab \(offline\)>")
        returned = FakeServer()
        await returned.listen(reactor, server_tls(self.network), self.port)
        self.addCleanup(returned.stop, reactor)
        await screen.wait(r"(?s)trying again.*#lab>")
        await until(reactor, lambda: "JOIN" in returned.commands())
        await screen.keys("back again", "Enter")
        await screen.wait("<alice> back again")

        # The terminal is as it was.
        await screen.keys("/quit bye", "Enter")
        await screen.wait("exit code 0")
        await screen.wait(r"\bicanon\b")
        await screen.wait(r"(?<!-)\becho\b")
        self.assertEqual(returned.received[-1], Message("QUIT", ("bye",)))

    async def test_password_is_asked_for(self) -> None:
        await self.serve("PLAIN")
        screen = Screen()
        self.addCleanup(screen.close)
        program = " ".join(f"'{word}'" for word in (*PROGRAM, "connect", "--dir", self.profile))
        await screen.start(f"{program}; echo exit code $?; cat")
        await screen.wait("Password of alice:")
        await screen.keys(PASSWORD, "Enter")
        text = await screen.wait("welcome: you are alice")
        self.assertNotIn(PASSWORD, text)
        await screen.keys("C-d")
        await screen.wait("exit code 0")
