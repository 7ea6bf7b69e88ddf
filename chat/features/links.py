"""LINKS: which servers make up the network.

Source: Modern IRC, "LINKS message".
"""

from __future__ import annotations

from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import RPL_ENDOFLINKS, RPL_LINKS

feature = Feature()


@feature.command("LINKS", appends=False)
def links(request: Request) -> Effects:
    """LINKS: list the network's servers."""
    settings = request.settings
    yield RPL_LINKS(settings.server, settings.server, f"0 {settings.description}")
    yield RPL_ENDOFLINKS("*")
