"""What a terminal sends, by the sequences that our driver makes known."""

from __future__ import annotations

from textual._xterm_parser import XTermParser
from twisted.trial.unittest import SynchronousTestCase

import chat.console.screen.driver  # noqa: F401  (it makes the sequences known)
from chat.console.settings.key_names import alt_sequences


class DriverTest(SynchronousTestCase):
    def test_keys_with_alt_need_no_pause_behind_them(self) -> None:
        for sequence, name in alt_sequences():
            keys = [event.key for event in XTermParser().feed(f"{sequence}hi\x1b[1;3A")]
            self.assertEqual(keys, [name, "h", "i", "alt+up"])
