"""Payloads of end-to-end encryption: bytes in a tag, and in parts where one line cannot hold them.

Each part is base64url of its own; the last parameter of its line says which one of how
many it is.  Ours: docs/extensions.md.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator

from attrs import evolve

from chat.irc.message import Message, first_word
from chat.irc.standard_replies import fail
from chat.network.policy import RefusedError
from chat.network.session import OpenPayload, Session

TAG = "+securechat/p"
#: Bytes of one part: with them all tags of a line keep within what a client may send.
PART = 2900
#: A multiple of three, so that parts which are joined before they are decoded are the same.
_OWN_PART = PART // 3 * 3
#: Parts of one payload, and payloads of one session that are incomplete.
_PARTS, _OPEN = 64, 4
_COUNT = re.compile(r"([1-9][0-9]{0,4})/([1-9][0-9]{0,4})")
_VALUE = re.compile(r"[A-Za-z0-9_-]+")


def lines(
    command: str, params: tuple[str, ...], data: bytes, source: str | None = None
) -> Iterator[Message]:
    """Yield the lines that carry ``data``."""
    chunks = [data[start : start + _OWN_PART] for start in range(0, len(data), _OWN_PART)] or [b""]
    for number, chunk in enumerate(chunks, 1):
        value = urlsafe_b64encode(chunk).rstrip(b"=").decode()
        yield Message(command, (*params, f"{number}/{len(chunks)}"), source, {TAG: value})


def take(
    session: Session, message: Message, place: tuple[str, ...], limit: int
) -> tuple[Session, bytes | None]:
    """Take a line's part, and return what the session has then, and a payload that is complete.

    The parts of one ``place`` (subcommand and what it is for) come in order; the
    first one begins anew.  Raises `RefusedError` with ``place`` for what is no
    part, or not the next one, or makes more than ``limit`` bytes: what came before
    it should then be forgotten (`forget`).
    """
    match = _COUNT.fullmatch(message.text())
    if match is None:
        raise _invalid(place, "Wanted which part of how many it is, like 1/1")
    number, parts = int(match[1]), int(match[2])
    if number > parts:
        raise _invalid(place, f"There is no part {number} of {parts}")
    if parts > _PARTS:
        raise _too_large(place, limit)
    data = _decode(message, place, limit)
    before = session.payloads.get(place)
    if number == 1:
        others = len(session.payloads) - (before is not None)
        if parts > 1 and others >= _OPEN:
            raise _invalid(place, f"{_OPEN} payloads are incomplete: end one of them first")
        before = OpenPayload(parts, 0, b"")
    if before is None or (number, parts) != (before.received + 1, before.parts):
        raise _invalid(place, "It is not the part that comes next")
    whole = before.data + data
    if len(whole) > limit:
        raise _too_large(place, limit)
    session = forget(session, place)
    if number == parts:
        return session, whole
    grown = {**session.payloads, place: OpenPayload(parts, number, whole)}
    return evolve(session, payloads=grown), None


def forget(session: Session, place: tuple[str, ...]) -> Session:
    """Return the session without what came for ``place``."""
    if place not in session.payloads:
        return session
    rest = {other: each for other, each in session.payloads.items() if other != place}
    return evolve(session, payloads=rest)


def _decode(message: Message, place: tuple[str, ...], limit: int) -> bytes:
    value = message.tags.get(TAG, "")
    if _VALUE.fullmatch(value) is None:
        raise _invalid(place, f"Wanted base64url without padding in the tag {TAG}")
    try:
        data = b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise _invalid(place, f"The tag {TAG} is not base64url") from None
    if len(data) > PART:
        raise _too_large(place, limit)
    return data


def _invalid(place: tuple[str, ...], text: str) -> RefusedError:
    return refused("INVALID", *place, text=text)


def _too_large(place: tuple[str, ...], limit: int) -> RefusedError:
    text = f"A payload has {limit} bytes at the most, in parts of up to {PART}"
    return refused("TOO_LARGE", *place, text=text)


def refused(code: str, *context: str, text: str) -> RefusedError:
    """Return a refusal: its context is the subcommand, and what it was for."""
    return RefusedError(fail("E2E", code, *map(first_word, context), text=text))
