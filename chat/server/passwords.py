"""Passwords as the accounts keep them.

bcrypt takes 72 bytes at most, so it gets the SHA-256 digest of the password in
base64: 44 bytes, none of them NUL, for a password of any length.  Hashing and
checking hold the processor for a quarter of a second at 12 rounds and release
the interpreter's lock: run them in a thread.

The keys for SCRAM are kept as RFC 5803 writes them, which is also PostgreSQL's form:
``SCRAM-SHA-256$iterations:salt$stored key:server key``.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from secrets import token_bytes

import bcrypt
from scramp import ScramException, ScramMechanism

from chat.features import scram

#: A hash of 12 rounds whose password nobody knows: an unknown account is checked against
#: it, so that the answer takes as long as for a known one.
DUMMY_HASH = b"$2b$12$mG0o3Pyk3vmmpPZARgLg4OMfKyDcNGktDSCHYXNAPQ8ypSZamQ54W"

#: Of PBKDF2, once for each login, by the client.  RFC 7677 asks for 4096 at the least and for
#: more where it can be: whoever steals the accounts tries these keys before the bcrypt hash.
SCRAM_ITERATIONS = 100_000
_SALT_LENGTH = 16

_SCRAM = ScramMechanism(scram.MECHANISM)
_FORM = re.compile(rb"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


def hash_account_password(password: str) -> tuple[bytes, bytes]:
    """Return what an account keeps of its password: the hash, and the keys for SCRAM."""
    return hash_password(password), make_scram_keys(password)


def hash_password(password: str, rounds: int = 12) -> bytes:
    """Return the salted hash of ``password`` in bcrypt's own format, 60 bytes."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds))


def check_password(password: str, hashed: bytes) -> bool:
    """Return whether ``hashed`` was made of ``password``; `ValueError` if it is no hash."""
    return bcrypt.checkpw(_digest(password), hashed)


def make_scram_keys(password: str, iterations: int = SCRAM_ITERATIONS) -> bytes:
    """Return new keys for SCRAM-SHA-256, ``b""`` for a password that it cannot have.

    SASLprep (RFC 4013) refuses control characters and those newer than Unicode
    3.2, and leaves nothing of some others, which must not stand for no password.
    """
    salt = token_bytes(_SALT_LENGTH)
    try:
        _, stored, server, _ = _SCRAM.make_auth_info(password, iterations, salt)
    except ScramException:
        return b""
    if _SCRAM.make_auth_info("", iterations, salt)[1] == stored:
        return b""
    words = [b64encode(each).decode() for each in (salt, stored, server)]
    return "{}${}:{}${}:{}".format(scram.MECHANISM, iterations, *words).encode()


def parse_scram_keys(kept: bytes) -> scram.Keys:
    """Return the keys that an account has; `ValueError` where it has none."""
    match = _FORM.fullmatch(kept)
    if match is None:
        raise ValueError("These are no keys for SCRAM-SHA-256")
    iterations, *words = match.groups()
    return scram.Keys(int(iterations), *map(b64decode, words))


def make_decoy_keys(secret: bytes, account: str) -> scram.Keys:
    """Return keys that no password has: always the same, as those of an account are."""

    def derive(purpose: bytes) -> bytes:
        return hmac.digest(secret, purpose + account.encode(), "sha256")

    salt = derive(b"salt:")[:_SALT_LENGTH]
    return scram.Keys(SCRAM_ITERATIONS, salt, derive(b"stored:"), derive(b"server:"))


def _digest(password: str) -> bytes:
    return b64encode(sha256(password.encode()).digest())
