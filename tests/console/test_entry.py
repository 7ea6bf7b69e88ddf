"""What one types, and what the keys open, with Textual's pilot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textual import events
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot
from twisted.trial.unittest import SynchronousTestCase

from chat.console.app import ChatApp
from chat.console.commands import COMMANDS
from chat.console.dialogs import Ask, Choose, Jump, Password, Rows
from chat.console.entry import Entry
from chat.console.help import Help, Section, command_sections, key_sections
from chat.console.key_names import alt_sequences
from chat.console.keys import KEYS, rebound
from chat.console.plain import Stage
from tests.console.pilot import NOW, PilotTestCase


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
            self.assertIs(self.console.stage, Stage.ONLINE)
            await pilot.press("ctrl+d")
            self.assertIs(self.console.stage, Stage.DRAINING)

        self.pilot(test)


class DialogsTest(PilotTestCase):
    def test_jump(self) -> None:
        self.receive(":alice!u@h JOIN #other")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+k")
            self.assertIsInstance(self.app.screen, Jump)
            await pilot.press(*"otr", "enter")
            self.assertEqual(self.model.shown.title, "#other")
            await pilot.press("ctrl+k")
            self.assertRegex(self.export(), r"> server .*\n.*  #lab .*\n.*  #other ")
            await pilot.press("down", "pagedown", "up")
            self.assertRegex(self.export(), r"  server .*\n.*> #lab .*\n.*  #other ")
            await pilot.click(Rows, offset=(3, 0))
            self.assertEqual(self.model.shown.title, "server")
            await pilot.press("alt+3", "ctrl+k", "escape", "ctrl+k", "ctrl+c", *"hi", "enter")
            self.assertEqual(self.sent(), ["PRIVMSG #other hi"])

        self.pilot(test)

    def test_a_long_list_scrolls(self) -> None:
        numbers = [f"number {number}" for number in range(500)]
        chosen: list[str | None] = []

        async def test(pilot: Pilot[None]) -> None:
            find = lambda letters: [text for text in numbers if letters in text]  # noqa: E731
            self.app.push_screen(Choose(find, str, "letters"), chosen.append)
            await pilot.press(*["pagedown"] * 3, "up")
            self.assertRegex(self.export(), r"> number 29 .*\n.*  number 30 ")
            self.assertNotIn("number 5 ", self.export())
            await pilot.press(*"49")
            self.assertRegex(self.export(), r"> number 49 .*\n.*  number 149 ")
            await pilot.press(*["pagedown"] * 9, "enter")

        self.pilot(test)
        self.assertEqual(chosen, ["number 499"])

    def test_help(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            for key in ("f1", "escape"):
                await pilot.press(key)
                self.assertIsInstance(self.app.screen, Help)
                await pilot.press("escape")
            await pilot.press(*"hi", "enter", "f1", *"unread")
            text = self.export()
            self.assertIn("Alt+A", text)
            self.assertNotIn("Ctrl+W", text)

        self.pilot(test)
        self.assertEqual(self.sent(), ["PRIVMSG #lab hi"])

    def test_help_scrolls(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("f1")
            self.assertIn("Alt+Up", self.export())
            self.assertIn("Esc: close", self.export())
            self.assertNotIn("/quit [REASON]", self.export())
            for _ in range(20):
                await pilot.press("pagedown")
            self.assertNotIn("Alt+Up", self.export())
            self.assertIn("/quit [REASON]", self.export())

        self.pilot(test)

    def test_help_has_two_columns_where_there_is_room(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("f1")
            self.assertRegex(self.export(), r"Rooms +Rooms")

        self.pilot(test, (200, 60))

    def test_help_tells_every_key_and_command(self) -> None:
        keys = dict(row for section in key_sections(KEYS) for row in section.rows)
        self.assertEqual(keys["Alt+1 ... Alt+9"], "a room by its number")
        self.assertEqual(keys["Ctrl+End  Alt+>"], "the newest line")
        self.assertEqual({*keys.values()}, {key.help for key in KEYS})
        commands = dict(row for section in command_sections() for row in section.rows)
        help_text = "enter a room and make it the current one"
        self.assertEqual(commands["/join ROOM[,ROOM] [KEY]"], help_text)
        self.assertEqual(len(commands), len(COMMANDS) + 1)
        keys = dict(
            row
            for section in key_sections(rebound(KEYS, 'jump = ["f9"]\nundo = []'))
            for row in section.rows
        )
        self.assertEqual(keys["F9"], "a room by some letters of its name")
        self.assertNotIn("undo a change", keys.values())

    def test_letters_find_rows(self) -> None:
        section = Section("a", (("Alt+A", "one"), ("Alt+B", "Two")))
        self.assertEqual(section.with_letters("TW").rows, (("Alt+B", "Two"),))
        self.assertEqual(section.with_letters("alt+a").rows, (("Alt+A", "one"),))

    def test_keys_do_what_the_help_says(self) -> None:
        for key in KEYS:
            name, _, _ = key.action.partition("(")
            owner = self.app if name.startswith("app.") else Entry
            self.assertTrue(hasattr(owner, f"action_{name.removeprefix('app.')}"), name)

    def test_other_keys(self) -> None:
        keys = rebound(KEYS, 'jump = ["f9"]\nquit = []\nlast_room = ["alt+>"]')
        self.app = ChatApp(self.model, self.program, lambda: NOW, keys)

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+k", "ctrl+q")
            self.assertNotIsInstance(self.app.screen, Jump)
            self.assertIs(self.console.stage, Stage.ONLINE)
            await pilot.press("f9")
            self.assertIsInstance(self.app.screen, Jump)
            await pilot.press("escape", "alt+1", "alt+shift+full_stop")
            self.assertEqual(self.model.shown.title, "#lab")

        self.pilot(test)

    def test_password(self) -> None:
        answers: list[str | None] = []

        async def test(pilot: Pilot[None]) -> None:
            for keys in (("s", "x", "backspace", "e", "space", "!", "enter"), ("s", "escape")):
                dialog = Password("alice")
                self.app.push_screen(dialog, answers.append)
                await pilot.press(*keys[:-1])
                self.assertIn("Password of alice:", self.export())
                self.assertNotIn("se", repr(dialog))
                await pilot.press(keys[-1])
            self.app.push_screen(Password("alice"), answers.append)
            await pilot.press("x", "ctrl+u")
            self.app.screen.post_message(events.Paste("pass word\nsecond"))
            await pilot.press("enter")

        self.pilot(test)
        self.assertEqual(answers, ["se !", None, "pass word"])


class TerminalTest(SynchronousTestCase):
    def test_keys_with_alt_need_no_pause_behind_them(self) -> None:
        for sequence, name in alt_sequences():
            keys = [event.key for event in XTermParser().feed(f"{sequence}hi\x1b[1;3A")]
            self.assertEqual(keys, [name, "h", "i", "alt+up"])
