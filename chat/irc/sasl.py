"""SASL on IRC: the chunks of AUTHENTICATE and the mechanism PLAIN.

Sources: IRCv3 sasl-3.1, "The AUTHENTICATE command"; RFC 4616.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

#: Characters of one AUTHENTICATE parameter; a shorter one ends the response.
CHUNK = 400


class MalformedResponseError(ValueError):
    """A response that is not base64, or not what its mechanism prescribes."""


def chunks(response: bytes) -> Iterator[str]:
    """Yield the parameters of the AUTHENTICATE commands that carry ``response``."""
    encoded = base64.b64encode(response).decode()
    for start in range(0, len(encoded), CHUNK):
        yield encoded[start : start + CHUNK]
    if len(encoded) % CHUNK == 0:
        yield "+"


def decode(encoded: str) -> bytes:
    """Return the response that the joined chunks ``encoded`` carry."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedResponseError("The response is not base64") from None


def plain(account: str, password: str) -> bytes:
    """Return the response of mechanism PLAIN (RFC 4616, 2)."""
    return b"\0".join((b"", account.encode(), password.encode()))


def parse_plain(response: bytes) -> tuple[str, str, str]:
    """Return authorization identity, account and password of a PLAIN response."""
    try:
        authzid, authcid, password = response.decode().split("\0")
    except ValueError:
        raise MalformedResponseError("PLAIN wants three parts, separated by NUL") from None
    return authzid, authcid, password
