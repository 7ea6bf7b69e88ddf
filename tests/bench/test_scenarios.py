"""The benchmarks run, check what they promise, and print their tables; not what they measure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import TestCase

from bench.comparing import Column, Figure, Runs, number
from bench.generator import Target, generator
from bench.plot import plot
from bench.report import Bar, Report, Table
from bench.rivals import RIVALS
from bench.writing import write
from tests.bench.unreliable import Mistake, unreliable
from tests.cli.programs import ROOT
from tests.support.servers import make_home

_ALONE = ("--against", "none")
_SMALL = ("--database", "sqlite", "--repetitions", "1")


class BenchTests(TestCase):
    def bench(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def test_fanout_beside_whom_there_is(self) -> None:
        arguments = ("--clients", "5", "--more-clients", "8", "--messages", "6")
        out = self.bench("fanout", *arguments, "--repetitions", "1")
        for title in ("5 clients, 10 senders, window 4:", "8 clients, 10 senders:", "all tags:"):
            self.assertIn(title, out)
        for rival in RIVALS.values():
            if rival.path() is not None:
                self.assertRegex(out, rf"\| {rival.name} +\| +\d")

    def test_latency(self) -> None:
        out = self.bench("latency", "--clients", "4", "--seconds", "0.2", *_ALONE, *_SMALL)
        self.assertRegex(out, r"\| securechat, SQLite \| \d")

    def test_direct(self) -> None:
        out = self.bench("direct", "--pairs", "2", "--messages", "5", *_ALONE, *_SMALL)
        self.assertRegex(out, r"\| securechat, SQLite \| \d")

    def test_durability(self) -> None:
        arguments = ("--rate", "200", "--seconds", "0.5", "--clients", "4", *_ALONE, *_SMALL)
        out = self.bench("durability", *arguments)
        self.assertIn("Every message that was echoed is in its log, once and in order.", out)

    def test_history(self) -> None:
        arguments = ("--messages", "10000", "--requests", "2", *_ALONE, *_SMALL)
        out = self.bench("history", *arguments)
        self.assertRegex(out, r"\| securechat, SQLite \| BEFORE a msgid +\| \d")

    def test_connect(self) -> None:
        out = self.bench("connect", "--connections", "20", *_ALONE, *_SMALL)
        resumed = out.partition("Resumed, ")[2]
        self.assertRegex(resumed, r"\| securechat, SQLite \| \d")

    def test_login(self) -> None:
        arguments = ("--passwords", "1", "--certificates", "3", *_ALONE, *_SMALL)
        out = self.bench("login", *arguments)
        self.assertIn("With a password:", out)

    def test_storm(self) -> None:
        out = self.bench("storm", "--clients", "10", *_ALONE, *_SMALL)
        self.assertRegex(out, r"\| securechat, SQLite \| \d.* \| 0 +\|")

    def test_idle(self) -> None:
        out = self.bench("idle", "--clients", "20", *_ALONE, *_SMALL)
        self.assertIn("KiB/client", out)

    def test_startup(self) -> None:
        out = self.bench("startup", "--rooms", "20", "--accounts", "20", *_SMALL)
        self.assertIn("20 rooms and 20 accounts:", out)

    def test_joins(self) -> None:
        arguments = ("--members", "4", "--newcomers", "3", *_ALONE, *_SMALL)
        out = self.bench("joins", *arguments)
        self.assertRegex(out, r"\| 4 +\| \d")

    def test_slow_reader(self) -> None:
        arguments = ("--clients", "8", "--seconds", "0.5", "--rate", "20", *_SMALL)
        out = self.bench("slow-reader", *arguments)
        self.assertIn("One of them does not read:", out)

    def test_burst(self) -> None:
        out = self.bench("burst", "--messages", "400", "--clients", "4", *_SMALL)
        self.assertIn("400 messages of 4 clients:", out)

    def test_bystanders(self) -> None:
        arguments = ("--messages", "1000", "--clients", "4", "--seconds", "0.2", *_SMALL)
        out = self.bench("bystanders", *arguments)
        self.assertRegex(out, r"\| securechat, SQLite \| SEARCH +\| ")

    def test_the_scenarios_are_listed_and_have_their_place_in_the_docs(self) -> None:
        out = self.bench("--help")
        page = (ROOT / "docs" / "performance.md").read_text()
        for file in (ROOT / "bench" / "scenarios").glob("[a-z]*.py"):
            name = file.stem.replace("_", "-")
            self.assertIn(f"\n  {name} ", out)
            self.assertEqual(page.count(f"<!-- {name}: begin -->"), 1, name)


class FaultTests(TestCase):
    """What a server does wrong is found out."""

    def faults(self, mistake: Mistake, window: int = 1) -> list[str]:
        """Return what is found while one says four messages, and the other hears them."""
        home = make_home()
        device = home.device("alice")
        with unreliable(home, mistake) as port:
            target = Target(f"127.0.0.1:{port}", device.ca, device.pem, (os.getpid(),))
            with generator("it", target) as load:
                load.order("dial", group="g", count=2, limit=5)
                load.order("join", group="g", first=1, room="#r", limit=5)
                talk = {"room": "#r", "senders": 1, "messages": 4, "window": window, "size": 40}
                return list(load.order("talk", group="g", limit=1, **talk).faults())

    def test_nothing(self) -> None:
        self.assertEqual(self.faults(lambda count, line: [line]), [])

    def test_lost(self) -> None:
        found = self.faults(lambda count, line: [] if count == 3 else [line])
        self.assertEqual(found, ["it was not over after 1 s", "1 messages not delivered"])

    def test_repeated(self) -> None:
        found = self.faults(lambda count, line: [line] * (2 if count == 3 else 1))
        self.assertEqual(found, ["1 messages repeated"])

    def test_out_of_order(self) -> None:
        kept: list[bytes] = []

        def swap(count: int, line: bytes) -> list[bytes]:
            kept.append(line)
            if count == 1:
                return []
            return [line, kept[1]] if count == 2 else [line]

        found = self.faults(swap, window=4)
        self.assertEqual(found, ["1 messages out of order"])

    def test_strange(self) -> None:
        found = self.faults(lambda count, line: [line, line.replace(b"s00000", b"s00007")])
        self.assertEqual(found, ["4 messages that nobody sent"])


class ComparingTests(TestCase):
    def test_ratios_are_to_the_best_rival_of_the_same_round(self) -> None:
        runs = Runs({"ours": [2.0, 8.0], "a": [1.0, 8.0], "b": [2.0, 4.0]}, frozenset({"ours"}))
        least, most = (Column[float]("cost", float, best) for best in (min, max))
        self.assertEqual(runs.ratio("ours", least).values, (2.0, 2.0))
        self.assertEqual(runs.ratio("ours", most).values, (1.0, 1.0))

    def test_a_figure_shows_its_spread(self) -> None:
        self.assertEqual(str(Figure((3.0, 1.0, 2.0))), "2.00 (1.00..3.00)")
        self.assertEqual(str(Figure((1.0, 1.0))), "1.00")
        self.assertEqual(str(Figure(())), "-")

    def test_numbers_have_the_digits_that_count(self) -> None:
        shown = [number(value) for value in (0.126, 12.34, 123.4, 12345.0, float("nan"))]
        self.assertEqual(shown, ["0.13", "12.3", "123", "12k", "-"])


class WritingTests(TestCase):
    def test_only_the_place_of_the_scenario_is_replaced(self) -> None:
        page = Path(self.mktemp())
        page.write_text("before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n")
        write("a", "here", Report([Table("title", ["head"], [["cell"]])]), page)
        text = page.read_text()
        self.assertTrue(text.startswith("before\n<!-- a: begin -->\n\nhere\n\ntitle:\n"), text)
        self.assertTrue(text.endswith("| cell |\n\n<!-- a: end -->\nafter\n"), text)

    def test_the_longest_bar_is_the_largest_of_its_title(self) -> None:
        picture = plot([Bar("t", "ours <1>", 2.0, True), Bar("t", "theirs", 4.0, False)])
        self.assertIn("ours &lt;1&gt;", picture)
        self.assertIn('width="250.0"', picture)
        self.assertIn('width="500.0"', picture)
