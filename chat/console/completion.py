"""What Tab completes: commands, their words, rooms, nicknames, emoji."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Never

from attrs import frozen

from chat.console import emojis
from chat.console.commands import COMMANDS, NAMES, Words

#: Emoji that are offered at once: whoever wants another one types more of its name.
_EMOJI = 20

_NOTHING: Mapping[str, Never] = MappingProxyType({})


@frozen
class Completion:
    """``text`` in place of the last ``replaces`` characters before the cursor."""

    text: str
    replaces: int
    help: str = ""


def complete(
    before: str,
    rooms: Iterable[str],
    nicks: Iterable[str],
    settings: Mapping[str, str] = _NOTHING,
    values: Mapping[str, tuple[str, ...]] = _NOTHING,
) -> Iterator[Completion]:
    """Yield what the word at the end of ``before``, the text up to the cursor, may become.

    ``nicks`` are offered in their order; ``settings`` are names, each with its help, and
    ``values`` what can be set, where that is known.  A nickname at the beginning of a
    line addresses: it gets a colon.  An empty word completes to a word of the command
    only, and elsewhere to nothing, so that a pasted tab does no harm.
    """
    start, space, word = before.rpartition(" ")
    if not word:
        yield from _words(start, word, settings, values)
        return
    if not space and word.startswith("/"):
        yield from _matching(word, _commands("/"))
        return
    if word.startswith(":") and len(word) > 1:
        yield from _emoji(word)
    yield from _words(start, word, settings, values)
    yield from _matching(word, dict.fromkeys(sorted(rooms), ""))
    folded = word.casefold()
    for nick in nicks:
        if nick.casefold().startswith(folded):
            yield Completion(f"{nick} " if start or space else f"{nick}: ", len(word))


def _words(
    start: str, word: str, settings: Mapping[str, str], values: Mapping[str, tuple[str, ...]]
) -> Iterator[Completion]:
    """Yield the words that the command of a line may have at this place."""
    name, *others = start.split() or [""]
    command = NAMES.get(name.removeprefix("/").lower()) if name.startswith("/") else None
    if command is None or len(others) >= len(command.words):
        return
    match command.words[len(others)]:
        case Words.EMOJI:
            if word and not word.startswith(":"):
                yield from _emoji(word)
        case Words.SETTINGS:
            yield from _matching(word, settings)
        case Words.VALUES:
            yield from _matching(word, dict.fromkeys(values.get(others[0], ()), ""))
        case Words.COMMANDS:
            slash = "/" if word.startswith("/") else ""
            yield from _matching(word, _commands(slash))
        case tuple() as words:
            yield from _matching(word, dict.fromkeys(words, ""))


def _commands(slash: str) -> Mapping[str, str]:
    return {f"{slash}{name}": command.help for name, command in COMMANDS.items()}


def _matching(word: str, offers: Mapping[str, str]) -> Iterator[Completion]:
    folded = word.casefold()
    for name, about in offers.items():
        if name.casefold().startswith(folded):
            yield Completion(f"{name} ", len(word), about)


def _emoji(word: str) -> Iterator[Completion]:
    for name, character in islice(emojis.beginning(word), _EMOJI):
        yield Completion(f"{character} ", len(word), name)
