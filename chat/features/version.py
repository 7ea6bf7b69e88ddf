"""VERSION: what runs here, and all ISUPPORT tokens again.

Source: Modern IRC, "VERSION message".
"""

from __future__ import annotations

from chat.features import isupport
from chat.features.feature import Effects, Feature, Request
from chat.irc.numerics import ERR_NOSUCHSERVER, RPL_VERSION

feature = Feature()


@feature.command("VERSION", appends=False)
def version(request: Request) -> Effects:
    """VERSION: ask which software the server runs."""
    settings = request.settings
    if request.param(0) not in ("", settings.server):
        yield ERR_NOSUCHSERVER(request.params[0])
        return
    yield RPL_VERSION(settings.version, settings.server, "IRC over mutual TLS")
    yield from isupport.lines(request.features, settings, request.session.capabilities)
