"""ISUPPORT: what this server has, told with the welcome, by VERSION and on request.

Sources: Modern IRC, "Feature Advertisement";
https://ircv3.net/specs/extensions/extended-isupport
"""

from __future__ import annotations

from attrs import evolve

from chat.features.feature import Effects, Feature, Features, Lines, Request
from chat.irc.message import Message
from chat.irc.numerics import ERR_NOTREGISTERED, RPL_ISUPPORT
from chat.network.session import Phase
from chat.network.settings import Settings

feature = Feature()
feature.capability(
    "draft/extended-isupport", "https://ircv3.net/specs/extensions/extended-isupport"
)

#: Tokens of one line: a message has 15 parameters, and two of them are taken.
_TOKENS = 13


@feature.command("ISUPPORT", phases=(Phase.REGISTERING, Phase.REGISTERED), appends=False)
def isupport(request: Request) -> Effects:
    """ISUPPORT: see all features of the server again."""
    session = request.session
    if session.phase is Phase.REGISTERING and (
        "draft/extended-isupport" not in session.capabilities
    ):
        yield ERR_NOTREGISTERED()
        return
    yield from lines(request.features, request.settings, session.capabilities)


def lines(features: Features, settings: Settings, capabilities: frozenset[str]) -> Lines:
    """Return the replies that tell all tokens, in a batch of their own where that is wanted."""
    batched = {"batch", "draft/extended-isupport"} <= capabilities
    if batched:
        yield Message("BATCH", ("+isupport", "draft/isupport"))
    tokens = features.isupport(settings)
    for start in range(0, len(tokens), _TOKENS):
        reply = RPL_ISUPPORT(*tokens[start : start + _TOKENS])
        yield evolve(reply, tags={"batch": "isupport"}) if batched else reply
    if batched:
        yield Message("BATCH", ("-isupport",))
