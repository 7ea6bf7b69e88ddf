"""INFO: what this software is.

Source: Modern IRC, "INFO message".
"""

from __future__ import annotations

from chat.features import time
from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import RPL_ENDOFINFO, RPL_INFO

feature = Feature()


@feature.command("INFO", appends=False)
def info(request: Request) -> Effects:
    """INFO: read about the software and how long it has been running."""
    settings = request.settings
    yield RPL_INFO(f"{settings.version}: a private chat network that its owners run themselves")
    yield RPL_INFO(f"Running since {time.utc(settings.started)}")
    yield RPL_ENDOFINFO()
