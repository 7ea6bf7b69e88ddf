"""Lines of the server that belong together.

Sources: IRCv3 batch, labeled-response, draft/multiline, draft/chathistory;
soju, doc/ext/search.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

from chat.client.text import Piece, joined
from chat.irc.message import Message

#: Batches that are open at a time, and lines that one gathers: what is beyond is taken
#: as if it came by itself.
MOST_OPEN = 32
MOST_LINES = 10_000

HISTORY = "chathistory"
TARGETS = "draft/chathistory-targets"
SEARCH = "soju.im/search"
_PAGES = (HISTORY, TARGETS, SEARCH)
MULTILINE = "draft/multiline"
CONCAT = "draft/multiline-concat"


@frozen
class Page:
    """What one batch of history had: ``about`` is the room, where it is of one.

    ``kind`` is the batch's: messages of a room, a list of rooms, or what was searched for.
    """

    kind: str
    about: str
    #: Whether the server says that there is no more.
    is_end: bool
    lines: tuple[Message, ...]


@define
class _Batch:
    kind: str
    params: tuple[str, ...]
    source: str | None
    tags: Mapping[str, str]
    parent: _Batch | None
    lines: list[Message] = field(factory=list)


class Batches:
    """The batches of one connection."""

    def __init__(self) -> None:
        self._open: dict[str, _Batch] = {}

    def take(self, message: Message) -> Iterator[Message | Page]:
        """Take a message, and yield what is complete now: messages, and pages of history.

        A message of several lines comes as one, with line feeds in its text; what is
        in a labelled batch has its label.
        """
        if message.command != "BATCH":
            yield from _put(message, self._open.get(message.tags.get("batch", "")))
        elif message.params[:1] and message.params[0].startswith("+"):
            self._begin(message)
        elif message.params:
            batch = self._open.pop(message.params[0][1:], None)
            if batch is not None:
                yield from _whole(batch)

    def _begin(self, message: Message) -> None:
        if len(message.params) < 2 or len(self._open) >= MOST_OPEN:
            return
        reference, kind, *params = message.params
        if reference[1:] not in self._open:
            parent = self._open.get(message.tags.get("batch", ""))
            self._open[reference[1:]] = _Batch(
                kind, tuple(params), message.source, message.tags, parent
            )


def _put(message: Message, batch: _Batch | None) -> Iterator[Message]:
    """Add a message to the batch that gathers it, or yield it where none does."""
    while batch is not None:
        if batch.kind in (*_PAGES, MULTILINE) and len(batch.lines) < MOST_LINES:
            batch.lines.append(message)
            return
        if "label" in batch.tags:
            message = message.tagged({"label": batch.tags["label"]})
        batch = batch.parent
    yield message


def _whole(batch: _Batch) -> Iterator[Message | Page]:
    if batch.kind == MULTILINE:
        if batch.lines and batch.params:
            first = batch.lines[0]
            lines = (Piece(line.text(), CONCAT in line.tags) for line in batch.lines)
            params = (batch.params[0], joined(lines))
            source = batch.source or first.source
            yield from _put(Message(first.command, params, source, batch.tags), batch.parent)
    elif batch.kind in _PAGES:
        about = batch.params[0] if batch.kind == HISTORY and batch.params else ""
        yield Page(batch.kind, about, "draft/chathistory-end" in batch.tags, tuple(batch.lines))
