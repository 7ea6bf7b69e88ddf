"""OPER: become an IRC operator.

Source: Modern IRC, "OPER message".
"""

from __future__ import annotations

from chat.features.feature import Audit, CheckOperator, Effects, Feature, Request
from chat.irc.modes import ModeChange
from chat.irc.numerics import ERR_PASSWDMISMATCH, RPL_YOUREOPER
from chat.network import modes
from chat.network.events import UserModesChanged

feature = Feature()


@feature.command("OPER", parameters=2, cost=4)
def oper(request: Request) -> Effects:
    """OPER name password: become an operator of the network."""
    name = request.params[0]
    if not (yield CheckOperator(name, request.params[1])):
        yield Audit(f"OPER {name!r} refused: no such operator, or wrong password")
        yield ERR_PASSWDMISMATCH()
        return
    yield Audit(f"is now operator {name!r}")
    yield RPL_YOUREOPER()
    yield UserModesChanged(request.client.actor, (ModeChange(True, modes.USER_OPERATOR),))
