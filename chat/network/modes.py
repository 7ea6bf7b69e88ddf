"""The modes of this network: which letters there are, and how each takes its argument.

Source: Modern IRC, "Channel Modes" and "User Modes".
"""

from __future__ import annotations

from chat.irc.modes import ModeKind

BAN = "b"
INVITE_ONLY = "i"
KEY = "k"
LIMIT = "l"
MODERATED = "m"
NO_EXTERNAL = "n"
PERMANENT = "P"
TOPIC_PROTECTED = "t"
OPERATOR = "o"
VOICE = "v"

CHANNEL_MODES: dict[str, ModeKind] = {
    BAN: ModeKind.LIST,
    KEY: ModeKind.ALWAYS,
    LIMIT: ModeKind.WHEN_SET,
    INVITE_ONLY: ModeKind.FLAG,
    MODERATED: ModeKind.FLAG,
    NO_EXTERNAL: ModeKind.FLAG,
    PERMANENT: ModeKind.FLAG,
    TOPIC_PROTECTED: ModeKind.FLAG,
    OPERATOR: ModeKind.PREFIX,
    VOICE: ModeKind.PREFIX,
}
#: Ranks of a member, highest first, with the character before the nickname.
PREFIXES: dict[str, str] = {OPERATOR: "@", VOICE: "+"}
#: What a channel has when its first member enters.
INITIAL_MODES = NO_EXTERNAL + TOPIC_PROTECTED

USER_INVISIBLE = "i"
USER_OPERATOR = "o"
USER_WALLOPS = "w"
USER_MODES: dict[str, ModeKind] = {
    USER_INVISIBLE: ModeKind.FLAG,
    USER_OPERATOR: ModeKind.FLAG,
    USER_WALLOPS: ModeKind.FLAG,
}


def highest(ranks: str) -> str:
    """Return the prefix character of the highest of the letters ``ranks``, or ``""``."""
    return next((prefix for letter, prefix in PREFIXES.items() if letter in ranks), "")


def prefixes(ranks: str) -> str:
    """Return all prefix characters of the letters ``ranks``, highest first."""
    return "".join(prefix for letter, prefix in PREFIXES.items() if letter in ranks)


def at_least(ranks: str, letter: str) -> bool:
    """Return whether the letters ``ranks`` hold ``letter`` or a higher rank."""
    for rank in PREFIXES:
        if rank in ranks:
            return True
        if rank == letter:
            return False
    return False
