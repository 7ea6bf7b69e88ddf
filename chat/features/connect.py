"""CONNECT and SQUIT: between servers, of which this network has one.

Source: Modern IRC, "CONNECT message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import ERR_NOSUCHSERVER

feature = Feature()


@feature.command("CONNECT", parameters=1, privileged=True, appends=False)
def connect(request: Request) -> Effects:
    """CONNECT server: link another server (operators); there is none to link."""
    yield ERR_NOSUCHSERVER(request.params[0])


@feature.command("SQUIT", parameters=1, privileged=True, appends=False)
def squit(request: Request) -> Effects:
    """SQUIT server: unlink another server (operators); there is none that is linked."""
    yield ERR_NOSUCHSERVER(request.params[0])
