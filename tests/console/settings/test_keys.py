"""The table of keys, the names of keys, and the file that binds them."""

from __future__ import annotations

from pathlib import Path

from textual.keys import _character_to_key
from twisted.trial.unittest import SynchronousTestCase

from chat.console.settings.key_names import alt_sequences, canonical, key_named, shown
from chat.console.settings.keys import KEYS, KeysError, read_keys, rebound


def keys_of(name: str, text: str = "") -> tuple[str, ...]:
    [keys] = [key.keys for key in rebound(KEYS, text) if key.name == name]
    return keys


class TableTest(SynchronousTestCase):
    def test_the_document_has_every_action(self) -> None:
        rows = [
            f"| `{key.name}` | {', '.join(map(shown, key.keys))} | {key.help} |" for key in KEYS
        ]
        document = (Path(__file__).parents[3] / "docs" / "keyboard.md").read_text()
        table = [line for line in document.splitlines() if line.startswith("| `")]
        self.assertEqual(table, rows)

    def test_every_key_can_be_written_and_does_one_thing(self) -> None:
        keys = [key for row in KEYS for key in row.keys]
        self.assertEqual([key_named(key) for key in keys], keys)
        self.assertEqual([key_named(shown(key)) for key in keys], keys)
        self.assertEqual(len({*keys}), len(keys))
        self.assertEqual(len({row.name for row in KEYS}), len(KEYS))


class NamesTest(SynchronousTestCase):
    def test_ways_to_write_a_key(self) -> None:
        for written, name in (
            ("Alt+/", "alt+slash"), ("alt+slash", "alt+slash"), ("ALT+A", "alt+a"),
            ("shift+alt+a", "alt+shift+a"), ("alt++", "alt+plus"), ("Ctrl+_", "ctrl+underscore"),
            (" F5 ", "f5"), ("PgUp", "pageup"), ("esc", "escape"), ("ctrl+alt+up", "alt+ctrl+up"),
        ):  # fmt: skip
            self.assertEqual(key_named(written), name, written)

    def test_keys_that_cannot_be_bound(self) -> None:
        for written, cause in (
            ("hyper+a", "is no key"), ("alt+banana", "is no key"), ("", "is no key"),
            ("alt+ä", "is no key"), ("a", "write alt+a"), ("?", "write alt+?"),
            ("ctrl+i", "is tab for a terminal"), ("ctrl+[", "is escape for a terminal"),
            ("alt+[", "begins what"), ("Alt+Shift+O", "begins what"),
            ("ctrl+1", "is not told apart"), ("ctrl+alt+a", "is not told apart"),
            ("ctrl+enter", "is not told apart"), ("alt+shift+1", "is not told apart"),
        ):  # fmt: skip
            with self.assertRaises(ValueError) as caught:
                key_named(written)
            self.assertIn(cause, str(caught.exception), written)

    def test_signs_on_shift(self) -> None:
        self.assertEqual(canonical("alt+shift+full_stop"), "alt+greater_than_sign")
        self.assertEqual(canonical("ctrl+shift+minus"), "ctrl+underscore")
        self.assertEqual(canonical("alt+shift+a"), "alt+shift+a")
        self.assertEqual(canonical("plus"), "plus")

    def test_what_terminals_send_with_alt(self) -> None:
        sent = dict(alt_sequences())
        self.assertEqual(sent["\x1ba"], "alt+a")
        self.assertEqual(sent["\x1bA"], "alt+shift+a")
        self.assertEqual(sent["\x1b7"], "alt+7")
        self.assertFalse({"\x1b[", "\x1bO"} & sent.keys())
        for sequence, name in sent.items():
            self.assertEqual(key_named(name), name)
            if not sequence[1].isalnum() and sequence[1].isprintable():
                self.assertEqual(name, f"alt+{_character_to_key(sequence[1])}")


class ReboundTest(SynchronousTestCase):
    def test_keys_of_an_action_are_replaced(self) -> None:
        text = 'next_active = ["alt+z", "F5"]\njump = []\n'
        self.assertEqual(keys_of("next_active", text), ("alt+z", "f5"))
        self.assertEqual(keys_of("jump", text), ())
        self.assertEqual(keys_of("quit", text), ("ctrl+q",))

    def test_a_key_is_taken_from_who_had_it(self) -> None:
        text = 'newest = ["alt+a"]'
        self.assertEqual(keys_of("newest", text), ("alt+a",))
        self.assertEqual(keys_of("next_active", text), ())

    def test_errors(self) -> None:
        for text, message in (
            ('next_activ = ["f5"]', "there is no action next_activ: did you mean next_active?"),
            ("xyzzy = []", "there is no action xyzzy: there are room_up, "),
            ('jump = "f5"', 'jump needs a list of keys: jump = ["f5"], or [] for none'),
            ("jump = [5]", "jump needs a list of keys"),
            ('jump = ["f99"]', "jump: 'f99' is no key: write such as alt+a"),
            ('jump = ["f5", "F5"]', "F5 is given twice, to jump and jump: drop one"),
            ('jump = ["f5"]\nquit = ["f5"]', "F5 is given twice, to jump and quit: drop one"),
            ("jump = [", "write lines such as next_active = "),
        ):
            with self.assertRaises(KeysError) as caught:
                rebound(KEYS, text)
            self.assertIn(message, str(caught.exception))


class FileTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_none(self) -> None:
        self.assertIs(read_keys(self.path), KEYS)

    def test_bound(self) -> None:
        self.path.write_text('quit = ["f10"]')
        [keys] = [key.keys for key in read_keys(self.path) if key.name == "quit"]
        self.assertEqual(keys, ("f10",))

    def test_errors_name_the_file(self) -> None:
        self.path.write_bytes(b"\xff")
        with self.assertRaisesRegex(KeysError, f"^{self.path}: is not UTF-8: save it as UTF-8$"):
            read_keys(self.path)
        self.path.write_text("nothing = []")
        with self.assertRaisesRegex(KeysError, f"^{self.path}: there is no action nothing"):
            read_keys(self.path)
        self.path.unlink()
        self.path.mkdir()
        with self.assertRaisesRegex(KeysError, f"^{self.path}: Is a directory: make it readable"):
            read_keys(self.path)
