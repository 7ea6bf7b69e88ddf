"""Passwords as the accounts keep them.

bcrypt takes 72 bytes at most, so it gets the SHA-256 digest of the password in
base64: 44 bytes, none of them NUL, for a password of any length.  Both functions
hold the processor for a quarter of a second at 12 rounds and release the
interpreter's lock: run them in a thread.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import bcrypt

#: A hash of 12 rounds whose password nobody knows: an unknown account is checked against
#: it, so that the answer takes as long as for a known one.
DUMMY_HASH = b"$2b$12$mG0o3Pyk3vmmpPZARgLg4OMfKyDcNGktDSCHYXNAPQ8ypSZamQ54W"


def hash_password(password: str, rounds: int = 12) -> bytes:
    """Return the salted hash of ``password`` in bcrypt's own format, 60 bytes."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds))


def check_password(password: str, hashed: bytes) -> bool:
    """Return whether ``hashed`` was made of ``password``; `ValueError` if it is no hash."""
    return bcrypt.checkpw(_digest(password), hashed)


def _digest(password: str) -> bytes:
    return b64encode(sha256(password.encode()).digest())
