"""What is typed after /set, and what stands in the file."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chat.console.settings import settings
from chat.console.settings.settings import SETTINGS, SettingError, Settings
from tests.cli.programs import ROOT


class TypedTest(SynchronousTestCase):
    def refused(self, name: str, text: str) -> str:
        error = self.assertRaises(SettingError, Settings().with_value, name, text)
        return str(error)

    def test_each_setting(self) -> None:
        """What is typed is shown again as it was typed."""
        for name, text in {
            "notify": "desktop",
            "notify_for": "all",
            "highlight": "deploy, on call, 日本",
            "typing": "off",
            "read_markers": "off",
            "joins": "none",
            "history_lines": "2000",
            "rooms": "off",
            "members": "on",
            "mouse": "off",
        }.items():
            changed = Settings().with_value(name, text)
            self.assertEqual(changed.text(name), text)
            self.assertNotEqual(changed, Settings(), name)
            self.assertEqual(changed.with_value(name, "default"), Settings())

    def test_words_that_may_be_typed_are_allowed(self) -> None:
        for setting in SETTINGS.values():
            for word in setting.words:
                self.assertEqual(Settings().with_value(setting.name, word).text(setting.name), word)
            default = Settings().with_value(setting.name, setting.default_text)
            self.assertEqual(default, Settings())

    def test_case_and_spaces(self) -> None:
        changed = Settings().with_value("notify", " Bell ").with_value("typing", "OFF")
        self.assertEqual((changed.notify, changed.typing), ("bell", False))

    def test_lists(self) -> None:
        changed = Settings().with_value("highlight", "pump,, valve ,pump")
        self.assertEqual(changed.highlight, ("pump", "valve"))
        self.assertEqual(changed.with_value("highlight", "").highlight, ())

    def test_unknown(self) -> None:
        self.assertEqual(
            self.refused("joinz", "all"), "there is no setting joinz: did you mean joins?"
        )
        self.assertRegex(self.refused("xyz", "1"), "^there is no setting xyz: there are notify, ")
        self.assertRaises(SettingError, Settings().text, "with_value")

    def test_refusals(self) -> None:
        for name, text, wanted in [
            ("notify", "beep", "bell, osc9, desktop or none"),
            ("typing", "true", "on or off"),
            ("history_lines", "49", "a whole number from 50 to 2000"),
            ("history_lines", "2001", "a whole number from 50 to 2000"),
            ("history_lines", "1e3", "a whole number from 50 to 2000"),
            ("highlight", "x" * 51, "up to 50 words"),
            ("highlight", ",".join(f"w{number}" for number in range(51)), "up to 50 words"),
            ("highlight", "a\x07b", "up to 50 words"),
        ]:
            self.assertIn(f"wanted {wanted}", self.refused(name, text))
        self.assertEqual(self.refused("mouse", "yes"), 'mouse: found "yes", wanted on or off')


class FileTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "securechat" / "console.toml"

    def put(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text)

    def refused(self, text: str) -> str:
        self.put(text)
        error = str(self.assertRaises(SettingError, settings.read, self.path))
        self.assertTrue(error.startswith(f"{self.path}: "), error)
        return error.removeprefix(f"{self.path}: ")

    def test_no_file(self) -> None:
        self.assertEqual(settings.read(self.path), Settings())

    def test_read(self) -> None:
        self.put('notify = "none"\nhighlight = ["on call"]\nmouse = false\nhistory_lines = 50\n')
        self.assertEqual(
            settings.read(self.path),
            Settings(notify="none", highlight=("on call",), mouse=False, history_lines=50),  # type: ignore[arg-type]
        )

    def test_errors_name_the_key_and_what_was_wanted(self) -> None:
        for text, error in [
            ("notfy = 1", "there is no setting notfy: did you mean notify or notify_for?"),
            ("[gui]\nx = 1", "there is no setting gui: there are notify, notify_for, "),
            ('joins = "blue"', 'joins: found "blue", wanted "all", "active" or "none"'),
            ('typing = "on"', 'typing: found "on", wanted true or false'),
            ("history_lines = true", "history_lines: found true, wanted a whole number from 50"),
            ('highlight = "me"', 'highlight: found "me", wanted a list of up to 50 words in quo'),
            ('highlight = ["a,b"]', 'highlight: found ["a,b"], wanted a list of up to 50 words'),
            ("rooms = {a = 1}", 'rooms: found {"a": 1}, wanted "auto", "on" or "off"'),
            ("rooms = ", "is not TOML: "),
        ]:
            self.assertIn(error, self.refused(text))

    def test_files_that_cannot_be_read(self) -> None:
        self.path.mkdir(parents=True)
        with self.assertRaisesRegex(SettingError, "cannot be read: Is a directory: make it"):
            settings.read(self.path)
        self.path.rmdir()
        self.path.write_bytes(b"\xff")
        with self.assertRaisesRegex(SettingError, "is not UTF-8: save it"):
            settings.read(self.path)

    def test_what_is_written_is_read(self) -> None:
        everything = Settings()
        for name, text in {"notify": "osc9", "highlight": 'a"b, c', "history_lines": "60",
                           "typing": "off"}.items():  # fmt: skip
            everything = everything.with_value(name, text)
            settings.write(self.path, name, getattr(everything, name))
            self.assertEqual(settings.read(self.path), everything)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_comments_survive(self) -> None:
        self.put(
            "# mine\nmouse = false  # for copying\n\n"
            'highlight = [\n  "pump",  # the old one\n  "valve",  # the new one\n]\n# end\n'
        )
        settings.write(self.path, "mouse", True)
        settings.write(self.path, "highlight", ("valve", "tank"))
        text = self.path.read_text()
        for comment in (
            "# mine\n",
            "true  # for copying\n",
            '"valve",  # the new one\n',
            "# end\n",
        ):
            self.assertIn(comment, text)
        self.assertEqual(settings.read(self.path), Settings(highlight=("valve", "tank")))
        settings.write(self.path, "highlight", ())
        self.assertEqual(settings.read(self.path), Settings())

    def test_a_file_that_is_wrong_is_left_alone(self) -> None:
        self.put("mouse = fals\n")
        with self.assertRaisesRegex(SettingError, "is not TOML: .*: mend that line"):
            settings.write(self.path, "mouse", True)
        self.assertEqual(self.path.read_text(), "mouse = fals\n")

    def test_a_link_stays_one(self) -> None:
        self.path.parent.mkdir(parents=True)
        target = Path(self.mktemp()).absolute()
        target.write_text("# of my dotfiles\n")
        self.path.symlink_to(target)
        settings.write(self.path, "mouse", False)
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(target.read_text(), "# of my dotfiles\nmouse = false\n")

    def test_a_place_that_cannot_be_written(self) -> None:
        self.path.parent.parent.mkdir()
        self.path.parent.write_text("a file in the way")
        with self.assertRaisesRegex(SettingError, "console.toml: cannot be .*: Not a directory: "):
            settings.write(self.path, "mouse", False)


class DocumentTest(SynchronousTestCase):
    def test_table(self) -> None:
        """docs/console.md has the table, and nothing besides."""
        page = (ROOT / "docs" / "console.md").read_text()
        rows = [
            f"| `{setting.name}` | {setting.help} | {setting.allowed}"
            f" | {f'`{setting.default_text}`' if setting.default_text else 'no words'} |"
            for setting in SETTINGS.values()
        ]
        self.assertEqual(re.findall(r"(?m)^\| `[a-z_]+` \|.*\|.*\|.*\|$", page), rows)
