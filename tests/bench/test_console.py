"""The benchmark of the console runs, and prints its tables; not what it measures."""

from __future__ import annotations

import shutil
import subprocess
import sys

from twisted.trial.unittest import TestCase

from tests.cli.programs import ROOT


class ConsoleBenchTests(TestCase):
    skip = None if shutil.which("tmux") else "tmux is not installed"

    def test_beside_whom_there_is(self) -> None:
        arguments = ("--lines", "60", "--seconds", "1", "--stored", "200", "--starts", "2")
        done = subprocess.run(
            [sys.executable, "-m", "bench", "console", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        for title in ("80x24, 60 lines", "200x60, 60 lines", "200 messages kept in ten rooms"):
            self.assertIn(title, done.stdout)
        self.assertRegex(done.stdout, r"\| securechat +\| +\d")
        if shutil.which("weechat-curses"):
            self.assertRegex(done.stdout, r"\| WeeChat +\| +\d")
