"""What Tab offers for what is typed."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from chat.console.commands import COMMANDS
from chat.console.completion import Completion, complete
from chat.console.emojis import beginning, named


class CompletionTest(SynchronousTestCase):
    def offers(self, before: str) -> list[Completion]:
        settings = {"notify": "how to give notice", "notify_for": "of what"}
        values = {"notify": ("bell", "desktop")}
        return list(complete(before, ["#lab", "#Lobby"], ["bob", "Bert"], settings, values))

    def texts(self, before: str) -> list[str]:
        return [offer.text for offer in self.offers(before)]

    def test_commands(self) -> None:
        self.assertEqual(self.offers("/jo"), [Completion("/join ", 3, COMMANDS["join"].help)])
        self.assertEqual(len(self.offers("/")), len(COMMANDS))

    def test_nicknames(self) -> None:
        self.assertEqual(self.offers("B"), [Completion("bob: ", 1), Completion("Bert: ", 1)])
        self.assertEqual(self.offers("hi be"), [Completion("Bert ", 2)])
        self.assertEqual(self.texts("/kick b"), ["bob ", "Bert "])

    def test_rooms(self) -> None:
        self.assertEqual(self.texts("/part #l"), ["#Lobby ", "#lab "])

    def test_words(self) -> None:
        self.assertEqual(self.texts("/device r"), ["remove "])
        self.assertEqual(self.texts("/search -"), ["-server "])
        self.assertEqual(self.texts("/revoke bob k"), ["key-compromise "])
        self.assertEqual(self.texts("/revoke k"), [])
        self.assertEqual(self.texts("/device add r"), [])
        self.assertEqual(self.texts("device r"), [])
        self.assertEqual(self.texts("/nothing r"), [])

    def test_an_alias_has_the_words_of_its_command(self) -> None:
        self.assertEqual(self.texts("/t -d"), ["-delete "])

    def test_settings(self) -> None:
        self.assertEqual(self.offers("/set notify_"), [Completion("notify_for ", 7, "of what")])
        self.assertEqual(self.texts("/set n"), ["notify ", "notify_for "])
        self.assertEqual(self.texts("/set notify d"), ["desktop "])
        self.assertEqual(self.texts("/set highlight d"), [])

    def test_help(self) -> None:
        self.assertEqual(self.texts("/help jo"), ["join "])
        self.assertEqual(self.texts("/help /jo"), ["/join "])

    def test_an_empty_word_is_one_of_the_command(self) -> None:
        self.assertEqual(self.texts("/set "), ["notify ", "notify_for "])
        self.assertEqual(self.texts("/set notify "), ["bell ", "desktop "])
        self.assertEqual(self.texts("/device "), ["add ", "remove "])
        self.assertEqual(self.texts("/help "), [f"{name} " for name in COMMANDS])
        for before in (
            "",
            " ",
            "hello ",
            "    ",
            "/react ",
            "/kick ",
            "/set notify bell ",
            "x /set ",
        ):
            self.assertEqual(self.texts(before), [], before)

    def test_emoji(self) -> None:
        self.assertEqual(self.offers("well :thu")[0], Completion("👍 ", 4, ":thumbs_up:"))
        self.assertEqual(self.offers("/react tad"), [Completion("🎉 ", 3, ":tada:")])
        self.assertEqual(self.offers("/react :tad"), [Completion("🎉 ", 4, ":tada:")])
        self.assertEqual(self.texts("tad"), [])
        self.assertEqual(len(self.offers(":s")), 20)

    def test_nothing(self) -> None:
        self.assertEqual(self.offers("") + self.offers("hi ") + self.offers("hi :"), [])


class EmojiTest(SynchronousTestCase):
    def test_names_of_slack_and_github(self) -> None:
        for name, emoji in {
            ":+1:": "👍",
            ":thumbsup:": "👍",
            ":thumbs_up:": "👍",
            ":heart:": "❤️",
            ":tada:": "🎉",
            ":white_check_mark:": "✅",
            ":germany:": "🇩🇪",
            ":turkey:": "🦃",
            ":japan:": "🗾",
            ":cat:": "🐱",
        }.items():
            self.assertEqual(named(name), emoji, name)
        self.assertIsNone(named(":no_such_thing:"))

    def test_each_once(self) -> None:
        """By its official name where that begins so, the shortest name first."""
        offers = list(beginning("thumbs"))
        self.assertEqual(offers[:2], [(":thumbs_up:", "👍"), (":thumbs_down:", "👎")])
        self.assertEqual(len({emoji for _, emoji in offers}), len(offers))

    def test_the_table_is_loaded_on_demand_only(self) -> None:
        code = "import sys, chat.console.conversation; sys.exit('emoji' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)
