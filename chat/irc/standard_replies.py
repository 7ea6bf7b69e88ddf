"""FAIL, WARN and NOTE: replies that a program can read.

Source: IRCv3 standard-replies.
"""

from __future__ import annotations

from attrs import frozen

from chat.irc.message import Message


@frozen
class StandardReply:
    """``FAIL PRIVMSG TEMPORARILY_UNAVAILABLE #room :text``; ``command`` may be ``*``."""

    kind: str
    command: str
    code: str
    context: tuple[str, ...]
    text: str

    def message(self, source: str) -> Message:
        """Return the line of the reply."""
        return Message(self.kind, (self.command, self.code, *self.context, self.text), source)


def fail(command: str, code: str, *context: str, text: str) -> StandardReply:
    """Return the reply for a command that was not carried out."""
    return StandardReply("FAIL", command, code, context, text)
