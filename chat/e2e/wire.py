"""Payloads in the tags of lines: in parts where one line does not hold them.

A payload that is larger than one line goes in numbered parts, in order, with nothing else of
the same command and target in between.  Source: docs/extensions.md, docs/encryption.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.e2e.canonical import decode, encode
from chat.e2e.errors import MalformedError
from chat.irc.message import Message

TAG = "+securechat/p"
CAPABILITY = "securechat/e2e"
#: Bytes of a payload that one line holds.
PART = 2900
#: Bytes of a payload, and of the revocation lists.
MOST = 16 * 1024
MOST_OF_LISTS = 256 * 1024
#: Payloads of which parts are missing.
MOST_OPEN = 64

_PART = re.compile(r"([1-9]\d?)/([1-9]\d?)")


def lines(subcommand: str, params: Sequence[str], payload: bytes) -> list[Message]:
    """Return the lines that carry a payload."""
    chunks = [payload[start : start + PART] for start in range(0, len(payload), PART)] or [b""]
    return [
        Message(
            "E2E",
            (subcommand, *params, f"{number}/{len(chunks)}"),
            tags={TAG: encode(chunk)},
        )
        for number, chunk in enumerate(chunks, 1)
    ]


def line(subcommand: str, *params: str) -> Message:
    """Return a line without a payload."""
    return Message("E2E", (subcommand, *params))


class Assembly:
    """Puts payloads together again; what comes out of order is dropped as a whole."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, ...], tuple[int, bytes]] = {}

    def add(self, message: Message, most: int = MOST) -> bytes | None:
        """Return the payload whose last part this is, else ``None``; or `MalformedError`."""
        key = message.params[:-1]
        match = _PART.fullmatch(message.text())
        had, payload = self._open.pop(key, (0, b""))
        if match is None or int(match[1]) != had + 1 or int(match[1]) > int(match[2]):
            raise MalformedError("its parts are not in order")
        payload += decode(message.tags.get(TAG, ""))
        if len(payload) > most:
            raise MalformedError("it is too large")
        if match[1] == match[2]:
            return payload
        if len(self._open) >= MOST_OPEN:
            raise MalformedError("too many payloads are incomplete")
        self._open[key] = (had + 1, payload)
        return None
