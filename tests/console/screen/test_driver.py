"""What a terminal sends, by the sequences that our driver makes known, and what it gets."""

from __future__ import annotations

from textual._xterm_parser import XTermParser
from twisted.trial.unittest import SynchronousTestCase

# It makes the sequences known, too.
from chat.console.screen.driver import placed
from chat.console.settings.key_names import alt_sequences


class DriverTest(SynchronousTestCase):
    def test_keys_with_alt_need_no_pause_behind_them(self) -> None:
        for sequence, name in alt_sequences():
            keys = [event.key for event in XTermParser().feed(f"{sequence}hi\x1b[1;3A")]
            self.assertEqual(keys, [name, "h", "i", "alt+up"])

    def test_what_follows_an_emoji_is_in_its_column_on_any_terminal(self) -> None:
        for emoji in ("\u2764\ufe0f", "\U0001f44d\U0001f3fd", "\U0001f469\u200d\U0001f4bb"):
            shown = f"\x1b7  \x1b8{emoji}\x1b8\x1b[2C"
            self.assertEqual(placed(f"\x1b[1ma{emoji}{emoji}b"), f"\x1b[1ma{shown}{shown}b")
            link = f"\x1b]8;id=1;http://h/{emoji}\x1b\\"
            self.assertEqual(placed(f"{link}{emoji}"), f"{link}{shown}")
        # What is typed may be parted by the cursor anywhere.
        parted = "\U0001f469\u200d"
        self.assertEqual(placed(f"{parted}\x1b[7m"), f"\x1b7  \x1b8{parted}\x1b8\x1b[2C\x1b[7m")
        heart = "\x1b[7m\u2764\x1b[0m\ufe0f"
        self.assertEqual(placed(heart), heart)
