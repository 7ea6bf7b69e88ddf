"""Messages put together again that came in several lines, and those that came in batches.

Sources: IRCv3 batch, multiline.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, field

from chat.irc.message import Message

_MULTILINE = "draft/multiline"


@define
class _Batch:
    opening: Message
    lines: list[Message] = field(factory=list)


@define
class Page:
    """What was in a batch that has ended: its type's parameters, tags and whole messages."""

    opening: Message
    messages: tuple[Message, ...]


class Assembly:
    """Takes the lines of one connection; ``kind`` is the batch that is kept as a `Page`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._open: dict[str, _Batch] = {}

    def take(self, message: Message) -> Iterator[Message | Page]:
        """Yield what is whole by now: a message outside of pages, or a page."""
        reference = message.tags.get("batch", "")
        if message.command == "BATCH" and message.params:
            mark, name = message.params[0][:1], message.params[0][1:]
            if mark == "+" and message.params[1:2] in ((_MULTILINE,), (self._kind,)):
                self._open[name] = _Batch(message)
                return
            ended = self._open.pop(name, None) if mark == "-" else None
            if ended is None:
                return
            if ended.opening.params[1] == self._kind:
                yield Page(ended.opening, tuple(ended.lines))
                return
            if not ended.lines:
                return
            message = _joined(ended)
            reference = message.tags.get("batch", "")
        if reference in self._open:
            self._open[reference].lines.append(message)
        else:
            yield message


def _joined(batch: _Batch) -> Message:
    """Return a multiline message as one, whose text has line breaks."""
    first, *rest = batch.lines
    text = first.text()
    for line in rest:
        text += line.text() if "draft/multiline-concat" in line.tags else f"\n{line.text()}"
    target = first.params[0] if first.params else ""
    return evolve(batch.opening, command=first.command, params=(target, text))
