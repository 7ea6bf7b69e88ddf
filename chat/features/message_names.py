"""securechat/id: a message that is sent again after a lost connection is stored once.

The client names each message with the client-only tag ``+securechat/id``; the
rest is `chat.network.resending` and the log.  Ours: docs/extensions.md has it.
"""

from __future__ import annotations

from chat.features.client_tags import is_denied
from chat.features.feature import Feature
from chat.irc.message import NAME_TAG

CAPABILITY = "securechat/id"

feature = Feature()
feature.capability(
    CAPABILITY,
    "docs/extensions.md",
    # Without the name a repetition is one more message.
    lambda settings, session: None if is_denied(NAME_TAG[1:], settings.denied_client_tags) else "",
)
