"""Messages of any length as lines that fit.

Source: Modern IRC, "Message Format": 512 bytes, with what the server puts in front.
"""

from __future__ import annotations

from collections.abc import Iterator

from chat.client.events import Manner
from chat.irc.message import MAX_BODY, Message, truncate

_ACTION = "\x01ACTION "

#: The least room for text: a target that leaves less is too long anyway.
_LEAST = 16


def compose(manner: Manner, target: str, text: str, source_length: int) -> Iterator[Message]:
    """Yield the messages that say ``text`` to ``target``, one or more per line of it.

    ``source_length`` is the bytes of our ``nick!user@host``, which others see in
    front.  A line is parted at a space where there is one in its second half.
    """
    command = "NOTICE" if manner is Manner.NOTICE else "PRIVMSG"
    form = "\x01ACTION {}\x01" if manner is Manner.ACTION else "{}"
    frame = len(f": {command} {target} :\r\n".encode()) + len(form.format("")) + source_length
    for line in text.splitlines():
        for piece in _pieces(line, max(_LEAST, MAX_BODY - frame)):
            yield Message(command, (target, form.format(piece)))


def uttered(message: Message) -> tuple[Manner, str] | None:
    """Return how and what a PRIVMSG or NOTICE says: ``None`` for most of CTCP."""
    text = message.params[1]
    if text.startswith(_ACTION):
        return Manner.ACTION, text[len(_ACTION) :].removesuffix("\x01")
    return None if text.startswith("\x01") else (Manner(message.command), text)


def _pieces(line: str, limit: int) -> Iterator[str]:
    while len(line.encode()) > limit:
        piece = truncate(line, limit)
        space = piece.rfind(" ", len(piece) // 2)
        if space > 0:
            piece = piece[:space]
        yield piece
        line = line[len(piece) :].removeprefix(" ")
    if line:
        yield line
