"""An invitation's code as a QR picture, in characters."""

from __future__ import annotations

from io import StringIO

import segno

#: Light modules around the picture: four by the standard, but two do, and then it fits on
#: a terminal of 24 lines.
_BORDER = 2


def draw(code: str) -> list[str]:
    """Return the lines of the picture, drawn in light on dark; all have the same width."""
    drawn = StringIO()
    segno.make(code, error="m").terminal(drawn, border=_BORDER, compact=True)
    return drawn.getvalue().splitlines()


def fits(picture: list[str], columns: int, encoding: str | None) -> bool:
    """Return whether a terminal of that width, and of that encoding, can show it."""
    try:
        picture[0].encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return len(picture[0]) <= columns
