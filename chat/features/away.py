"""AWAY: tell that one is not there.

Sources: Modern IRC, "AWAY message"; https://ircv3.net/specs/extensions/away-notify
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, truncate
from chat.irc.numerics import RPL_NOWAWAY, RPL_UNAWAY
from chat.network.events import AwayChanged
from chat.network.settings import Settings

feature = Feature()
feature.capability("away-notify", "https://ircv3.net/specs/extensions/away-notify")


@feature.command("AWAY")
def away(request: Request) -> Effects:
    """AWAY [text]: say that you are away, or without a text that you are back."""
    text = truncate(request.param(0), request.settings.limits.away_length)
    yield AwayChanged(request.client.actor, text or None)


@feature.renders(AwayChanged)
def show_away(viewer: Viewer, event: AwayChanged) -> Lines:
    """Answer the session itself; tell the others with away-notify."""
    if viewer.is_origin:
        yield RPL_UNAWAY() if event.message is None else RPL_NOWAWAY()
    elif viewer.has("away-notify"):
        params = () if event.message is None else (event.message,)
        yield Message("AWAY", params, event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the text's limit."""
    return {"AWAYLEN": str(settings.limits.away_length)}
