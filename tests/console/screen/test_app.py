"""The panels, and the ways between rooms, with Textual's pilot."""

from __future__ import annotations

import os
from time import process_time

from textual.geometry import Region
from textual.pilot import Pilot

from chat.client.events import Disconnected, Manner, Registered, Said
from chat.console.conversation import Stage
from chat.console.screen.app import ChatApp
from chat.console.screen.dialogs import Jump
from chat.console.screen.entry import Entry
from chat.console.screen.help import Help
from chat.console.screen.panels import Panel, Talk
from chat.console.screen.screen import REDRAW
from chat.console.settings.keys import KEYS, rebound
from tests.console.screen.pilot import NOW, PilotTestCase


class AppTest(PilotTestCase):
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
                self.assertEqual(self.model.shown.title, title, key)
            await pilot.press(*"hi", "enter")
            self.assertEqual(self.sent(), ["PRIVMSG #other hi"])
            await pilot.click("#rooms", offset=(3, 3))
            self.assertEqual(self.model.shown.title, "bob")

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
        self.app = ChatApp(self.model, self.program, lambda: NOW)
        self.pilot(wide, (200, 60))

    def test_what_is_the_same_is_not_drawn_again(self) -> None:
        for number in range(30):
            self.said(f"message {number}")

        async def test(pilot: Pilot[None]) -> None:
            drawn: list[Panel] = []
            panels = self.app.query(Panel)
            for panel in panels:
                self.patch(panel, "refresh", lambda *_, panel=panel: drawn.append(panel))
            talk = self.app.query_one(Talk)
            bottom = talk.size.height - 1
            last = talk.render_line(bottom)
            self.app.refresh_all()
            self.assertEqual(drawn, [])
            self.said("message 30")
            self.app.refresh_all()
            self.assertEqual(drawn, [talk])
            self.assertIn("message 30", talk.render_line(bottom).text)
            self.assertIs(talk.render_line(bottom - 1), last)

        self.pilot(test)

    def test_no_colour(self) -> None:
        """ "NO_COLOR [...] prevents the addition of ANSI color" (no-color.org)."""
        self.said("\x0304red\x03 https://chat.example")

        async def test(pilot: Pilot[None]) -> None:
            talk = self.app.query_one(Talk)
            height = talk.size.height
            segments = [
                segment
                for strip in talk.render_lines(Region(0, 0, 40, height))
                for segment in strip
            ]
            self.assertIn("red", [segment.text for segment in segments])
            colours = {segment.style.color for segment in segments if segment.style}
            self.assertTrue(all(colour is None or colour.is_default for colour in colours), colours)

        self.patch(os, "environ", {**os.environ, "NO_COLOR": "1"})
        self.app = ChatApp(self.model, self.program, lambda: NOW)
        self.pilot(test)

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
            self.assertIn("bob │ [red]x[/] [@click=app.quit]y[/] ]0;title bold 31m x", screen)
            self.assertTrue(screen.replace("\n", "").isprintable())

        self.pilot(test, (120, 24))

    def test_offline(self) -> None:
        self.tell(Disconnected("gone"))

        async def test(pilot: Pilot[None]) -> None:
            self.assertIn("alice | offline", self.screen())
            await pilot.press(*"hi", "enter")
            self.assertEqual(self.sent(), [])
            self.assertIn("alice │ hi (waits for the connection)", self.screen())
            self.tell(Registered("alice", "alice"))
            self.assertEqual(self.sent(), ["PRIVMSG #lab hi"])

        self.pilot(test)

    def test_what_is_told_without_a_colour(self) -> None:
        self.model.shown.is_muted = True
        self.receive(":s 306 alice :away")

        async def test(pilot: Pilot[None]) -> None:
            self.assertRegex(self.screen(), r"> 2 #lab +~ ")
            self.assertIn("alice | away | online", self.screen())
            self.assertNotIn("server offline", self.screen())
            self.tell(Disconnected("gone"))
            self.assertRegex(self.screen(), "1 server +offline")

        self.pilot(test)

    def test_help(self) -> None:
        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"/help", "enter")
            self.assertIsInstance(self.app.screen, Help)
            await pilot.press("escape", *"/help me", "enter")
            self.assertIn("-- │ /me TEXT: say what you do", self.screen())

        self.pilot(test, (120, 24))

    def test_what_is_chosen_is_what_a_command_is_about(self) -> None:
        for number in range(100):
            self.tell(
                Said("#lab", "bob", f"m{number}", Manner.MESSAGE, False, NOW, msgid=f"{number}")
            )

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*["shift+up"] * 40, *"/reply so", "enter")
            self.assertIn("@+reply=60 PRIVMSG #lab so", self.client.sent)
            self.assertNotIn("older lines", self.screen())
            await pilot.press("shift+up", *"/unpin", "enter", *"/reply yes", "enter")
            self.assertIn("@+reply=99 PRIVMSG #lab yes", self.client.sent)

        self.pilot(test)

    def test_a_room_that_one_was_removed_from(self) -> None:
        self.receive(":alice!u@h JOIN #other", ":op!u@h KICK #other alice :enough")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.pause(0.3)
            self.assertRegex(self.screen(), r"> 2 #lab.*\n +3 #other +out ")
            await pilot.press("alt+3")
            topic = self.screen().splitlines()[0]
            self.assertIn("#other  you were removed by op (enough): /join #other", topic)
            await pilot.press(*"/close", "enter")
            self.assertNotIn("3 #other", self.screen())

        self.pilot(test)

    def test_what_is_typed_stays_in_its_room(self) -> None:
        self.receive(":alice!u@h JOIN #other")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"for lab", "alt+3", *"to other", "alt+2", "!", "enter", "alt+3")
            self.assertEqual(self.sent(), ["PRIVMSG #lab :for lab!"])
            self.receive(":alice!u@h PART #other")
            await pilot.pause(0.3)
            await pilot.press("enter")
            self.assertEqual(self.sent()[1:], ["PRIVMSG #lab :to other"])

        self.pilot(test)

    def test_who_leaves_with_something_unsent_is_warned(self) -> None:
        self.tell(Disconnected("gone"))

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press(*"hi", "enter", "ctrl+q")
            self.assertIn("1 messages wait for the connection: leave again", self.screen())
            self.assertIs(self.conversation.stage, Stage.OFFLINE)
            await pilot.press("ctrl+q")
            self.assertIs(self.conversation.stage, Stage.DONE)

        self.pilot(test, (120, 24))

    def test_more_people_than_rows(self) -> None:
        nicks = " ".join(f"n{number}" for number in range(50))
        self.receive(f":s 353 alice = #lab :@alice {nicks}", ":s 366 alice #lab :End")

        async def test(pilot: Pilot[None]) -> None:
            self.assertRegex(self.screen(), r"51 here.*\n.* @alice(.*\n){19}.* and 32 more")
            for x, y, seen in (
                (110, 5, r"51 here.*\n.* 3 more above.*\n.* n10(.*\n){18}.* and 30 more"),
                (110, 5, r" 6 more above"),
                (40, 5, r" 6 more above"),
            ):
                await self.wheel(pilot, x, y, down=True)
                self.assertRegex(self.screen(), seen)
            for _ in range(20):
                await self.wheel(pilot, 110, 5, down=True)
            self.assertRegex(self.screen(), r" 32 more above.*\n(.*\n){18}.* n9 ")
            self.assertNotIn(" and ", self.screen())
            for _ in range(11):
                await self.wheel(pilot, 110, 5, down=False)
            self.assertRegex(self.screen(), r"51 here.*\n.* @alice")
            await self.wheel(pilot, 110, 5, down=True)
            await pilot.press("alt+1", "alt+2")
            self.assertRegex(self.screen(), r"51 here.*\n.* @alice")

        self.pilot(test, (120, 24))

    def test_many_rooms_with_many_people(self) -> None:
        """Three hundred rooms, with five hundred people in one: drawn within its time."""
        for number in range(300):
            self.receive(f":alice!u@h JOIN #room{number}")
        for start in range(0, 500, 50):
            nicks = " ".join(f"n{number}" for number in range(start, start + 50))
            self.receive(f":s 353 alice = #room299 :{nicks}")
        self.receive(":s 366 alice #room299 :End")

        async def test(pilot: Pilot[None]) -> None:
            await pilot.press("ctrl+k", *"m299", "enter")
            self.assertRegex(self.screen(), r">\d+ #room299(.*\n)+ 500 here")
            self.assertLess(min(self.drawing() for _ in range(10)), REDRAW / 2)

        self.pilot(test, (120, 40))

    def drawing(self) -> float:
        """Return the seconds of this process that drawing another room and this one takes."""
        before = process_time()
        for by in (-1, 1):
            self.model.step(by)
            self.app.refresh_all()
        return process_time() - before

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
            self.assertIs(self.conversation.stage, Stage.ONLINE)
            await pilot.press("f9")
            self.assertIsInstance(self.app.screen, Jump)
            await pilot.press("escape", "alt+1", "alt+shift+full_stop")
            self.assertEqual(self.model.shown.title, "#lab")

        self.pilot(test)
