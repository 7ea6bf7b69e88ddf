"""AWAY: tell that one is not there.

Sources: Modern IRC, "AWAY message"; https://ircv3.net/specs/extensions/away-notify,
https://ircv3.net/specs/extensions/pre-away
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from chat.features.feature import Effects, Feature, Lines, Request, Update, Viewer
from chat.irc.message import Message, truncate
from chat.irc.numerics import ERR_NOTREGISTERED, RPL_NOWAWAY, RPL_UNAWAY
from chat.network.events import AwayChanged
from chat.network.session import Phase
from chat.network.settings import Settings

feature = Feature()
feature.capability("away-notify", "https://ircv3.net/specs/extensions/away-notify")
feature.capability("draft/pre-away", "https://ircv3.net/specs/extensions/pre-away")


@feature.command("AWAY", phases=(Phase.REGISTERING, Phase.REGISTERED))
def away(request: Request) -> Effects:
    """AWAY [text]: say that you are away, or without a text that you are back."""
    session = request.session
    text = truncate(request.param(0), request.settings.limits.away_length)
    if session.phase is Phase.REGISTERED:
        yield AwayChanged(request.client.actor, text or None)
    elif "draft/pre-away" in session.capabilities:
        yield Update(evolve(session, away=text or None))
        yield RPL_NOWAWAY() if text else RPL_UNAWAY()
    else:
        yield ERR_NOTREGISTERED()


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
