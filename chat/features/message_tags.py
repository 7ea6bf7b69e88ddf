"""message-tags: client-only tags travel along, and messages carry their ``msgid``.

Sources: https://ircv3.net/specs/extensions/message-tags,
https://ircv3.net/specs/extensions/message-ids,
https://ircv3.net/specs/extensions/bot-mode
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features import client_tags, messages
from chat.features.feature import Effects, Feature, Request
from chat.irc.message import Message
from chat.network.events import Actor, Entry, MessageSent

feature = Feature()
feature.capability("message-tags", "https://ircv3.net/specs/extensions/message-tags")


@feature.command("TAGMSG", parameters=1, pipelined=True)
def tagmsg(request: Request) -> Effects:
    """TAGMSG target[,target]: send client-only tags without a text."""
    if client_tags.kept(request):
        yield from messages.send(request, request.params[0], "")


@feature.tags("message-tags")
def message_tags(entry: Entry, line: Message, index: int) -> Mapping[str, str]:
    """Tag what somebody did with the event's id, a bot's mark and the client-only tags."""
    actor: Actor | None = getattr(entry.event, "actor", None)
    if actor is None or line.source != actor.source or "batch" in line.tags:
        return {}
    # "Servers MUST only include a message ID on the first message" (multiline).
    msgid = {"msgid": entry.uid} if index == 0 else {}
    bot = {"bot": ""} if actor.is_bot else {}
    client_only = entry.event.tags if isinstance(entry.event, MessageSent) else {}
    return {**msgid, **bot, **client_only}
