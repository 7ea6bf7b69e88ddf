"""What helps who types: the lines typed before, and the next completion at each Tab."""

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
