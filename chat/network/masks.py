"""The masks of a channel's lists: of sources, of accounts, and those that only mute.

``nick!user@host`` matches a source, ``a:account`` who is logged in to an account,
``m:mask`` what ``mask`` matches, for speaking and not for joining.
Sources: Modern IRC, "EXTBAN parameter"; https://ircv3.net/specs/extensions/account-extban
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.irc import mask as irc_mask
from chat.network.entities import Client

ACCOUNT = "a:"
MUTE = "m:"
#: The letters, as ISUPPORT EXTBAN lists them.
TYPES = "am"


def canonical(mask: str) -> str:
    """Return ``mask`` in the form under which a list keeps it."""
    if mask.startswith(MUTE):
        return MUTE + canonical(mask.removeprefix(MUTE))
    return mask if mask.startswith(ACCOUNT) else irc_mask.canonical(mask)


def matches(client: Client, masks: Iterable[str], *, speaking: bool) -> bool:
    """Return whether any of ``masks`` matches; those that mute do when ``speaking``."""
    return any(_matches(client, mask, speaking) for mask in masks)


def _matches(client: Client, mask: str, speaking: bool) -> bool:
    if mask.startswith(MUTE):
        return speaking and _matches(client, mask.removeprefix(MUTE), speaking)
    if mask.startswith(ACCOUNT):
        account = mask.removeprefix(ACCOUNT)
        return client.account is not None and irc_mask.matches(account, client.account)
    return irc_mask.matches(mask, client.source)
