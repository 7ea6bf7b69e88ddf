"""chghost: who shares a channel sees a new username or host of others.

A client that was there without a device takes those of the first that connects.
Clients without the capability are told nothing: the QUIT and JOIN that the
specification has for them would say that somebody left who did not.
Source: https://ircv3.net/specs/extensions/chghost
"""

from __future__ import annotations

from chat.features.feature import Feature, Lines, Viewer
from chat.irc.message import Message
from chat.network.changes import HostChanged

feature = Feature()
feature.capability("chghost", "https://ircv3.net/specs/extensions/chghost")


@feature.renders(HostChanged)
def show_host(viewer: Viewer, fact: HostChanged) -> Lines:
    """Tell username and host."""
    if viewer.has("chghost"):
        yield Message("CHGHOST", (fact.username, fact.host), fact.source)
