"""What RPL_ISUPPORT tells about a server.

Source: Modern IRC, "RPL_ISUPPORT Parameters".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from chat.irc.casemap import CASEMAPPINGS, Casefold, rfc1459_fold
from chat.irc.modes import ModeKind

_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})")
_PREFIX = re.compile(r"\((?P<letters>[^)]*)\)(?P<symbols>.*)")
_KINDS = (ModeKind.LIST, ModeKind.ALWAYS, ModeKind.WHEN_SET, ModeKind.FLAG)


@frozen
class Isupport:
    """The tokens of a server, and what they mean; without any, what RFC 1459 says."""

    tokens: Mapping[str, str] = field(factory=dict)

    def updated(self, words: Sequence[str]) -> Isupport:
        """Return what holds after one 005 line with these tokens (``-TOKEN`` takes back)."""
        tokens = dict(self.tokens)
        for word in words:
            name, _, value = word.partition("=")
            if name.startswith("-"):
                tokens.pop(name[1:], None)
            elif name:
                tokens[name] = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)
        return Isupport(tokens)

    @property
    def fold(self) -> Casefold:
        """How names are compared."""
        return CASEMAPPINGS.get(self.tokens.get("CASEMAPPING", ""), rfc1459_fold)

    @property
    def prefixes(self) -> dict[str, str]:
        """Symbols by mode letter, the highest rank first: ``{"o": "@", "v": "+"}``."""
        match = _PREFIX.fullmatch(self.tokens.get("PREFIX", "(ov)@+"))
        return dict(zip(match["letters"], match["symbols"], strict=False)) if match else {}

    @property
    def mode_kinds(self) -> dict[str, ModeKind]:
        """Every channel mode by its letter."""
        groups = self.tokens.get("CHANMODES", "b,k,l,imnpst").split(",")
        kinds = {
            letter: kind for group, kind in zip(groups, _KINDS, strict=False) for letter in group
        }
        return kinds | dict.fromkeys(self.prefixes, ModeKind.PREFIX)

    def lets_through(self, tag: str) -> bool:
        """Return whether the server passes a client-only tag (message-tags, "CLIENTTAGDENY")."""
        denied = self.tokens.get("CLIENTTAGDENY", "").split(",")
        name = tag.removeprefix("+")
        return name not in denied and ("*" not in denied or f"-{name}" in denied)

    def is_channel(self, target: str) -> bool:
        """Return whether ``target`` names a channel."""
        return target[:1] in tuple(self.tokens.get("CHANTYPES", "#&"))

    def without_status(self, target: str) -> str:
        """Return the channel in a target such as ``@#room`` (STATUSMSG), or ``target``."""
        bare = target.lstrip(self.tokens.get("STATUSMSG", ""))
        return bare if self.is_channel(bare) else target
