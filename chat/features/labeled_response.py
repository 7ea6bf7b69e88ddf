"""labeled-response and batch: which reply answers which command.

The session's output does the work, since labels belong to the collector of a
command's replies (`chat.session.collector`).
Sources: https://ircv3.net/specs/extensions/labeled-response,
https://ircv3.net/specs/extensions/batch
"""

from __future__ import annotations

from chat.features.feature import Feature

feature = Feature()
feature.capability("batch", "https://ircv3.net/specs/extensions/batch")
feature.capability("labeled-response", "https://ircv3.net/specs/extensions/labeled-response")
