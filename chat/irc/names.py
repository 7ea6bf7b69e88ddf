"""What a nickname, an account, a user name, a channel may look like.

Sources: Modern IRC, "Clients" and "Channels".
"""

from __future__ import annotations

import re

_NICKNAME = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
_ACCOUNT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_CHANNEL = re.compile(r"#[^\x00-\x20,\x7f]+")
_USERNAME_FORBIDDEN = re.compile(r"[^A-Za-z0-9._\[\]\\^{|}`-]")


def is_nickname(name: str, limit: int) -> bool:
    """Return whether ``name`` may be a nickname of at most ``limit`` bytes."""
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
