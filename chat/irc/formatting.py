"""mIRC formatting codes, and other characters that a terminal must not see.

Source: Modern IRC, "Formatting"; https://modern.ircdocs.horse/formatting
"""

from __future__ import annotations

import re
import unicodedata

_CODES = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?")


def strip_formatting(text: str) -> str:
    """Return ``text`` without formatting codes and control or direction characters."""
    return "".join(
        character
        for character in _CODES.sub("", text)
        if unicodedata.category(character) not in ("Cc", "Cf") or character == "\u200d"
    )
