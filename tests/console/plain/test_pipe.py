"""What is printed line by line: for people, and for programs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import DeviceInvited, Manner, Said
from chat.console.commands import CommandError, Connect, Pin, Search
from chat.console.lines import error, status
from chat.console.plain.pipe import LINES, RECORDS, Pipe

NOW = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))


class LinesTest(SynchronousTestCase):
    def test_what_was_said_on_another_day_has_its_date(self) -> None:
        for before, shown in (
            (timedelta(hours=1), "11:00 #lab <bob> hi"),
            (timedelta(hours=13), "2026-04-30 23:00 #lab <bob> hi"),
        ):
            said = Said("#lab", "bob", "hi", Manner.MESSAGE, False, NOW - before)
            self.assertEqual(list(LINES.event(said, NOW)), [shown])


class RecordsTest(SynchronousTestCase):
    def test_own_lines(self) -> None:
        for line, kind, text in (
            (error("There is no command /nope", NOW), "error", "There is no command /nope"),
            (status("-- /quit", NOW), "status", "-- /quit"),
        ):
            shown = {"type": kind, "time": "2026-05-01T10:00:00.000Z", "text": text}
            self.assertEqual(json.loads(RECORDS.line(line)), shown)

    def test_a_code_is_told_to_who_asked_for_it(self) -> None:
        [line] = RECORDS.event(DeviceInvited("phone", "alice@x:1/abcd", "until then"), NOW)
        self.assertEqual(json.loads(line)["code"], "alice@x:1/abcd")


class PipeTest(SynchronousTestCase):
    def test_what_needs_the_full_screen(self) -> None:
        pipe = Pipe(MemoryReactor())
        for action, name in (
            (Pin("#lab", True), "/pin"),
            (Connect(), "/connect"),
            (Search("words", everywhere=False), "/search"),
        ):
            error = self.assertRaises(CommandError, pipe.act, action)
            self.assertIn(f"{name} needs the full screen: ", str(error))
        pipe.act(Search("words", everywhere=True))
