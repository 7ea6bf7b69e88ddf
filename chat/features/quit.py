"""QUIT: leave the network.

Source: Modern IRC, "QUIT message".
"""

from __future__ import annotations

from chat.features.feature import Close, Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.network.changes import ClientQuit
from chat.network.session import Phase

feature = Feature()


@feature.command("QUIT", phases=(Phase.REGISTERING, Phase.REGISTERED), appends=False, cost=0)
def quit_(request: Request) -> Effects:
    """QUIT [reason]: leave the network."""
    reason = request.param(0)
    yield Close(f"Quit: {reason}" if reason else "Quit")


@feature.renders(ClientQuit)
def show_quit(viewer: Viewer, fact: ClientQuit) -> Lines:
    """Tell the channels that somebody left."""
    yield Message("QUIT", (fact.reason,), fact.source)
