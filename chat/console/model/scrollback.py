"""What was said in one room, and the part of it that is looked at.

The view hangs on its lowest row, so that drawing, scrolling and a change of width
wrap what is seen and nothing else, however long the scrollback is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date

from chat.console.model.entries import Entry, Message
from chat.console.model.layout import lay, rule
from chat.console.wrapping import Row

#: Entries that are kept; when there are so many more, the oldest go.
LONGEST = 10_000
_SPARE = 1_000


class Scrollback:
    """Entries, numbered for ever, and where we are in them.

    What was before the first one known has numbers below it, if need be below 0.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._first = 0
        #: The first entry that was new when the room was looked at last, if any was.
        self.new_from: int | None = None
        #: The message that is chosen, to be answered for example.
        self.chosen: int | None = None
        #: The lowest entry that is seen, and how many of its rows are below the view;
        #: ``None`` for the end, whatever comes.
        self._anchor: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: int) -> Entry:
        return self._entries[number - self._first]

    @property
    def first(self) -> int:
        """The number of the oldest entry."""
        return self._first

    @property
    def end(self) -> int:
        """The number that the next entry will have."""
        return self._first + len(self._entries)

    @property
    def is_at_end(self) -> bool:
        """Whether the view follows what comes."""
        return self._anchor is None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def messages(self) -> Iterator[tuple[int, Message]]:
        """Yield the messages with their numbers, the newest first."""
        for at in range(len(self._entries) - 1, -1, -1):
            entry = self._entries[at]
            if isinstance(entry, Message):
                yield self._first + at, entry

    # What changes it.

    def append(self, entry: Entry) -> Sequence[Entry]:
        """Add an entry at the end, and return those that had to go for it."""
        self._entries.append(entry)
        if len(self._entries) < LONGEST + _SPARE:
            return ()
        gone = self._entries[:_SPARE]
        del self._entries[:_SPARE]
        self._first += _SPARE
        if self._anchor is not None and self._anchor[0] < self._first:
            self._anchor = (self._first, 0)
        if self.chosen is not None and self.chosen < self._first:
            self.chosen = None
        return gone

    def prepend(self, entries: Sequence[Entry]) -> None:
        """Add what was before, in its order."""
        self._entries[:0] = entries
        self._first -= len(entries)

    def remove(self, entry: Entry) -> None:
        """Take an entry out; what is behind it moves up."""
        at = self._entries.index(entry)
        del self._entries[at]
        number = self._first + at
        if self._anchor is not None and self._anchor[0] >= number:
            self._anchor = (max(self._first, self._anchor[0] - 1), 0) if self._entries else None
        if self.new_from is not None and self.new_from > number:
            self.new_from -= 1
        if self.chosen is not None and self.chosen >= number:
            self.chosen = None if self.chosen == number else self.chosen - 1

    def clear(self) -> None:
        """Forget all entries."""
        self._first = self.end
        self._entries.clear()
        self.new_from = self.chosen = self._anchor = None

    # What is seen.

    def rows(self, width: int, height: int) -> list[Row]:
        """Return what is seen in so many columns: at most ``height`` rows, the newest last."""
        return self._upwards(width, height)

    def is_near_top(self, width: int, height: int) -> bool:
        """Return whether less than another page is above what is seen."""
        lowest = self.end - 1 if self._anchor is None else self._anchor[0]
        if lowest - self._first >= 2 * height:  # an entry has a row at the least
            return False
        return len(self._upwards(width, 2 * height)) < 2 * height

    def scroll_up(self, rows: int, width: int, height: int) -> None:
        """Move the view towards older entries, at most to the oldest."""
        reached = len(self._upwards(width, height + rows))
        self._move_up(min(rows, max(0, reached - height)), width)

    def scroll_down(self, rows: int, width: int) -> None:
        """Move the view towards newer entries; behind the newest, it follows again."""
        while rows > 0 and self._anchor is not None:
            number, below = self._anchor
            if below >= rows:
                self._anchor = (number, below - rows)
                rows = 0
            else:
                # The next entry with all its rows below the view: one more entry up.
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

    def reveal(self, number: int, width: int, height: int) -> None:
        """Move the view, if need be, so that an entry is seen."""
        lowest, below = self._anchor or (self.end - 1, 0)
        rows = -below
        for seen in range(lowest, self._first - 1, -1):
            rows += len(self._block(seen, width))
            if seen == number and rows <= height:
                return
            if rows > height:
                break
        # In the middle: with half of the rows below it.
        below, lowest = 0, number
        while below < height // 2 and lowest + 1 < self.end:
            lowest += 1
            below += len(self._block(lowest, width))
        self._anchor = (lowest, 0) if lowest + 1 < self.end else None

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
        """Return the rows of an entry, with what stands above it."""
        at = number - self._first
        entry = self._entries[at]
        rows = []
        day = entry.time.date()
        if at == 0 or self._entries[at - 1].time.date() != day:
            rows.append(rule(_day(day), width))
        if number == self.new_from:
            rows.append(rule("new messages", width))
        for line in entry.lines():
            rows += lay(line, width, chosen=number == self.chosen)
        return rows


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"
