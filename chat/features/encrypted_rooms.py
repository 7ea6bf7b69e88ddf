"""Channel mode +E: only messages that the server cannot read.

What is said there is in the tag `TAG`, and everybody else sees `PLACEHOLDER`.
Ours: docs/extensions.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chat.features.client_tags import TYPING
from chat.features.e2e import CAPABILITY
from chat.features.e2e import MESSAGE_TAG as TAG
from chat.features.feature import Request
from chat.irc.message import NAME_TAG
from chat.irc.numerics import ERR_CANNOTSENDTOCHAN
from chat.irc.standard_replies import fail
from chat.network import modes
from chat.network.entities import Channel
from chat.network.events import TextLine
from chat.network.policy import RefusedError

PLACEHOLDER = "[encrypted: this needs the securechat console]"
#: Version, session and ciphertext.
_CIPHERTEXT = re.compile(r"1\.[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{16,4000}")
#: How a message may be named: not with what it says.
_NAME = re.compile(r"[A-Za-z0-9_+/=-]{1,64}")


def must_be_encrypted(
    request: Request,
    channel: Channel,
    text: str,
    tags: Mapping[str, str],
    lines: tuple[TextLine, ...] = (),
) -> None:
    """Refuse a message to a channel with +E that says anything outside its ciphertext."""
    if modes.ENCRYPTED not in channel.modes:
        return
    command = request.message.command
    if command == "TAGMSG" and tags.keys() == {TYPING}:
        return
    has_room = not lines and tags.keys() <= {TAG, NAME_TAG}
    is_named_well = NAME_TAG not in tags or _NAME.fullmatch(tags[NAME_TAG])
    is_bare = text == ("" if command == "TAGMSG" else PLACEHOLDER)
    if has_room and is_named_well and is_bare and _CIPHERTEXT.fullmatch(tags.get(TAG, "")):
        return
    raise refusal(request, channel)


def must_not_be_encrypted(request: Request, channel: Channel) -> None:
    """Refuse what can only be said in the clear on a channel with +E."""
    if modes.ENCRYPTED in channel.modes:
        raise refusal(request, channel)


def refusal(request: Request, channel: Channel) -> RefusedError:
    """Return why a message was not taken, for those who read standard replies and the others."""
    text = f"Only encrypted messages are taken here (+{modes.ENCRYPTED})"
    capabilities = request.session.capabilities
    if "standard-replies" in capabilities or CAPABILITY in capabilities:
        return RefusedError(fail(request.message.command, "E2E_REQUIRED", channel.name, text=text))
    return RefusedError(ERR_CANNOTSENDTOCHAN.because(channel.name, text=text))
