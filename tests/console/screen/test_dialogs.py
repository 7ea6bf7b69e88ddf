"""What opens above the conversation, with Textual's pilot."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot

from chat.console.screen.dialogs import Ask, Choose, Jump, Password, Rows
from tests.console.screen.pilot import PilotTestCase


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

    def test_a_question(self) -> None:
        answers: list[bool | None] = []

        async def test(pilot: Pilot[None]) -> None:
            for key in ("enter", "y", "n", "escape"):
                self.app.push_screen(Ask("Really?"), answers.append)
                await pilot.press(key)

        self.pilot(test)
        self.assertEqual(answers, [True, True, False, False])

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
