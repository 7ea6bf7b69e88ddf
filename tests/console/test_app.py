"""The full-screen console with Textual's pilot, over a client in memory.

Each test has an event loop of its own: the reactor has no part in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from textual import events
from textual.pilot import Pilot
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import ClientEvent, Disconnected, Manner, Registered, Said
from chat.console.app import ChatApp
from chat.console.dialogs import Ask, Help, Jump, help_text
from chat.console.entry import KEYS, Entry
from chat.console.lines import Line, lines_of
from chat.console.looks import segments
from chat.console.model import Model
from chat.console.panels import Panel
from chat.console.plain import Console, Input, Stage
from chat.console.wrapping import wrap
from chat.irc.message import parse
from tests.console.test_plain import FakeClient, FakeFront

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)


class ModelFront(FakeFront):
    """A front whose model a test draws when it wants to."""

    def attach(self, to: Input) -> None:
        self.model = Model(to.view)

    def tell(self, event: ClientEvent, now: datetime) -> None:
        self.model.hear(event, now)

    def forget(self, nick: str) -> None:
        self.model.forget(nick)

    def show(self, shown: Iterable[Line]) -> None:
        self.model.show(shown)


class AppTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.client = FakeClient()
        self.front = ModelFront(True)

        self.tell = self.client.tell
        self.console = Console(self.client.listen, self.front, Clock(), lambda: NOW)  # type: ignore[arg-type]
        self.app = ChatApp(self.front.model, self.console, lambda: NOW)
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

    def test_typing(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"hi", "enter", *"again", "alt+enter", *"and", "enter")
            sent = ["PRIVMSG #lab hi", "PRIVMSG #lab again", "PRIVMSG #lab and"]
            self.assertEqual(self.sent(), sent)
            await pilot.press(*["up"] * 3, "enter")
            self.assertEqual(self.sent()[-1], "PRIVMSG #lab hi")

        self.pilot(test)

    def test_readline(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"one two", "ctrl+w", *"six", "ctrl+a", *"x", "alt+f", *"-")
            await pilot.press("ctrl+e", "alt+b", "alt+k", *"5", "left", "backspace", "enter")
            self.assertEqual(self.sent(), ["PRIVMSG #lab xone-5"])

        self.pilot(test)

    def test_completion(self) -> None:
        self.said("hello")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("b", "tab", *"x", "enter", "b", "tab", "tab")
            self.assertEqual(self.sent(), ["PRIVMSG #lab :bob: x"])
            self.assertEqual(self.app.query_one(Entry).text, "bert: ")
            self.assertIn("bob:  bert:", self.screen())
            await pilot.press("x")
            self.assertNotIn("bob:  bert:", self.screen())

        self.pilot(test)

    def test_rooms(self) -> None:
        self.receive(":alice!u@h JOIN #other")
        self.said("psst", "bob")

        async def test(pilot: Pilot[None]) -> None:
            self.assertRegex(self.screen(), r"> 2 #lab.*\n +3 #other.*\n +4 bob +!1 ")
            for key, title in (
                ("alt+a", "bob"), ("alt+slash", "#lab"), ("alt+down", "#other"), ("ctrl+p", "#lab"),
                ("alt+up", "server"), ("ctrl+n", "#lab"), ("alt+3", "#other"), ("alt+9", "#other"),
            ):  # fmt: skip
                await pilot.press(key)
                self.assertEqual(self.front.model.shown.title, title, key)
            await pilot.press(*"hi", "enter")
            self.assertEqual(self.sent(), ["PRIVMSG #other hi"])
            await pilot.click("#rooms", offset=(3, 3))
            self.assertEqual(self.front.model.shown.title, "bob")

        self.pilot(test)

    def test_close(self) -> None:
        self.said("psst", "bob")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("alt+3", *"/close", "enter")
            self.assertRegex(self.screen(), r"> 2 #lab")
            self.assertNotIn("3 bob", self.screen())
            await pilot.press("alt+slash")
            self.assertRegex(self.screen(), r"> 1 server")

        self.pilot(test)

    def test_jump(self) -> None:
        self.receive(":alice!u@h JOIN #other")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+k")
            self.assertIsInstance(self.app.screen, Jump)
            await pilot.press(*"otr", "enter")
            self.assertEqual(self.front.model.shown.title, "#other")
            await pilot.press("ctrl+k", "escape", *"hi", "enter")
            self.assertEqual(self.sent(), ["PRIVMSG #other hi"])

        self.pilot(test)

    def test_help_tells_every_key_and_command(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            for key in ("f1", "escape"):
                await pilot.press(key)
                self.assertIsInstance(self.app.screen, Help)
                await pilot.press("escape")
            await pilot.press(*"hi", "enter")

        self.pilot(test)
        self.assertEqual(self.sent(), ["PRIVMSG #lab hi"])
        text = help_text().plain
        for word in ("Alt+1", "Ctrl+K", "PgUp", "/join ROOM", "/quit"):
            self.assertIn(word, text)

    def test_keys_do_what_the_help_says(self) -> None:
        for key in KEYS:
            name, _, _ = key.action.partition("(")
            owner = self.app if name.startswith("app.") else Entry
            self.assertTrue(hasattr(owner, f"action_{name.removeprefix('app.')}"), key)

    def test_many_lines_are_asked_about(self) -> None:
        text = "".join(f"line {number}\x1b[2J\r\n" for number in range(5))

        async def test(pilot: Pilot[None]) -> None:
            self.app.query_one(Entry).post_message(events.Paste(text))
            await pilot.press("enter")
            self.assertIsInstance(self.app.screen, Ask)
            await pilot.press("escape")
            self.assertEqual(self.sent(), [])
            self.assertTrue(self.app.query_one(Entry).text.startswith("line 0[2J\nline 1"))
            await pilot.press("enter", "enter")
            self.assertEqual(len(self.sent()), 5)
            self.assertEqual(self.app.query_one(Entry).text, "")

        self.pilot(test)

    def test_leaving(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+c")
            self.assertIn("Ctrl+Q or /quit leaves", self.screen())
            await pilot.press("x", "ctrl+d", "ctrl+a", "ctrl+d")
            self.assertIs(self.console.stage, Stage.ONLINE)
            await pilot.press("ctrl+d")
            self.assertIs(self.console.stage, Stage.DRAINING)

        self.pilot(test)

    def test_sizes(self) -> None:
        """The sides hide where it is narrow, and show when they are asked for."""
        self.said("hi", "bob")

        async def narrow(pilot: Pilot[None]) -> None:
            self.assertNotIn("2 #lab", self.screen())
            self.assertIn("unread 3:!1", self.screen())
            await pilot.press("f2", "f3")
            self.assertRegex(self.screen(), r"(?s)> 2 #lab.* 3 here *\n @alice")
            await pilot.resize_terminal(10, 3)
            self.screen()

        async def wide(pilot: Pilot[None]) -> None:
            self.assertRegex(self.screen(), r"(?s)> 2 #lab.* 3 here *\n @alice")

        self.pilot(narrow, (50, 12))
        self.app = ChatApp(self.front.model, self.console, lambda: NOW)
        self.pilot(wide, (200, 60))

    def test_scrolling(self) -> None:
        for number in range(100):
            self.said(f"message {number}")

        async def test(pilot: Pilot[None]) -> None:
            self.assertIn("message 99", self.screen())
            await pilot.press("pageup", "pageup")
            self.said("message 100")
            self.assertNotIn("message 99", self.screen())
            self.assertIn("older lines", self.screen())
            await pilot.press(*["pagedown"] * 3)
            self.assertIn("message 100", self.screen())
            self.assertNotIn("older lines", self.screen())

        self.pilot(test)

    def test_what_people_say_is_no_markup_and_no_terminal_control(self) -> None:
        hostile = "[red]x[/] [@click=app.quit]y[/] \x1b]0;title\x07 \x02bold\x02 \x9b31m \u202ex"
        self.said(hostile)
        self.receive(f":bob!u@h TOPIC #lab :{hostile}")

        async def test(pilot: Pilot[None]) -> None:
            screen = self.screen()
            self.assertIn("<bob> [red]x[/] [@click=app.quit]y[/] ]0;title bold 31m x", screen)
            self.assertTrue(screen.replace("\n", "").isprintable())

        self.pilot(test, (120, 24))

    def test_offline(self) -> None:
        self.tell(Disconnected("gone"))

        async def test(pilot: Pilot[None]) -> None:
            self.assertIn("alice | offline", self.screen())
            await pilot.press(*"hi", "enter")
            self.assertEqual(self.sent(), [])
            self.assertIn("waits for the connection: hi", self.screen())
            self.tell(Registered("alice", "alice"))
            self.assertEqual(self.sent(), ["PRIVMSG #lab hi"])

        self.pilot(test)


class LooksTest(SynchronousTestCase):
    def test_an_address_stays_whole_over_rows(self) -> None:
        said = Said(
            "#lab", "bob", "(see https://x.org/long-path), or http://y.org.", Manner.MESSAGE, False
        )
        [line] = lines_of(said, NOW)
        links = [
            (segment.text, segment.style.link)
            for row in wrap(line.pieces, 20)
            for segment in segments(row)
            if segment.style is not None and segment.style.link
        ]
        address = "https://x.org/long-path"
        self.assertEqual(
            links,
            [(address[:20], address), (address[20:], address), ("http://y.org", "http://y.org")],
        )
