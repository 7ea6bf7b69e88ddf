"""The grammar of MODE, driven by a table of letters.

Source: Modern IRC, "MODE message" and "CHANMODES parameter".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from attrs import frozen


class ModeKind(Enum):
    """How a mode takes its argument; A to D are the types of ISUPPORT CHANMODES."""

    LIST = "A"
    ALWAYS = "B"
    WHEN_SET = "C"
    FLAG = "D"
    PREFIX = "prefix"

    def takes_argument(self, adding: bool) -> bool:
        """Return whether a change of this kind needs an argument."""
        return self in (ModeKind.ALWAYS, ModeKind.PREFIX) or (self is ModeKind.WHEN_SET and adding)


@frozen
class ModeChange:
    """One letter set or unset; ``argument`` is ``None`` where there is none."""

    adding: bool
    letter: str
    argument: str | None = None


def parse_changes(words: Sequence[str], kinds: Mapping[str, ModeKind]) -> Iterator[ModeChange]:
    """Yield the changes that the parameters of a MODE command ask for.

    Letters that ``kinds`` does not have come without an argument; so does a
    list mode that only asks for its list, and a change whose argument is missing.
    """
    arguments = iter(words[1:])
    adding = True
    for letter in words[0] if words else "":
        if letter in "+-":
            adding = letter == "+"
            continue
        kind = kinds.get(letter)
        takes = kind is ModeKind.LIST or (kind is not None and kind.takes_argument(adding))
        yield ModeChange(adding, letter, next(arguments, None) if takes else None)


def format_changes(changes: Iterable[ModeChange]) -> tuple[str, ...]:
    """Return the parameters of the MODE message that tells ``changes``."""
    letters = []
    arguments = []
    sign = None
    for change in changes:
        if change.adding is not sign:
            letters.append("+" if change.adding else "-")
            sign = change.adding
        letters.append(change.letter)
        if change.argument is not None:
            arguments.append(change.argument)
    return ("".join(letters), *arguments)
