"""OPER: become an IRC operator.

Source: Modern IRC, "OPER message".
"""

from __future__ import annotations

from chat.features.feature import Audit, CheckOperator, Effects, Feature, Request
from chat.irc.modes import ModeChange
from chat.irc.numerics import ERR_NEEDMOREPARAMS, ERR_PASSWDMISMATCH, RPL_YOUREOPER
from chat.network import modes
from chat.network.events import UserModesChanged

feature = Feature()


@feature.command("OPER", cost=4)
def oper(request: Request) -> Effects:
    """OPER name password: become an operator; OPER alone, if your account's role is one."""
    if not request.params and request.client.role in ("operator", "admin"):
        yield from _promote(request, f"the account {request.client.account}")
        return
    if not request.param(1):
        yield ERR_NEEDMOREPARAMS("OPER")
        return
    name = request.params[0]
    if not (yield CheckOperator(name, request.params[1])):
        yield Audit(f"OPER {name!r} refused: no such operator, or wrong password")
        yield ERR_PASSWDMISMATCH()
        return
    yield from _promote(request, repr(name))


def _promote(request: Request, by: str) -> Effects:
    yield Audit(f"is now an operator by {by}")
    yield RPL_YOUREOPER()
    yield UserModesChanged(request.client.actor, (ModeChange(True, modes.USER_OPERATOR),))
