"""What was said in one room, and the part of it that is looked at.

The view hangs on its lowest row, so that drawing, scrolling and a change of width
wrap what is seen and nothing else, however long the scrollback is.
"""

from __future__ import annotations

from collections import deque
from datetime import date

from chat.console.lines import Line, Look, Piece
from chat.console.wrapping import Row, columns, wrap

#: Lines that are kept; the oldest go when there are so many more.
LONGEST = 10_000
_SPARE = 1_000
#: Columns of the time before each line, with its space.
TIME_WIDTH = 6


class Scrollback:
    """Lines, numbered for ever, and where we are in them."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._first = 0
        #: The first line that was new when the room was looked at last, if any was.
        self.new_from: int | None = None
        #: The lowest line that is seen, and how many of its rows are below the view;
        #: ``None`` for the end, whatever comes.
        self._anchor: tuple[int, int] | None = None

    @property
    def end(self) -> int:
        """The number that the next line will have."""
        return self._first + len(self._lines)

    @property
    def is_at_end(self) -> bool:
        """Whether the view follows what comes."""
        return self._anchor is None

    def append(self, line: Line) -> None:
        """Add a line at the end."""
        self._lines.append(line)
        if len(self._lines) >= LONGEST + _SPARE:
            del self._lines[:_SPARE]
            self._first += _SPARE
            if self._anchor is not None and self._anchor[0] < self._first:
                self._anchor = (self._first, 0)

    def rows(self, width: int, height: int) -> list[Row]:
        """Return what is seen in so many columns: at most ``height`` rows, the newest last."""
        return self._upwards(width, height)

    def scroll_up(self, rows: int, width: int, height: int) -> None:
        """Move the view towards older lines, at most to the oldest."""
        reached = len(self._upwards(width, height + rows))
        self._move_up(min(rows, max(0, reached - height)), width)

    def scroll_down(self, rows: int, width: int) -> None:
        """Move the view towards newer lines; behind the newest, it follows again."""
        while rows > 0 and self._anchor is not None:
            number, below = self._anchor
            if below >= rows:
                self._anchor = (number, below - rows)
                rows = 0
            else:
                # The next line with all its rows below the view: one more line up.
                rows -= below
                number += 1
                if number < self.end:
                    self._anchor = (number, len(self._block(number, width)))
                else:
                    self._anchor = None
        if self._anchor == (self.end - 1, 0):
            self._anchor = None

    def to_end(self) -> None:
        """Follow what comes."""
        self._anchor = None

    def _move_up(self, rows: int, width: int) -> None:
        if rows <= 0:
            return
        number, below = self._anchor or (self.end - 1, 0)
        below += rows
        while below >= (length := len(self._block(number, width))) and number > self._first:
            below -= length
            number -= 1
        self._anchor = (number, below)

    def _upwards(self, width: int, height: int) -> list[Row]:
        """Return up to ``height`` rows that end with the lowest that is seen."""
        rows: deque[Row] = deque()
        number, below = self._anchor or (self.end - 1, 0)
        while number >= self._first and len(rows) < height:
            block = self._block(number, width)
            rows.extendleft(reversed(block[: len(block) - below]))
            number, below = number - 1, 0
        return list(rows)[-height:] if height > 0 else []

    def _block(self, number: int, width: int) -> list[Row]:
        """Return the rows of a line, with what stands above it."""
        at = number - self._first
        line = self._lines[at]
        above = []
        day = line.time.date()
        if at == 0 or self._lines[at - 1].time.date() != day:
            above.append(_rule(_day(day), width))
        if number == self.new_from:
            above.append(_rule("new messages", width))
        time = Piece(Look.TIME, f"{line.time:%H:%M} ")
        return above + wrap((time, *line.pieces), width, TIME_WIDTH)


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"


def _rule(text: str, width: int) -> Row:
    before = f"── {text} "
    return (Piece(Look.STATUS, before + "─" * max(0, width - columns(before))),)
