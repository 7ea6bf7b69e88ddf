"""REVOKE: have the authority revoke certificates, and what the rooms of their owner are told.

Ours: no specification has it.
"""

from __future__ import annotations

from chat.features.feature import (
    Audit,
    Effects,
    Feature,
    Lines,
    Request,
    RevokeCertificates,
    Viewer,
)
from chat.irc.message import Message, truncate
from chat.irc.standard_replies import StandardReply
from chat.network.changes import MemberRevoked

feature = Feature()


@feature.command("REVOKE", parameters=1, privileged=True, appends=False, cost=5)
def revoke(request: Request) -> Effects:
    """REVOKE account[/device] [reason]: nobody gets in with these certificates (operators).

    The reason may begin with key-compromise, affiliation-changed, superseded, cessation or
    privilege-withdrawn; the rest of it is shown in the rooms of the account.
    """
    name = request.params[0]
    words = " ".join(request.params[1:])
    reason = truncate(words, request.settings.limits.kick_length)
    yield Audit(f"revokes {name!r}: {reason!r}")
    revoked: tuple[str, ...] = yield RevokeCertificates(name, reason)
    holders = sorted(set(revoked))
    shown = holders[0] if len(holders) == 1 else holders[0].partition("/")[0]
    text = f"Revoked: {len(revoked)} more on the list; sessions with them are closed"
    yield StandardReply("NOTE", "REVOKE", "REVOKED", (shown,), text)


@feature.renders(MemberRevoked)
def show_revoked(viewer: Viewer, fact: MemberRevoked) -> Lines:
    """Tell a room which devices of a member are no longer that member's."""
    event = fact.event
    *names, last = event.devices
    if names:
        subject = f"{event.account}'s devices {', '.join(names)} and {last} were revoked"
    else:
        subject = f"{event.account}'s device {last} was revoked"
    why = ", ".join(filter(None, (event.reason, event.note)))
    text = f"{subject}: {why}" if why else subject
    yield Message("NOTICE", (fact.channel, text), viewer.settings.server)
