"""The replies of one command: collected, labelled, and released in the order of the commands.

Sources: https://ircv3.net/specs/extensions/labeled-response,
https://ircv3.net/specs/extensions/batch
"""

from __future__ import annotations

from attrs import define, field

from chat.irc.message import Message
from chat.network.ids import EventId


@define(eq=False)
class Collector:
    """Collects what one command of one session leads to."""

    command: str
    #: Whether a next command that is pipelined too need not wait for this one.
    pipelined: bool = False
    #: The client's label, where it negotiated labeled-response.
    label: str | None = None
    #: The entries of the log that belong to the response.
    entries: frozenset[EventId] = frozenset()
    done: bool = False
    _lines: list[Message] = field(factory=list)

    def add(self, line: Message) -> None:
        """Take one more line of the response."""
        self._lines.append(line)

    def release(self, server: str) -> list[Message]:
        """Return the response: with a label it is one line, a batch, or an ACK."""
        if self.label is None:
            return self._lines
        tag = {"label": self.label}
        match self._lines:
            case []:
                return [Message("ACK", (), server, tag)]
            case [line]:
                return [line.tagged(tag)]
            case [first, *_, last] if _is_one_batch(first, last):
                return [first.tagged(tag), *self._lines[1:]]
        # The reference only has to be unlike those of batches open at the same time.
        reference = "1"
        inside = {"batch": reference}
        return [
            Message("BATCH", (f"+{reference}", "labeled-response"), server, tag),
            *(line if "batch" in line.tags else line.tagged(inside) for line in self._lines),
            Message("BATCH", (f"-{reference}",), server),
        ]


def _is_one_batch(first: Message, last: Message) -> bool:
    """Return whether a response is a batch from its first line to its last."""
    return (
        first.command == last.command == "BATCH"
        and first.params[0].startswith("+")
        and last.params[0] == f"-{first.params[0][1:]}"
    )
