"""The modes of this network: which letters there are, and how each takes its argument.

Source: Modern IRC, "Channel Modes" and "User Modes".
"""

from __future__ import annotations

from functools import lru_cache

from chat.irc.modes import ModeKind

BAN = "b"
#: Only messages that the server cannot read (docs/extensions.md).
ENCRYPTED = "E"
EXCEPTION = "e"
INVITE_EXCEPTION = "I"
FORWARD = "f"
#: How much history is kept, as ``messages:duration``.
HISTORY = "H"
INVITE_ONLY = "i"
KEY = "k"
LIMIT = "l"
MODERATED = "m"
#: Who is not logged in needs voice to speak.
REGISTERED_SPEAKERS = "M"
NO_CTCP = "C"
NO_EXTERNAL = "n"
#: Members read the history from when they joined on.
HISTORY_FROM_JOIN = "J"
PERMANENT = "P"
#: Only who is logged in may join.
REGISTERED_ONLY = "R"
SECRET = "s"  # noqa: S105
TOPIC_PROTECTED = "t"
#: Members without a rank see only those with one.
AUDITORIUM = "u"

FOUNDER = "q"
ADMIN = "a"
OPERATOR = "o"
HALF_OPERATOR = "h"
VOICE = "v"

#: Ranks of a member, highest first, with the character before the nickname.
PREFIXES: dict[str, str] = {
    FOUNDER: "~",
    ADMIN: "&",
    OPERATOR: "@",
    HALF_OPERATOR: "%",
    VOICE: "+",
}
#: The least rank that may give and take a rank.
GRANTED_BY: dict[str, str] = {
    FOUNDER: FOUNDER,
    ADMIN: FOUNDER,
    OPERATOR: OPERATOR,
    HALF_OPERATOR: OPERATOR,
    VOICE: HALF_OPERATOR,
}
CHANNEL_MODES: dict[str, ModeKind] = {
    BAN: ModeKind.LIST,
    EXCEPTION: ModeKind.LIST,
    INVITE_EXCEPTION: ModeKind.LIST,
    KEY: ModeKind.ALWAYS,
    FORWARD: ModeKind.WHEN_SET,
    HISTORY: ModeKind.WHEN_SET,
    LIMIT: ModeKind.WHEN_SET,
    ENCRYPTED: ModeKind.FLAG,
    NO_CTCP: ModeKind.FLAG,
    HISTORY_FROM_JOIN: ModeKind.FLAG,
    REGISTERED_SPEAKERS: ModeKind.FLAG,
    PERMANENT: ModeKind.FLAG,
    REGISTERED_ONLY: ModeKind.FLAG,
    INVITE_ONLY: ModeKind.FLAG,
    MODERATED: ModeKind.FLAG,
    NO_EXTERNAL: ModeKind.FLAG,
    SECRET: ModeKind.FLAG,
    TOPIC_PROTECTED: ModeKind.FLAG,
    AUDITORIUM: ModeKind.FLAG,
    **dict.fromkeys(PREFIXES, ModeKind.PREFIX),
}
#: What a channel has when its first member enters.
INITIAL_MODES = NO_EXTERNAL + TOPIC_PROTECTED

USER_BOT = "B"
USER_INVISIBLE = "i"
USER_OPERATOR = "o"
#: Only who is logged in may send direct messages.
USER_REGISTERED_ONLY = "R"
USER_WALLOPS = "w"
USER_MODES: dict[str, ModeKind] = {
    USER_BOT: ModeKind.FLAG,
    USER_REGISTERED_ONLY: ModeKind.FLAG,
    USER_INVISIBLE: ModeKind.FLAG,
    USER_OPERATOR: ModeKind.FLAG,
    USER_WALLOPS: ModeKind.FLAG,
}


@lru_cache(maxsize=64)
def highest(ranks: str) -> str:
    """Return the prefix character of the highest of the letters ``ranks``, or ``""``."""
    return next((prefix for letter, prefix in PREFIXES.items() if letter in ranks), "")


@lru_cache(maxsize=64)
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


def outranks(ranks: str, others: str) -> bool:
    """Return whether the highest of ``ranks`` is at or above the highest of ``others``."""
    top = next((letter for letter in PREFIXES if letter in others), None)
    return top is None or at_least(ranks, top)
