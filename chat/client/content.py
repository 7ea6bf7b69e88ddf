"""What a message of ours says, as it is encrypted: kind, text, and what it is about."""

from __future__ import annotations

from collections.abc import Mapping

from chat.client.annotating import REACT, REPLY, UNREACT, reply_to
from chat.client.events import Manner
from chat.client.text import uttered
from chat.client.typing import TAG as TYPING
from chat.irc.message import Message

#: Kind, text, and the msgid of what it is about.
Content = tuple[str, str, str]

_SPEAKING = frozenset({"PRIVMSG", "NOTICE", "TAGMSG", "REDACT", "RELAYMSG"})
_KINDS: Mapping[Manner, str] = {
    Manner.MESSAGE: "message",
    Manner.NOTICE: "notice",
    Manner.ACTION: "action",
}


def speaks(message: Message) -> bool:
    """Return whether a message says something to a room or a person, besides that we type."""
    is_typing = message.command == "TAGMSG" and message.tags.keys() == {TYPING}
    return message.command in _SPEAKING and bool(message.params) and not is_typing


def content_of(message: Message) -> Content | None:
    """Return what a message says, ``None`` where that cannot be encrypted."""
    params, tags = message.params, message.tags
    match message.command:
        case "PRIVMSG" | "NOTICE" if len(params) == 2:
            said = uttered(message)
            return (_KINDS[said[0]], said[1], reply_to(tags)) if said is not None else None
        case "TAGMSG" if tags.get(REPLY) and tags.get(REACT):
            return "react", tags[REACT], reply_to(tags)
        case "TAGMSG" if tags.get(REPLY) and tags.get(UNREACT):
            return "unreact", tags[UNREACT], reply_to(tags)
        case "REDACT" if len(params) == 3:
            return "redact", params[2], params[1]
    return None
