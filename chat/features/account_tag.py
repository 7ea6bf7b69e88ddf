"""account-tag: messages carry the account of who sent them.

Source: https://ircv3.net/specs/extensions/account-tag
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Feature
from chat.irc.message import Message
from chat.network.events import Actor, Entry

feature = Feature()
feature.capability("account-tag", "https://ircv3.net/specs/extensions/account-tag")


@feature.tags("account-tag")
def account_tag(entry: Entry, line: Message, index: int) -> Mapping[str, str]:
    """Tag the lines whose source is the event's actor."""
    actor: Actor | None = getattr(entry.event, "actor", None)
    if actor is None or actor.account is None or line.source != actor.source:
        return {}
    return {"account": actor.account}
