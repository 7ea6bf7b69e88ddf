"""The picture of a code."""

from __future__ import annotations

import segno
from twisted.trial.unittest import SynchronousTestCase

from chat.console.picture import draw, fits

CODE = (
    "alice@chat.lab.example:6697/nfr3-dhhu-3tac-ybfb-6bdp-pfa7-q5ia-kpcd-j36b-5k2j-iv3z-xeoh"
    "-hop7-ucsm"
)
#: What each character shows, above and below: whether it is light.
HALVES = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


class PictureTests(SynchronousTestCase):
    def test_it_is_the_code(self) -> None:
        picture = draw(CODE)
        rows = [
            [1 - HALVES[character][half] for character in line]
            for line in picture
            for half in (0, 1)
        ]
        matrix = [list(row) for row in segno.make(CODE, error="m").matrix_iter(border=2)]
        self.assertEqual(rows[: len(matrix)], matrix)

    def test_it_fits_on_a_terminal_of_80_columns_and_24_lines(self) -> None:
        picture = draw(CODE)
        self.assertLessEqual(len(picture), 23)
        self.assertTrue(fits(picture, 80, "utf-8"))
        self.assertFalse(fits(picture, 44, "utf-8"))
        for encoding in ("ascii", "latin-1", "nonsense", None):
            self.assertFalse(fits(picture, 80, encoding))
