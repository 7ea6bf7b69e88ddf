"""extended-monitor: watchers see away, account and name changes too.

`chat.network.client_branches` has the watchers in the audience.
Source: https://ircv3.net/specs/extensions/extended-monitor
"""

from __future__ import annotations

from chat.features.feature import Feature, Lines, Viewer
from chat.irc.message import Message
from chat.irc.numerics import Reply
from chat.network.changes import WatchedChange

feature = Feature()
feature.capability("extended-monitor", "https://ircv3.net/specs/extensions/extended-monitor")


@feature.renders(WatchedChange)
def show_watched(viewer: Viewer, fact: WatchedChange) -> Lines:
    """Show it as those who share a channel see it."""
    if viewer.has("extended-monitor"):
        for line in viewer.features.renderers[type(fact.fact)](viewer, fact.fact):
            if isinstance(line, Message | Reply):
                yield line
