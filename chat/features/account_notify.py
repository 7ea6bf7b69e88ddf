"""account-notify: who shares a channel sees others log in and out.

Source: https://ircv3.net/specs/extensions/account-notify
"""

from __future__ import annotations

from chat.features.feature import Feature, Lines, Viewer
from chat.irc.message import Message
from chat.network.events import AccountChanged

feature = Feature()
feature.capability("account-notify", "https://ircv3.net/specs/extensions/account-notify")


@feature.renders(AccountChanged)
def show_account(viewer: Viewer, event: AccountChanged) -> Lines:
    """Tell the account, ``*`` for none."""
    if viewer.has("account-notify"):
        yield Message("ACCOUNT", (event.account or "*",), event.actor.source)
