"""invite-notify: operators of a channel see who is invited to it.

Source: https://ircv3.net/specs/extensions/invite-notify
"""

from __future__ import annotations

from chat.features.feature import Feature, Lines, Viewer
from chat.irc.message import Message
from chat.network.changes import InvitedByAnother

feature = Feature()
feature.capability("invite-notify", "https://ircv3.net/specs/extensions/invite-notify")


@feature.renders(InvitedByAnother)
def show_invitation(viewer: Viewer, fact: InvitedByAnother) -> Lines:
    """Tell who invites whom, with the capability only."""
    if viewer.has("invite-notify"):
        yield Message("INVITE", (fact.nick, fact.channel), fact.source)
