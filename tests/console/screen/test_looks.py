"""Pieces of lines, as a terminal shows them."""

from __future__ import annotations

from rich.style import Style
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner, Said
from chat.console.lines import Look, Piece, lines_of
from chat.console.screen.looks import segments
from chat.console.wrapping import wrap
from tests.console.screen.pilot import NOW


class LooksTest(SynchronousTestCase):
    def test_an_address_stays_whole_over_rows(self) -> None:
        said = Said(
            "#lab", "bob", "(see https://x.org/long-path), or http://y.org.", Manner.MESSAGE, False
        )
        [line] = lines_of(said, NOW)
        links = [
            (segment.text, segment.style.link)
            for row in wrap(line.pieces, 20)
            for segment in segments(row)
            if segment.style is not None and segment.style.link
        ]
        address = "https://x.org/long-path"
        self.assertEqual(
            links,
            [(address[:20], address), (address[20:], address), ("http://y.org", "http://y.org")],
        )

    def test_what_is_quiet_is_dim_in_the_colour_of_text(self) -> None:
        """Bright black is the background, on Solarized dark for example."""
        pieces = [Piece(look, "x") for look in (Look.TIME, Look.STATUS, Look.QUOTE)]
        styles = [segment.style for segment in segments(tuple(pieces))]
        self.assertEqual(styles, [Style(dim=True)] * 3)

    def test_where_an_address_ends(self) -> None:
        for text, expected in (
            ("(https://x.org/a_(b))", ["https://x.org/a_(b)"]),
            (
                "[https://x.org/?a[1]=2], https://y.org/!",
                ["https://x.org/?a[1]=2", "https://y.org/"],
            ),
            ("https://... https:// (https://)", []),
        ):
            [line] = lines_of(Said("#lab", "bob", text, Manner.MESSAGE, False), NOW)
            self.assertEqual([piece.link for piece in line.pieces if piece.link], expected, text)
