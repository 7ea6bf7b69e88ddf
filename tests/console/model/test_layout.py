"""Lines in columns."""

from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner, Said
from chat.console.model.entries import Message
from chat.console.model.layout import lay
from chat.console.wrapping import columns

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class LayoutTest(SynchronousTestCase):
    def test_what_is_answered_has_one_row(self) -> None:
        text = "日本語 and more words than there is room for"
        parent = Message(Said("#lab", "bob", text, Manner.MESSAGE, False, msgid="1"), NOON, {})
        said = Said("#lab", "carol", "yes", Manner.MESSAGE, False, msgid="2", reply_to="1")
        quote, _ = Message(said, NOON, {"1": parent}).lines()
        for width in (10, 30, 60, 62, 100):
            [row] = lay(quote, width)
            shown = "".join(piece.text for piece in row)
            self.assertLessEqual(columns(shown), width)
            self.assertIn("╭ b", shown)
            self.assertTrue(shown.endswith("…"))
