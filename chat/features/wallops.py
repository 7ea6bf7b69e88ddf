"""WALLOPS: operators speak to everybody who listens.

Source: Modern IRC, "WALLOPS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.network.events import WallopsSent

feature = Feature()


@feature.command("WALLOPS", parameters=1, privileged=True)
def wallops(request: Request) -> Effects:
    """WALLOPS :text: tell all who have user mode +w (operators)."""
    yield WallopsSent(request.client.actor, request.params[0])


@feature.renders(WallopsSent)
def show_wallops(viewer: Viewer, event: WallopsSent) -> Lines:
    """Show the text."""
    yield Message("WALLOPS", (event.text,), event.actor.source)
