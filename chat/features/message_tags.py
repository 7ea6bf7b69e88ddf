"""message-tags: client-only tags travel along, and messages carry their ``msgid``.

Sources: https://ircv3.net/specs/extensions/message-tags,
https://ircv3.net/specs/extensions/message-ids
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Feature
from chat.irc.message import Message
from chat.network.events import Entry, MessageSent

feature = Feature()
feature.capability("message-tags", "https://ircv3.net/specs/extensions/message-tags")


@feature.tags("message-tags")
def message_tags(entry: Entry, line: Message) -> Mapping[str, str]:
    """Tag messages with their id and the sender's client-only tags."""
    if not isinstance(entry.event, MessageSent):
        return {}
    return {"msgid": entry.uid, **entry.event.tags}
