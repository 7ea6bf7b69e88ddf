"""REHASH and RESTART: take a changed configuration into use.

Source: Modern IRC, "REHASH message" and "RESTART message".
"""

from __future__ import annotations

from chat.features.feature import Audit, Effects, Feature, Rehash, Request, Restart
from chat.irc.numerics import RPL_REHASHING
from chat.irc.standard_replies import fail

feature = Feature()


@feature.command("REHASH", privileged=True, appends=False, cost=5)
def rehash(request: Request) -> Effects:
    """REHASH: read configuration and certificates again; nobody is disconnected (operators)."""
    yield Audit("asks to read the configuration again")
    problem: str | None = yield Rehash()
    if problem is None:
        yield RPL_REHASHING("securechat.toml")
    else:
        yield fail("REHASH", "CONFIG_BAD", text=problem)


@feature.command("RESTART", privileged=True, appends=False)
def restart(request: Request) -> Effects:
    """RESTART: end the server and start it again (operators)."""
    yield Audit("restarts the server")
    yield Restart()
