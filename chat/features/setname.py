"""SETNAME: change one's real name.

Source: https://ircv3.net/specs/extensions/setname
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.standard_replies import fail
from chat.network.events import RealnameChanged
from chat.network.settings import Settings

feature = Feature()
feature.capability("setname", "https://ircv3.net/specs/extensions/setname")


@feature.command("SETNAME", parameters=1)
def setname(request: Request) -> Effects:
    """SETNAME :real name: change your real name."""
    realname = request.params[0]
    if len(realname.encode()) > request.settings.limits.realname_length:
        yield fail("SETNAME", "INVALID_REALNAME", text="That real name is too long")
        return
    yield RealnameChanged(request.client.actor, realname)


@feature.renders(RealnameChanged)
def show_setname(viewer: Viewer, event: RealnameChanged) -> Lines:
    """Tell who negotiated setname; the session itself always."""
    if viewer.has("setname") or viewer.is_origin:
        yield Message("SETNAME", (event.realname,), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the limit."""
    return {"NAMELEN": str(settings.limits.realname_length)}
