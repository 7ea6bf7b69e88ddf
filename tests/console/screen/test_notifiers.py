"""Notices as the terminal and the desktop get them; the desktop's commands are scripts here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chat.console.model.notifications import Notice
from chat.console.screen.notifiers import (
    DEADLINE,
    MOST_AT_ONCE,
    Notifier,
    desktop_command,
    osc9,
)

NOTICE = Notice("securechat: bøb in #lab; $(id) `id` \"'")


def is_there(number: int) -> bool:
    """Whether there is a process with that number, be it a zombie."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


class TerminalTest(SynchronousTestCase):
    def written(self, way: str, **environment: str) -> str:
        written: list[str] = []
        notifier = Notifier(written.append, self.fail, None, None, environment)  # type: ignore[arg-type]
        notifier.give(NOTICE, way)
        return "".join(written)

    def test_bell(self) -> None:
        self.assertEqual(self.written("bell", TMUX="/tmp/tmux-0/default,1,0"), "\x07")

    def test_none(self) -> None:
        self.assertEqual(self.written("none"), "")

    def test_osc9(self) -> None:
        """iTerm2: "OSC 9 ; [Message content goes here] ST", which may be BEL."""
        self.assertEqual(self.written("osc9"), f"\x1b]9;{NOTICE.title}\x07")
        self.assertEqual(self.written("osc9", TMUX=""), osc9(NOTICE, in_tmux=False))

    def test_osc9_in_tmux(self) -> None:
        r"""tmux(1): "\\ePtmux;...\\e\\\\"; each escape inside is doubled."""
        self.assertEqual(
            self.written("osc9", TMUX="/tmp/tmux-0/default,1,0"),
            f"\x1bPtmux;\x1b\x1b]9;{NOTICE.title}\x07\x1b\\",
        )


class CommandTest(SynchronousTestCase):
    def test_each_platform(self) -> None:
        """The text is one argument, and never a part of a script or an option."""
        for platform, program in [("linux", "notify-send"), ("darwin", "osascript")]:
            command = desktop_command(NOTICE, platform)
            self.assertEqual((command[0], command[-1]), (program, NOTICE.title))
            self.assertEqual([word for word in command if "bøb" in word], [NOTICE.title])


class DesktopTest(TestCase):
    timeout = 20

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.clock = Clock()
        self.complaints: list[str] = []
        self.environment("/bin:/usr/bin")

    def environment(self, path: str) -> None:
        self.notifier = Notifier(
            self.fail,
            self.complaints.append,
            reactor,  # type: ignore[arg-type]
            self.clock,
            {"DIRECTORY": str(self.directory), "PATH": f"{self.directory}:{path}"},
        )

    def script(self, *lines: str) -> None:
        """Have notify-send note its number and arguments, and then do something."""
        path = self.directory / "notify-send"
        told = (
            "#!/bin/sh",
            'printf "%s\\n" "$@" >>"$DIRECTORY/arguments"',
            'echo $$ >>"$DIRECTORY/ids"',
        )
        path.write_text("\n".join((*told, *lines, "")))
        path.chmod(0o755)

    def ids(self) -> list[int]:
        path = self.directory / "ids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def are_gone(self, count: int = 1) -> bool:
        """Whether so many were run, and none is there any more, not even as a zombie."""
        ids = self.ids()
        return len(ids) == count and not any(map(is_there, ids))

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]

    async def test_it_is_run_and_reaped(self) -> None:
        self.script()
        self.notifier.give(NOTICE, "desktop")
        await self.until(self.are_gone)
        told = (self.directory / "arguments").read_text().splitlines()
        self.assertEqual(told, ["--app-name=securechat", "--", NOTICE.title])
        await self.until(lambda: not self.clock.getDelayedCalls())
        self.assertEqual(self.complaints, [])

    async def test_output_that_somebody_else_holds_open(self) -> None:
        self.script('sleep 100 & echo $! >"$DIRECTORY/other"')
        self.notifier.give(NOTICE, "desktop")
        await self.until(lambda: self.ids() and not self.clock.getDelayedCalls())
        os.kill(int((self.directory / "other").read_text()), 9)
        self.assertEqual(self.complaints, [])

    async def test_a_failure_is_told_once(self) -> None:
        self.script("printf 'no \\033[31mbus\\nmore\\n' >&2; exit 3")
        for count in (1, 2):
            self.notifier.give(NOTICE, "desktop")
            await self.until(lambda count=count: self.are_gone(count))
            await self.until(lambda: not self.clock.getDelayedCalls())
        self.assertEqual(
            self.complaints,
            [
                "no notification of the desktop: notify-send failed: no [31mbus:"
                " /set notify bell, or osc9, needs no other program"
            ],
        )

    async def test_failures_without_words(self) -> None:
        for line, told in [("exit 3", "exit code 3"), ("kill -TERM $$", "signal 15")]:
            self.complaints.clear()
            self.environment("/bin:/usr/bin")
            self.script(line)
            self.notifier.give(NOTICE, "desktop")
            await self.until(self.complaints.__len__)
            self.assertIn(f"notify-send failed: {told}: ", self.complaints[0])

    async def test_a_failure_whose_output_somebody_else_holds_open(self) -> None:
        self.script('sleep 100 & echo $! >"$DIRECTORY/other"', "exit 3")
        self.notifier.give(NOTICE, "desktop")
        await self.until(self.are_gone)
        self.clock.advance(DEADLINE)
        await self.until(self.complaints.__len__)
        os.kill(int((self.directory / "other").read_text()), 9)
        self.assertIn("notify-send failed: exit code 3: ", self.complaints[0])

    async def test_what_does_not_end(self) -> None:
        self.script("exec sleep 1000")
        self.notifier.give(NOTICE, "desktop")
        await self.until(self.ids)
        self.clock.advance(DEADLINE)
        await self.until(self.complaints.__len__)
        self.assertTrue(self.are_gone())
        self.assertIn("notify-send did not end within 5 seconds: ", self.complaints[0])

    async def test_only_so_many_at_once(self) -> None:
        self.script("exec sleep 1000")
        for _ in range(10):
            self.notifier.give(NOTICE, "desktop")
        await self.until(lambda: len(self.ids()) == MOST_AT_ONCE)
        self.clock.advance(DEADLINE)
        await self.until(lambda: self.are_gone(MOST_AT_ONCE))
        await self.until(self.complaints.__len__)
        self.script()
        self.notifier.give(NOTICE, "desktop")
        await self.until(lambda: self.are_gone(MOST_AT_ONCE + 1))
        await self.until(lambda: not self.clock.getDelayedCalls())

    def test_no_such_program(self) -> None:
        self.environment("")
        for _ in range(2):
            self.notifier.give(NOTICE, "desktop")
        self.assertEqual(
            self.complaints,
            [
                "no notification of the desktop: there is no notify-send here:"
                " /set notify bell, or osc9, needs no other program"
            ],
        )

    async def test_a_program_that_cannot_run(self) -> None:
        path = self.directory / "notify-send"
        path.write_bytes(b"\x00")
        path.chmod(0o755)
        self.notifier.give(NOTICE, "desktop")
        await self.until(self.complaints.__len__)
        self.assertIn("notify-send cannot be started: Exec format error: ", self.complaints[0])
