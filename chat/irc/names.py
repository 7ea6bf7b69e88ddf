"""What a nickname, an account, a user name, a channel may look like.

Sources: Modern IRC, "Clients" and "Channels".
"""

from __future__ import annotations

import re

from chat.irc.casemap import is_precis

_NICKNAME = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ACCOUNT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_CHANNEL = re.compile(r"#[^\x00-\x20,\x7f]+")
_USERNAME_FORBIDDEN = re.compile(r"[^A-Za-z0-9._\[\]\\^{|}`-]")


def is_nickname(name: str, limit: int, *, utf8: bool = False) -> bool:
    """Return whether ``name`` may be a nickname of at most ``limit`` bytes.

    With ``utf8`` letters and digits of any script are like ASCII letters.
    """
    if utf8 and not name.isascii():
        if len(name.encode()) > limit or not is_precis(name):
            return False
        name = _NOT_ASCII.sub("a", name)
    return len(name) <= limit and _NICKNAME.fullmatch(name) is not None


def is_account_name(name: str, limit: int) -> bool:
    """Return whether ``name`` may name an account: a nickname that is safe as a file name."""
    return len(name) <= limit and _ACCOUNT.fullmatch(name) is not None


def is_channel(name: str, limit: int) -> bool:
    """Return whether ``name`` may be a channel of at most ``limit`` bytes."""
    return len(name.encode()) <= limit and _CHANNEL.fullmatch(name) is not None


def looks_like_channel(target: str) -> bool:
    """Return whether ``target`` is meant as a channel, valid or not."""
    return target.startswith("#")


def clean_username(name: str, limit: int) -> str:
    """Return ``name`` as a user name of at most ``limit`` characters, or ``""``."""
    return _USERNAME_FORBIDDEN.sub("", name)[:limit]
