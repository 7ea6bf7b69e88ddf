"""What was decrypted already: each message counts once, in its place.

Megolm takes a message again and again.  So for each session and index the message's identity
is remembered: what comes again is refused, except that the history shows the same message
again.  Live messages of a sender may come in any order within 256; what is older is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Any

from chat.e2e.canonical import encode
from chat.e2e.vault import Vault

WINDOW = 256
#: Indices of one session: senders begin a new one long before.
MOST_INDICES = 1000
#: Records that stay in memory.
MOST_READ = 500

_SEEN = "seen"
_ORDER = "order"


class Replays:
    """The messages that were seen."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._read: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def refusal(self, session: str, index: int, msgid: str, *, historic: bool) -> str:
        """Return why a message is refused, empty where it is not; `note` remembers it."""
        if index >= MOST_INDICES:
            return "malformed"
        seen = self._seen(session).get(str(index))
        if seen is None:
            return ""
        return "" if historic and msgid and seen == _short(msgid) else "replayed"

    def is_known(self, session: str, index: int) -> bool:
        """Return whether a message was seen."""
        return str(index) in self._seen(session)

    def note(self, session: str, index: int, msgid: str) -> None:
        """Remember a message."""
        seen = self._seen(session)
        if str(index) not in seen:
            self._put(_SEEN, session, {**seen, str(index): _short(msgid)})

    def order_refusal(self, stream: str, seq: int) -> str:
        """Return why a live message of a sender is refused for its number, or nothing."""
        highest, window = self._order(stream)
        if seq > highest:
            return ""
        if highest - seq >= WINDOW:
            return "too_old"
        return "replayed" if window >> (highest - seq) & 1 else ""

    def note_order(self, stream: str, seq: int) -> int:
        """Remember a live message's number; return how many before it have not come yet."""
        highest, window = self._order(stream)
        missing = 0
        if seq > highest:
            missing = seq - highest - 1 if highest >= 0 else 0
            ahead = min(seq - highest, WINDOW)
            highest, window = seq, (window << ahead | 1) & ((1 << WINDOW) - 1)
        elif highest - seq < WINDOW:
            window |= 1 << (highest - seq)
        self._put(_ORDER, stream, {"highest": highest, "window": hex(window)})
        return missing

    def _seen(self, session: str) -> dict[str, str]:
        return self._get(_SEEN, session)

    def _order(self, stream: str) -> tuple[int, int]:
        kept = self._get(_ORDER, stream)
        return (kept["highest"], int(kept["window"], 16)) if kept else (-1, 0)

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        if (kind, name) not in self._read:
            self._keep(kind, name, self._vault.get(kind, name) or {})
        return self._read[kind, name]

    def _put(self, kind: str, name: str, value: dict[str, Any]) -> None:
        self._vault.put(kind, name, value)
        self._keep(kind, name, value)

    def _keep(self, kind: str, name: str, value: dict[str, Any]) -> None:
        self._read[kind, name] = value
        if len(self._read) > MOST_READ:
            self._read.popitem(last=False)


def _short(msgid: str) -> str:
    return encode(sha256(msgid.encode()).digest()[:9])
