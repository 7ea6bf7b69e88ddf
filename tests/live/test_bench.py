"""The benchmarks run, check what they promise, and print their tables; not what they measure."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import TestCase

from tests.cli.programs import ROOT


class BenchTests(TestCase):
    def bench(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_history(self) -> None:
        arguments = ("--size", "10000", "--requests", "2", "--database", "sqlite")
        out = self.bench("history", *arguments)
        self.assertRegex(out, r"\| BEFORE a msgid +\| 10,000 +\| +\d+\.\d\d +\|")

    def test_durability(self) -> None:
        arguments = ("--rate", "200", "--seconds", "1", "--clients", "4", "--rival", "none")
        out = self.bench("durability", *arguments, "--database", "sqlite")
        self.assertRegex(out, r"\| sqlite +\| 200 +\| ")
        self.assertIn("Every echoed message is in its log, once and in order.", out)

    def test_connect(self) -> None:
        out = self.bench("connect", "--connections", "40", "--clients", "20", "--rival", "none")
        self.assertRegex(out, r"\| securechat +\| full +\| 40 +\| ")
        self.assertRegex(out, r"\| securechat +\| resumed +\| 40 +\| ")
        self.assertRegex(out, r"\| after a restart +\| 20 +\| +\d")

    def test_the_scenarios_are_listed(self) -> None:
        out = self.bench("--help")
        for name in ("durability", "history", "connect", "SCENARIO=history ARGS="):
            self.assertIn(name, out)
