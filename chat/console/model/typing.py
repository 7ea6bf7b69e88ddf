"""What helps who types: the lines typed before, completion at each Tab, readline's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from chat.console.completion import Completion

#: Lines that are remembered.
_REMEMBERED = 500


class History:
    """The lines typed before.  One that is begun is kept while others are looked at."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at = 0
        self._begun = ""

    def add(self, line: str) -> None:
        """Remember a line that was entered, and go behind it."""
        if line.strip() and self._lines[-1:] != [line]:
            self._lines.append(line)
            del self._lines[:-_REMEMBERED]
        self._at = len(self._lines)
        self._begun = ""

    def older(self, line: str) -> str | None:
        """Return the line before, or ``None``; ``line`` is what stands there now."""
        if self._at == 0:
            return None
        if self._at == len(self._lines):
            self._begun = line
        self._at -= 1
        return self._lines[self._at]

    def newer(self) -> str | None:
        """Return the line behind, at the end the one that was begun, or ``None``."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at] if self._at < len(self._lines) else self._begun

    def find(self, letters: str) -> list[str]:
        """Return the lines that have all these words in them, the latest first, each once."""
        words = letters.casefold().split()
        lines = dict.fromkeys(reversed(self._lines))
        return [line for line in lines if all(word in line.casefold() for word in words)]


@frozen
class _Round:
    """Offers that follow each other, and what stands before the cursor when one is in place."""

    before: str
    offers: tuple[Completion, ...]
    at: int

    @property
    def text(self) -> str:
        """What stands before the cursor now."""
        offer = self.offers[self.at]
        return self.before[: len(self.before) - offer.replaces] + offer.text


class Completer:
    """Puts in the first offer, and the next one when asked again at once."""

    def __init__(self, offers: Callable[[str], Iterable[Completion]]) -> None:
        self._offers = offers
        self._round: _Round | None = None

    def complete(self, before: str, by: int = 1) -> str | None:
        """Return what is to stand before the cursor, or ``None``; ``by`` -1 is the offer before."""
        going_on = self._round is not None and before == self._round.text
        if self._round is not None and going_on:
            at = (self._round.at + by) % len(self._round.offers)
            self._round = _Round(self._round.before, self._round.offers, at)
        else:
            offers = tuple(self._offers(before))
            self._round = _Round(before, offers, 0) if offers else None
        return self._round.text if self._round is not None else None

    def offers(self) -> tuple[str, ...]:
        """Return what there is to choose from, while that is more than one."""
        if self._round is None or len(self._round.offers) < 2:
            return ()
        return tuple(offer.text.strip() for offer in self._round.offers)


# As readline has it (its manual, "Bindable Readline Commands"): a word is letters and digits.


def word_before(text: str, at: int) -> int:
    """Return where the word before a place begins."""
    while at > 0 and not text[at - 1].isalnum():
        at -= 1
    while at > 0 and text[at - 1].isalnum():
        at -= 1
    return at


def word_behind(text: str, at: int) -> int:
    """Return where the word behind a place ends."""
    while at < len(text) and not text[at].isalnum():
        at += 1
    while at < len(text) and text[at].isalnum():
        at += 1
    return at


def blank_before(text: str, at: int) -> int:
    """Return where what stands before a place begins, back to a blank."""
    before = text[:at].rstrip()
    return max(before.rfind(" "), before.rfind("\n")) + 1


def line_around(text: str, at: int) -> tuple[int, int]:
    """Return where the line that a place is in begins and ends."""
    end = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, end if end >= 0 else len(text)


def transposed(text: str, at: int) -> tuple[int, str] | None:
    """Return where two characters stand, and them exchanged.

    They are around the cursor, or at a line's end before it.
    """
    start, end = line_around(text, at)
    behind = min(at, end - 1)
    if at == start or behind <= start:
        return None
    return behind - 1, text[behind] + text[behind - 1]
