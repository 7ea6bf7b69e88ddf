"""KILL: end somebody's connection.

Source: Modern IRC, "KILL message".
"""

from __future__ import annotations

from chat.features.feature import Audit, Effects, Feature, Request
from chat.irc.message import truncate
from chat.irc.numerics import ERR_CANTKILLSERVER, ERR_NOSUCHNICK
from chat.network.events import Killed

feature = Feature()


@feature.command("KILL", parameters=2, privileged=True)
def kill(request: Request) -> Effects:
    """KILL nickname reason: end all sessions of a client (operators)."""
    if request.params[0] == request.settings.server:
        yield ERR_CANTKILLSERVER()
        return
    target = request.network.client(request.params[0])
    if target is None:
        yield ERR_NOSUCHNICK(request.params[0])
        return
    reason = truncate(request.params[1], request.settings.limits.kick_length)
    yield Audit(f"killed {target.nick}: {reason!r}")
    yield Killed(request.client.actor, target.id, target.nick, reason)
