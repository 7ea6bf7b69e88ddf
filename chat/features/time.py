"""TIME: what the server's clock says.

Source: Modern IRC, "TIME message".
"""

from __future__ import annotations

from datetime import UTC, datetime

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import ERR_NOSUCHSERVER, RPL_TIME
from chat.network.ids import Timestamp

feature = Feature()


@feature.command("TIME", appends=False)
def time(request: Request) -> Effects:
    """TIME: ask for the server's time."""
    server = request.settings.server
    if request.param(0) not in ("", server):
        yield ERR_NOSUCHSERVER(request.params[0])
        return
    yield RPL_TIME(server, utc(request.now))


def utc(time: Timestamp) -> str:
    """Return ``time`` as people read it."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%A %Y-%m-%d %H:%M:%S UTC")
