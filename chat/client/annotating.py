"""Messages about messages: replies, reactions, and what is taken back.

Sources: IRCv3 reply, and the drafts react and message-redaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.irc.message import Message

#: Whom an answer answers, by msgid; and what servers and clients called that before.
REPLY, DRAFT_REPLY = "+reply", "+draft/reply"
REACT, UNREACT = "+draft/react", "+draft/unreact"
REDACTION = "draft/message-redaction"


def reply(message: Message, msgid: str) -> Message:
    """Return a message that answers another, all its lines together."""
    return message.tagged({REPLY: msgid})


def react(target: str, msgid: str, reaction: str) -> Message:
    """Return what adds a reaction to a message in a room, or in a conversation."""
    return Message("TAGMSG", (target,), tags={REPLY: msgid, REACT: reaction})


def unreact(target: str, msgid: str, reaction: str) -> Message:
    """Return what takes a reaction back."""
    return Message("TAGMSG", (target,), tags={REPLY: msgid, UNREACT: reaction})


def redact(target: str, msgid: str, reason: str = "") -> Message:
    """Return what takes a message back."""
    return Message("REDACT", (target, msgid, reason) if reason else (target, msgid))


def reply_to(tags: Mapping[str, str]) -> str:
    """Return the msgid of what a message with these tags is about, ``""`` for nothing."""
    return tags.get(REPLY) or tags.get(DRAFT_REPLY, "")
