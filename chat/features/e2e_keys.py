"""An upload of one-time keys and a fallback key: JSON of which only the form is looked at.

What the keys are, and whether they are signed, is for who gets one to verify.
Ours: docs/extensions.md.
"""

from __future__ import annotations

import json

from chat.features.e2e_payloads import refused
from chat.network.directory import SignedKey

#: Bytes of one key, as JSON, and of what its device calls it.
_KEY, _ID = 1024, 64
_KINDS = {"otk": False, "fallback": True}
_FIELDS = frozenset({"id", "key", "kind", "sig"})


def parse_keys(data: bytes) -> tuple[SignedKey, ...]:
    """Return the keys of an upload, or refuse it as a whole."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise refused("INVALID", "OTK", text='Wanted {"keys":[...]}')
    keys = tuple(map(_parse_key, found["keys"]))
    if len({key.id for key in keys}) < len(keys):
        raise refused("INVALID", "OTK", text="Two keys have the same id")
    if sum(key.is_fallback for key in keys) > 1:
        raise refused("INVALID", "OTK", text="There is one fallback key")
    return keys


def _parse_key(found: object) -> SignedKey:
    is_key = (
        isinstance(found, dict)
        and found.keys() == _FIELDS
        and all(isinstance(value, str) and value for value in found.values())
        and found["kind"] in _KINDS
    )
    if not is_key or not isinstance(found, dict):
        raise refused("INVALID", "OTK", text="A key has an id, a key, a kind and a sig")
    try:
        text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        data, id_ = text.encode(), found["id"].encode()
    except UnicodeEncodeError:
        raise refused("INVALID", "OTK", text="A key is not UTF-8") from None
    if len(data) > _KEY or len(id_) > _ID:
        text = f"A key has {_KEY} bytes at the most, and its id {_ID}"
        raise refused("TOO_LARGE", "OTK", text=text)
    return SignedKey(found["id"], found["key"].encode(), data, _KINDS[found["kind"]])
