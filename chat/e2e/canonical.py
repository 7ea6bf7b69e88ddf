"""Bytes as text and values as bytes, in the one form that is signed and compared.

Sources: RFC 4648, section 5 (base64url, without padding); RFC 8259.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from chat.e2e.errors import MalformedError

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of base64url; `MalformedError` for any but their one spelling."""
    if _BASE64URL.fullmatch(text) is None or len(text) % 4 == 1:
        raise MalformedError("it is not base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise MalformedError("it is not base64url in its one spelling")
    return data


def to_text(value: Any) -> str:
    """Return a value as canonical JSON: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def to_bytes(value: Any) -> bytes:
    """Return a value as canonical JSON, encoded; `MalformedError` for half a surrogate."""
    try:
        return to_text(value).encode()
    except UnicodeEncodeError as error:
        raise MalformedError("it holds half a surrogate, which has no UTF-8") from error


def read_object(data: bytes | str) -> dict[str, Any]:
    """Return the JSON object in ``data``; `MalformedError` for anything else."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedError("it is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedError("it is not a JSON object")
    return value


def text_of(value: dict[str, Any], name: str) -> str:
    """Return a field that is text; `MalformedError` otherwise."""
    found = value.get(name)
    if not isinstance(found, str):
        raise MalformedError(f"its {name} is not text")
    return found


def number_of(value: dict[str, Any], name: str) -> int:
    """Return a field that is a whole number from 0 on, below 2**53; `MalformedError` otherwise."""
    found = value.get(name)
    if type(found) is not int or not 0 <= found < 1 << 53:
        raise MalformedError(f"its {name} is not a number")
    return found


def list_of(value: dict[str, Any], name: str) -> list[Any]:
    """Return a field that is a list; `MalformedError` otherwise."""
    found = value.get(name)
    if not isinstance(found, list):
        raise MalformedError(f"its {name} is not a list")
    return found


def check_version(value: dict[str, Any]) -> None:
    """Raise `MalformedError` unless the object is of version 1."""
    if value.get("v") != 1:
        raise MalformedError("it is of another version of the protocol: update the client")
