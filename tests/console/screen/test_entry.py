"""The line that one types, with Textual's pilot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textual import events
from textual.pilot import Pilot

from chat.console.conversation import Stage
from chat.console.screen.app import ChatApp
from chat.console.screen.dialogs import Ask
from chat.console.screen.entry import Entry
from tests.console.screen.pilot import NOW, PilotTestCase


class EntryTest(PilotTestCase):
    @property
    def text(self) -> str:
        return self.app.query_one(Entry).text

    def with_editor(self, command: str) -> list[str]:
        """Have a command as the editor, and return when the terminal was its own."""
        self.patch(os, "environ", os.environ | {"VISUAL": command})
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.patch(tempfile, "tempdir", str(self.directory))
        suspended: list[str] = []

        @contextmanager
        def suspend() -> Iterator[None]:
            suspended.append("begin")
            yield
            suspended.append("end")

        self.patch(self.app, "suspend", suspend)
        self.addCleanup(lambda: self.assertEqual([*self.directory.iterdir()], []))
        return suspended

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

    def test_words(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(
                *"say it-now", "alt+backspace", "ctrl+w", *"on", "ctrl+left", "ctrl+left"
            )
            self.assertEqual(self.text, "say on")
            await pilot.press("ctrl+right", "ctrl+y")
            self.assertEqual(self.text, "sayit-now on")
            await pilot.press("alt+d", "ctrl+u", "ctrl+y", "ctrl+t")
            self.assertEqual(self.text, "sayit-now no")
            await pilot.press("ctrl+underscore", "ctrl+underscore")
            self.assertEqual(self.text, "")

        self.pilot(test)

    def test_the_cursor_is_seen_without_colours(self) -> None:
        def reversed_texts() -> list[str]:
            strips = self.app.screen._compositor.render_strips()
            segments = [segment for strip in strips for segment in strip]
            return [text for text, style, _ in segments if style is not None and style.reverse]

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"hello", "left")
            self.assertIn("o", reversed_texts())
            await pilot.press("ctrl+k", "x", "left")
            self.assertIn("x", reversed_texts())

        self.pilot(test)

    def test_cuts_behind_each_other_are_put_back_as_one(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"one two three", "ctrl+w", "left_control", "ctrl+w", *"x ", "ctrl+y")
            self.assertEqual(self.text, "one x two three")
            await pilot.press("ctrl+w", "ctrl+y", "ctrl+y")
            self.assertEqual(self.text, "one x two threethree")

        self.pilot(test)

    def test_cutting_over_lines(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"ab", "alt+enter", *"cd", "ctrl+u", "ctrl+u")
            self.assertEqual(self.text, "ab")
            await pilot.press("ctrl+y", "up", "alt+k", "alt+k")
            self.assertEqual(self.text, "ab")
            await pilot.press("ctrl+a", "ctrl+y")
            self.assertEqual(self.text, "\ncdab")

        self.pilot(test)

    def test_what_is_typed_is_told(self) -> None:
        told: list[str] = []

        class Told(ChatApp):
            def on_entry_edited(self, edited: Entry.Edited) -> None:
                told.append(edited.text)

        self.app = Told(self.model, self.program, lambda: NOW)

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("a", "b", "left", "ctrl+u", "ctrl+u", "enter", "up", "ctrl+a", "x")
            await pilot.press("ctrl+underscore", "ctrl+underscore")
            self.app.query_one(Entry).text = "a draft"
            await pilot.pause()

        self.pilot(test)
        self.assertEqual(told, ["a", "ab", "b", "b", "xb", "b"])

    def test_search_of_the_lines_typed_before(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            for line in ("make tea", "make coffee", "drink"):
                await pilot.press(*line, "enter")
            await pilot.press(*"half", "ctrl+r", *"make", "down", "enter")
            self.assertEqual(self.text, "make tea")
            await pilot.press("ctrl+underscore")
            self.assertEqual(self.text, "half")
            await pilot.press("ctrl+r", *"xyz", "enter")
            self.assertEqual(self.text, "half")

        self.pilot(test)
        self.assertEqual(len(self.sent()), 3)

    def test_an_editor_of_ones_own(self) -> None:
        script = "test $(stat -c %a%A $1) = 600-rw------- && printf 'two\\nlines\\033[2J\\n' > $1"
        suspended = self.with_editor(f'sh -c "{script}" sh')

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"begun", "ctrl+x")
            await self.app.workers.wait_for_complete()
            self.assertEqual(self.text, "two\nlines[2J")
            await pilot.press("ctrl+underscore")
            self.assertEqual(self.text, "begun")

        self.pilot(test)
        self.assertEqual((suspended, self.sent()), (["begin", "end"], []))

    def test_an_editor_that_fails(self) -> None:
        for command, reason in (
            ("false", "false ended with 1: what was typed is as it was"),
            ("sh -c 'kill -9 $$'", "sh was ended by signal 9: what was typed is as it was"),
            ("/no/such/editor", "/no/such/editor does not start (No such file or directory)"),
            ("'", "$VISUAL cannot be read"),
            ("sh -c 'head -c 70000 /dev/zero > $1' sh", "longer than 65536 bytes"),
            ("sh -c 'printf \"\\377\" > $1' sh", "not UTF-8"),
        ):
            self.with_editor(command)

            async def test(pilot: Pilot[None], reason: str = reason) -> None:
                await pilot.press(*"begun", "ctrl+x")
                await self.app.workers.wait_for_complete()
                self.assertEqual(self.text, "begun")
                self.assertIn(reason, self.screen())

            self.pilot(test, (120, 24))
            self.app = ChatApp(self.model, self.program, lambda: NOW)

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
            self.assertIs(self.conversation.stage, Stage.ONLINE)
            await pilot.press("ctrl+d")
            self.assertIs(self.conversation.stage, Stage.DRAINING)

        self.pilot(test)
