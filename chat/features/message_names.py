"""securechat/id: a message that is sent again after a lost connection is stored once.

The client names each message with the client-only tag ``+securechat/id``; the
rest is `chat.network.resending` and the log.  Ours: docs/extensions.md has it.
"""

from __future__ import annotations

from chat.features.feature import Feature

CAPABILITY = "securechat/id"

feature = Feature()
feature.capability(CAPABILITY, "docs/extensions.md")
