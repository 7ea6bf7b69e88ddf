"""ADMIN: who runs the server.

Source: Modern IRC, "ADMIN message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import (
    ERR_NOADMININFO,
    ERR_NOSUCHSERVER,
    RPL_ADMINEMAIL,
    RPL_ADMINLOC1,
    RPL_ADMINLOC2,
    RPL_ADMINME,
)

feature = Feature()


@feature.command("ADMIN", appends=False)
def admin(request: Request) -> Effects:
    """ADMIN: ask who runs the server."""
    settings = request.settings
    if request.param(0) not in ("", settings.server):
        yield ERR_NOSUCHSERVER(request.params[0])
        return
    if not settings.admin:
        yield ERR_NOADMININFO(settings.server)
        return
    yield RPL_ADMINME(settings.server)
    rows = (RPL_ADMINLOC1, RPL_ADMINLOC2, RPL_ADMINEMAIL)
    for row, line in zip(rows, settings.admin, strict=False):
        yield row(line)
