"""An archive in a real file, and messages to keep in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from chat.client.events import Manner, Said
from chat.console.archive import Archive
from chat.console.archive.reader import KeptMessage

T0 = datetime(2026, 5, 1, 12, tzinfo=UTC)


def said(number: int, text: str = "", room: str = "#lab", msgid: str | None = None) -> Said:
    """Return the message of so many seconds after the first."""
    time = T0 + timedelta(seconds=number)
    msgid = f"m{number}" if msgid is None else msgid
    text = text or f"text {number}"
    return Said(room, "bob", text, Manner.MESSAGE, False, time, msgid=msgid, account="bob")


def saids(*numbers: int) -> list[Said]:
    return [said(number) for number in numbers]


def numbers(messages: list[KeptMessage] | tuple[KeptMessage, ...]) -> list[str]:
    """Return the messages by their ids, with a bar where there is a gap."""
    return ["|" * each.gap_before + each.said.msgid.removeprefix("m") for each in messages]


class ArchiveCase(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute() / "scrollback" / "net.sqlite"
        self.failures: list[str] = []
        self.archive = self.open()

    def open(self) -> Archive:
        archive = Archive.open(self.path, reactor, self.failures.append)
        self.addCleanup(archive.close)
        return archive

    def note(self, *events: object) -> None:
        for event in events:
            self.archive.note(event)  # type: ignore[arg-type]

    async def written(self, archive: Archive | None = None) -> None:
        """Return behind all that was noted."""
        await (archive or self.archive).before("#none", said(0), 1)

    async def again(self) -> None:
        """Close and open."""
        await self.archive.close()
        self.archive = self.open()

    async def latest(self, room: str = "#lab", limit: int = 100) -> list[KeptMessage]:
        await self.written()
        return self.archive.latest(room, limit)
