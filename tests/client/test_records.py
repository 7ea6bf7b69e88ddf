"""Events for programs: each kind has a form, and no text breaks a line."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from attrs import fields
from twisted.trial.unittest import SynchronousTestCase

from chat.client import events
from chat.client.events import ClientEvent, JoinedRoom, Manner, Said, Secured
from chat.client.records import TYPES, Record, json_line, record_of
from tests.cli.programs import ROOT

NOW = datetime(2026, 5, 1, 12, 0, 0, 5000, tzinfo=UTC)
#: Everything that could end a line, or do something to a terminal.
HOSTILE = '\r\n\x1b[2J\x00\x7f\x85\u2028\u202e\ud800 "é" 👍'
VALUES: dict[str, Any] = {
    "str": HOSTILE,
    "str | None": HOSTILE,
    "int": 3,
    "float": 0.5,
    "bool": True,
    "datetime": NOW,
    "datetime | None": NOW,
    "Manner": Manner.ACTION,
    "Seal | None": None,
    "tuple[str, ...]": (HOSTILE, HOSTILE),
    "tuple[Said, ...]": (),
    "tuple[Said | Reacted | Redacted, ...]": (),
}


def kinds() -> set[type[ClientEvent]]:
    """Return the classes of all events that a client tells."""
    found = {value for value in vars(events).values() if isinstance(value, type)}
    return {each for each in found if issubclass(each, ClientEvent)} - {ClientEvent}


def record_of_any(kind: type[ClientEvent]) -> Record:
    """Return the form of an event of that kind."""
    values = {each.name: VALUES[str(each.type)] for each in fields(kind)}
    return record_of(kind(**values), NOW)


class RecordTest(SynchronousTestCase):
    def test_every_kind_has_a_name_of_its_own(self) -> None:
        self.assertEqual(kinds(), set(TYPES))
        self.assertEqual(len(set(TYPES.values())), len(TYPES))

    def test_every_kind_is_one_line(self) -> None:
        for kind in kinds():
            line = json_line(record_of_any(kind))
            self.assertTrue(line.isascii() and line.isprintable(), line)
            record = json.loads(line)
            self.assertEqual(record["type"], TYPES[kind])
            self.assertEqual(record.get("text", HOSTILE), HOSTILE)

    def test_the_page_for_people_tells_them_all(self) -> None:
        page = (ROOT / "docs" / "scripts.md").read_text()
        for kind, name in TYPES.items():
            [row] = re.findall(rf"(?m)^\| .*`{name}`[^|]* \| .*$", page)
            if kind is not Said:
                for each in set(record_of_any(kind)) - {"type", "time"}:
                    self.assertIn(f"`{each}`", row)

    def test_a_message(self) -> None:
        """What it says has the names that ``securechat tail --json`` gives it."""
        time = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
        said = Said("#lab", "bob", "hi\nall", Manner.MESSAGE, False, time, msgid="x", account="b")
        self.assertEqual(
            record_of(said, NOW),
            {
                "type": "message",
                "time": "2026-05-01T12:00:00.000Z",
                "room": "#lab",
                "sender": "bob",
                "text": "hi\nall",
                "kind": "message",
                "own": False,
                "name": "",
                "msgid": "x",
                "replayed": False,
                "reply_to": None,
                "account": "b",
            },
        )

    def test_times(self) -> None:
        """Where the server told none it is now; another than ``time`` may be missing."""
        record = record_of(JoinedRoom("#lab", "bob", own=False), NOW)
        self.assertEqual(record["time"], "2026-05-01T12:00:00.005Z")
        record = record_of(Secured("a:1", "a", "TLSv1.3", "X", NOW, None), NOW)
        self.assertEqual(record["server_expires"], "2026-05-01T12:00:00.005Z")
        self.assertIsNone(record["own_expires"])
