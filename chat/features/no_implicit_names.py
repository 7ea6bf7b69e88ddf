"""no-implicit-names: no list of names behind a JOIN.

`chat.features.join` looks at the capability.
Source: https://ircv3.net/specs/extensions/no-implicit-names
"""

from __future__ import annotations

from chat.features.feature import Feature

feature = Feature()
feature.capability("no-implicit-names", "https://ircv3.net/specs/extensions/no-implicit-names")
