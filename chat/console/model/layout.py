"""Lines in columns: the time, who speaks, and the text beside each other where there is room."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from chat.console.lines import Line, Look, Piece
from chat.console.wrapping import Row, clip, columns, wrap

#: Columns of the time before each line, with its space.
TIME_WIDTH = 6
#: From so many columns on who speaks has a column, of so many.
WIDE = 60
_NAMES = 11
_BETWEEN = " │ "


# More than a screen has: most of it is the same when it is drawn again.
@lru_cache(512)
def lay(line: Line, width: int, *, chosen: bool = False) -> tuple[Row, ...]:
    """Return the rows of a line; the time of one that is ``chosen`` stands out."""
    time = Piece(Look.TIME, " " * TIME_WIDTH)
    if not line.beside:
        shown = f"{line.time:%H:%M}"
        time = Piece(Look.CHOSEN, f"{shown}>") if chosen else Piece(Look.TIME, f"{shown} ")
    before, text = line.parts()
    indent = Piece(Look.TIME, " " * TIME_WIDTH)
    if width >= WIDE and not any(piece.look is Look.PICTURE for piece in line.pieces):
        before = (*_name(before), Piece(Look.TIME, _BETWEEN))
        indent = Piece(Look.TIME, " " * (TIME_WIDTH + _NAMES) + _BETWEEN)
    if line.is_clipped:
        return (_clipped((time, *before, *text), width),)
    head = TIME_WIDTH + sum(len(piece.text) for piece in before)
    return tuple(wrap((time, *before, *text), width, indent, head))


def rule(text: str, width: int) -> Row:
    """Return a line across, with a text in it."""
    before = f"── {text} "
    return (Piece(Look.STATUS, before + "─" * max(0, width - columns(before))),)


def _name(before: Iterable[Piece]) -> Row:
    """Return what stands before a text, to the right of its column."""
    pieces = [piece.saying(piece.text.strip("<> ")) for piece in before]
    room = _NAMES - sum(columns(piece.text) for piece in pieces if piece.mark)
    pieces = [piece if piece.mark else piece.saying(clip(piece.text, room)) for piece in pieces]
    free = _NAMES - sum(columns(piece.text) for piece in pieces)
    return (Piece(Look.TIME, " " * free), *pieces)


def _clipped(row: Row, width: int) -> Row:
    """Return as much of a row as there is room for."""
    pieces = []
    for piece in row:
        text = clip(piece.text, width)
        width -= columns(text)
        pieces.append(piece.saying(text))
    return tuple(pieces)
