"""What Tab completes: commands, rooms, nicknames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from chat.console.commands import COMMANDS


@frozen
class Completion:
    """``text`` in place of the last ``replaces`` characters before the cursor."""

    text: str
    replaces: int
    help: str = ""


def complete(before: str, rooms: Iterable[str], nicks: Iterable[str]) -> Iterator[Completion]:
    """Yield what the word at the end of ``before``, the text up to the cursor, may become.

    A nickname at the beginning of a line addresses: it gets a colon.  An empty word
    completes to nothing, so that a pasted tab does no harm.
    """
    start, space, word = before.rpartition(" ")
    if not word:
        return
    if not space and word.startswith("/"):
        for command in COMMANDS.values():
            if command.name.startswith(word[1:].lower()):
                yield Completion(f"/{command.name} ", len(word), command.help)
        return
    folded = word.casefold()
    begun = COMMANDS.get(start[1:].lower()) if start.startswith("/") else None
    for name in begun.words if begun is not None else ():
        if name.startswith(folded):
            yield Completion(f"{name} ", len(word))
    for name in sorted(rooms):
        if name.casefold().startswith(folded):
            yield Completion(f"{name} ", len(word))
    for nick in nicks:
        if nick.casefold().startswith(folded):
            yield Completion(f"{nick} " if start or space else f"{nick}: ", len(word))
