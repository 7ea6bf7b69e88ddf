"""Client-only tags: which of those that a client puts on a message travel along.

All do, +reply and +draft/react and those that nobody has thought of yet, but
for what the operator denies and a +typing that says nothing.
Sources: https://ircv3.net/specs/extensions/message-tags ("RPL_ISUPPORT Tokens"),
https://ircv3.net/specs/client-tags/typing
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Feature, Request
from chat.network.settings import Settings

TYPING = "+typing"
_TYPING_VALUES = frozenset({"active", "paused", "done"})

feature = Feature()


def kept(request: Request) -> dict[str, str]:
    """Return the client-only tags that others get to see of the request's message."""
    denied = request.settings.denied_client_tags
    return {
        tag: value
        for tag, value in request.message.tags.items()
        if tag.startswith("+")
        and not is_denied(tag[1:], denied)
        and (tag != TYPING or value in _TYPING_VALUES)
    }


def is_denied(name: str, denied: tuple[str, ...]) -> bool:
    """Return whether ``denied``, in the form of CLIENTTAGDENY, blocks +``name``."""
    return name in denied or ("*" in denied and f"-{name}" not in denied)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return which tags are blocked: "omitting the token entirely is recommended" for none."""
    denied = settings.denied_client_tags
    return {"CLIENTTAGDENY": ",".join(denied)} if denied else {}
