"""Messages of any length as lines that fit.

Sources: Modern IRC, "Message Format": 512 bytes, with what the server puts in front;
IRCv3 draft/multiline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from chat.client.events import Manner
from chat.irc.message import MAX_BODY, Message, truncate

_ACTION = "\x01ACTION "

#: The least room for text: a target that leaves less is too long anyway.
_LEAST = 16


@frozen
class Multiline:
    """What one message of several lines may have, on a server that knows them."""

    most_bytes: int
    most_lines: int


@frozen
class Piece:
    """One line on the wire; what ``continues`` belongs to the line before (draft/multiline)."""

    text: str
    continues: bool = False


def compose(
    manner: Manner, target: str, text: str, source_length: int, several: Multiline | None = None
) -> Iterator[Message]:
    """Yield the messages that say ``text`` to ``target``, one or more per line of it.

    ``source_length`` is the bytes of our ``nick!user@host``, which others see in
    front.  A line is parted at a space where there is one in its second half.  With
    ``several`` a message has as many lines as it may, parted by line feeds.
    """
    command = "NOTICE" if manner is Manner.NOTICE else "PRIVMSG"
    if several is not None and manner is not Manner.ACTION:
        for whole in _wholes(list(pieces(command, target, text, source_length)), several):
            yield Message(command, (target, whole))
        return
    form = "\x01ACTION {}\x01" if manner is Manner.ACTION else "{}"
    room = _room(command, target, source_length) - len(form.format(""))
    for line in text.splitlines():
        for piece in _parted(line, max(_LEAST, room)):
            if piece.strip(" "):
                yield Message(command, (target, form.format(piece.removesuffix(" "))))


def pieces(command: str, target: str, text: str, source_length: int) -> Iterator[Piece]:
    """Yield the lines, as long as they may be, that make ``text``."""
    room = max(_LEAST, _room(command, target, source_length))
    for line in text.splitlines():
        for number, part in enumerate(_parted(line, room) if line else [""]):
            yield Piece(part, continues=number > 0)


def joined(lines: Iterable[Piece]) -> str:
    """Return the text that lines make: the combined message value (draft/multiline)."""
    text = ""
    for number, line in enumerate(lines):
        text += line.text if line.continues or not number else f"\n{line.text}"
    return text


def uttered(message: Message) -> tuple[Manner, str] | None:
    """Return how and what a PRIVMSG or NOTICE says: ``None`` for most of CTCP."""
    text = message.params[1]
    if text.startswith(_ACTION):
        return Manner.ACTION, text[len(_ACTION) :].removesuffix("\x01")
    return None if text.startswith("\x01") else (Manner(message.command), text)


def _wholes(lines: list[Piece], several: Multiline) -> Iterator[str]:
    """Yield texts of as many lines as one message may have; none is only blank."""
    gathered: list[Piece] = []
    for line in [*lines, None]:
        grown = [*gathered, line] if line is not None else []
        is_within = len(joined(grown).encode()) <= several.most_bytes
        if grown and (not gathered or (is_within and len(grown) <= several.most_lines)):
            gathered = grown
            continue
        text = joined(gathered).strip("\n")
        if text:
            yield text
        gathered = grown[-1:]


def _room(command: str, target: str, source_length: int) -> int:
    return MAX_BODY - len(f": {command} {target} :\r\n".encode()) - source_length


def _parted(line: str, limit: int) -> Iterator[str]:
    """Yield the parts of a line; a space where it was parted ends the part before."""
    while len(line.encode()) > limit:
        piece = truncate(line, limit)
        space = piece.rfind(" ", len(piece) // 2)
        if space > 0:
            piece = piece[: space + 1]
        yield piece
        line = line[len(piece) :]
    if line:
        yield line
