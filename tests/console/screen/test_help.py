"""The help, with Textual's pilot."""

from __future__ import annotations

from textual.pilot import Pilot

from chat.console.commands import COMMANDS
from chat.console.screen.help import Help, Section, command_sections, key_sections
from chat.console.settings.keys import KEYS, rebound
from tests.console.screen.pilot import PilotTestCase


class HelpTest(PilotTestCase):
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
