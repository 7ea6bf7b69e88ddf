"""From a fact to the lines that a viewer sees of it."""

from __future__ import annotations

from collections.abc import Iterator

from chat.features.feature import Features, Viewer
from chat.irc.message import Message
from chat.irc.numerics import Reply
from chat.network.events import Entry


def render(features: Features, entry: Entry, fact: object, viewer: Viewer) -> Iterator[Message]:
    """Yield the complete lines of ``fact``, a consequence of ``entry``."""
    renderer = features.renderers.get(type(fact))
    if renderer is None:
        return
    capabilities = viewer.capabilities
    for index, rendered in enumerate(renderer(viewer, fact)):
        line = complete(rendered, viewer.settings.server, viewer.nick)
        tags: dict[str, str] = {}
        for capability, tagger in features.taggers:
            if capability in capabilities:
                tags.update(tagger(entry, line, index))
        yield line.tagged(tags)


def complete(line: Message | Reply, server: str, nick: str) -> Message:
    """Return ``line`` with the server as its source, and a numeric with whom it is to."""
    if isinstance(line, Reply):
        return Message(line.code, (nick, *line.words()), server, line.tags)
    if line.source is None:
        return Message(line.command, line.params, server, line.tags)
    return line
