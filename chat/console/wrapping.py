"""Pieces of text in rows of so many columns.

Wide characters take two columns and are never parted, nor are emoji of several characters;
a row ends at a space where it has one.  Own code, because what is drawn is wrapped again
with each change of width.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from rich.cells import cell_len, split_graphemes

from chat.console.lines import Look, Piece

Row = tuple[Piece, ...]
_NOTHING = Piece(Look.TIME, "")


def wrap(pieces: Iterable[Piece], width: int, indent: Piece = _NOTHING, head: int = 0) -> list[Row]:
    """Return ``pieces`` in rows of at most ``width`` columns, one row at the least.

    The rows behind the first one begin with ``indent``.  No row ends within the first
    ``head`` characters, as long as there is room for them.
    """
    pieces = tuple(pieces)
    text = "".join(piece.text for piece in pieces)
    if columns(text) <= width:
        return [pieces]
    ends = _ends(text, max(width, 2), max(width - columns(indent.text), 2), head)
    rows: list[Row] = []
    start = 0
    for end in ends:
        row = _cut(pieces, start, end)
        rows.append((indent, *row) if rows and indent.text else row)
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return rows


def columns(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def clip(text: str, width: int) -> str:
    """Return ``text``, cut with an ellipsis where it is wider than ``width``."""
    if columns(text) <= width:
        return text
    used = 1
    for start, _, size in _clusters(text):
        used += size
        if used > width:
            return text[:start] + "…" if width > 0 else ""
    return text


def _ends(text: str, first: int, others: int, head: int) -> list[int]:
    """Return where each row ends in ``text``."""
    ends: list[int] = []
    start = used = 0
    space = -1
    width = first
    clusters = _clusters(text)
    number = 0
    while number < len(clusters):
        at, _, size = clusters[number]
        used += size
        if text[at] == " " and at >= head:
            space = at
        if used > width and at > start:
            end = space if space > start else at
            ends.append(len(text[:end].rstrip(" ")) if space > start else end)
            while end < len(text) and text[end] == " ":
                end += 1
            start = end
            number = bisect_left(clusters, (start,))
            used, space, width = 0, -1, others
        else:
            number += 1
    if start < len(text) or not ends:
        ends.append(len(text))
    return ends


def _clusters(text: str) -> list[tuple[int, int, int]]:
    """Return where what a terminal shows as one begins and ends, and its columns."""
    return split_graphemes(text)[0]


def _cut(pieces: Row, start: int, end: int) -> Row:
    """Return what lies between two positions in the text of all pieces."""
    cut = []
    at = 0
    for piece in pieces:
        text = piece.text[max(0, start - at) : max(0, end - at)]
        if text:
            cut.append(piece.saying(text))
        at += len(piece.text)
    return tuple(cut)
