"""Pieces of lines as a terminal shows them.

Colours are the terminal's own sixteen, which its owner chose to be legible on its
background; nothing is told by colour alone.  What is quiet is dim: bright black is the
background itself, in some palettes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style

from chat.console.lines import Look, colour_of
from chat.console.wrapping import Row
from chat.irc.formatting import PLAIN, Format

_NICKS = tuple(
    Style(color=colour, bold=bold)
    for bold in (False, True)
    for colour in ("red", "green", "yellow", "blue", "magenta", "cyan")
)
_LOOKS = {
    Look.TEXT: Style(),
    Look.TIME: Style(dim=True),
    Look.ROOM: Style(color="cyan"),
    Look.OWN: Style(bold=True),
    Look.STATUS: Style(dim=True),
    Look.QUOTE: Style(dim=True),
    Look.CHOSEN: Style(reverse=True, bold=True),
    Look.ERROR: Style(color="red", bold=True),
    # Readers of QR pictures want dark on light, whatever the terminal's own colours are.
    Look.PICTURE: Style(color="white", bgcolor="black"),
}
_STANDS_OUT = Style(reverse=True, bold=True)
#: The terminal's colours for mIRC's first sixteen; the others are shown without.
_COLOURS = (
    "bright_white", "black", "blue", "green", "bright_red", "red", "magenta", "yellow",
    "bright_yellow", "bright_green", "cyan", "bright_cyan", "bright_blue", "bright_magenta",
    "bright_black", "white",
)  # fmt: skip


def segments(row: Row) -> Iterator[Segment]:
    """Yield a row as the terminal shows it; addresses of the web can be followed."""
    for piece in row:
        if piece.look in (Look.NICK, Look.CALLER):
            style = nick_style(piece.text.strip())
            if piece.look is Look.CALLER:
                style += _STANDS_OUT
        else:
            style = _LOOKS[piece.look]
        if piece.link:
            style += Style(underline=True, link=piece.link)
        yield Segment(piece.text, style + _style(piece.format))


def nick_style(nick: str) -> Style:
    """Return the style of somebody's name: always the same one."""
    return _NICKS[colour_of(nick, len(_NICKS))]


@lru_cache(256)
def _style(form: Format) -> Style:
    if form == PLAIN:
        return Style()
    # What is not set is left open, so that it comes from around.
    return Style(
        bold=form.bold or None,
        italic=form.italic or None,
        underline=form.underline or None,
        strike=form.strike or None,
        reverse=form.reverse or None,
        color=_colour(form.colour),
        bgcolor=_colour(form.background),
    )


def _colour(number: int | None) -> str | None:
    return _COLOURS[number] if number is not None and number < len(_COLOURS) else None
