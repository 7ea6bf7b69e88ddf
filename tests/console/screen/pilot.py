"""The full-screen console with Textual's pilot, over a client in memory.

Each test has an event loop of its own: the reactor has no part in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner, Registered, Said
from chat.console.screen.panels import Panel
from chat.console.screen.screen import Screen
from chat.console.settings.keys import KEYS
from chat.console.settings.settings import Settings
from chat.irc.message import parse
from tests.console.fake_client import FakeClient

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)


class PilotTestCase(SynchronousTestCase):
    """One network, without an archive, whose client is in memory."""

    def setUp(self) -> None:
        self.client = FakeClient()
        self.tell = self.client.tell
        self.reactor = MemoryReactorClock()
        self.program = Screen(Settings(), KEYS, self.reactor, lambda: NOW)
        self.program.add("server", None, self.client.listen)  # type: ignore[arg-type]
        self.app = self.program.open()
        self.model = self.program.model
        [self.conversation] = self.program._conversations
        self.tell(Registered("alice", "alice"))
        self.receive(
            ":alice!u@h JOIN #lab", ":s 353 alice = #lab :@alice bert bob", ":s 366 alice #lab :End"
        )

    def receive(self, *lines: str) -> None:
        for line in lines:
            for event in self.client.state.receive(parse(line.encode())):
                self.tell(event)

    def said(self, text: str, room: str = "#lab", sender: str = "bob") -> None:
        self.tell(Said(room, sender, text, Manner.MESSAGE, False, NOW))

    def sent(self) -> list[str]:
        return [line for line in self.client.sent if line.startswith("PRIVMSG")]

    def pilot(
        self, test: Callable[[Pilot[None]], Awaitable[None]], size: tuple[int, int] = (80, 24)
    ) -> None:
        async def run() -> None:
            async with self.app.run_test(size=size) as pilot:
                await test(pilot)

        asyncio.run(run())

    def screen(self) -> str:
        """Return what the panels show, one after the other."""
        self.app.refresh_all()
        panels = [panel for panel in self.app.screen_stack[0].query(Panel) if panel.display]
        return "\n".join(
            panel.render_line(y).text
            for panel in panels
            if panel.display
            for y in range(panel.size.height)
        )

    @staticmethod
    async def wheel(pilot: Pilot[None], x: int, y: int, *, down: bool) -> None:
        kind = MouseScrollDown if down else MouseScrollUp
        await pilot._post_mouse_events([kind], offset=(x, y), button=0)

    def export(self) -> str:
        """Return what is seen, with what is open above the panels."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)
