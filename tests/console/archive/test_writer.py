"""What is written, and what goes when there is too much."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Gap
from chat.console.archive.file import open_archive
from chat.console.archive.limits import Limits
from chat.console.archive.reader import read_latest
from chat.console.archive.writer import Writer
from tests.console.archive.archives import numbers, said


class WriterTest(SynchronousTestCase):
    def setUp(self) -> None:
        path = Path(self.mktemp()).absolute() / "net.sqlite"
        self.connection, reader = open_archive(path)
        self.addCleanup(self.connection.close)
        reader.close()

    def test_a_batch_that_fails_leaves_no_trace(self) -> None:
        writer = Writer(self.connection)
        writer.write([said(1), Gap("#lab")])
        batch = [said(2), said(3, room="#new")]
        impossible = evolve(said(4), account=object())  # type: ignore[arg-type]
        self.assertRaises(sqlite3.Error, writer.write, [*batch, impossible])
        self.assertEqual(numbers(read_latest(self.connection, "#lab", 5)), ["1"])
        writer.write(batch)
        self.assertEqual(numbers(read_latest(self.connection, "#lab", 5)), ["1", "|2"])
        self.assertEqual(numbers(read_latest(self.connection, "#new", 5)), ["3"])

    def fill(self, limits: Limits, rooms: int, messages: int) -> None:
        writer = Writer(self.connection, limits)
        for number in range(messages):
            writer.write([said(number, room=f"#{number % rooms}")])

    def test_the_oldest_of_a_room_go(self) -> None:
        self.fill(Limits(100, 10_000), 1, 150)
        kept = numbers(read_latest(self.connection, "#0", 1000))
        self.assertEqual(kept[-1], "149")
        self.assertTrue(80 <= len(kept) <= 100, len(kept))

    def test_the_oldest_of_all_go(self) -> None:
        self.fill(Limits(100, 120), 4, 300)
        lengths = [len(read_latest(self.connection, f"#{room}", 1000)) for room in range(4)]
        self.assertTrue(100 <= sum(lengths) <= 120, lengths)
