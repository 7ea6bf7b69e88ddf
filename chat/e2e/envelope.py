"""What a message says, in the form that is encrypted; and the tag that carries it.

The sender, the place and a number of the sender's own stand inside, so that nothing of it
can be relabelled outside.  Sizes are padded to classes: what is seen from outside is the
class, not the length.  Source: docs/encryption.md.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from chat.e2e.canonical import (
    check_version,
    decode,
    encode,
    list_of,
    number_of,
    read_object,
    text_of,
    to_bytes,
)
from chat.e2e.errors import E2eError, MalformedError
from chat.pki.authority import Identity
from chat.pki.errors import IdentityError

#: Bytes of a padded plaintext.
CLASSES = (256, 512, 1024, 2048, 2700)
KINDS = ("message", "action", "notice", "react", "unreact", "redact")
#: Parts of one text.
MOST_PARTS = 16

TAG = "+securechat/e2e"
#: What other clients show of an encrypted message.
PLACEHOLDER = "[encrypted: this needs the securechat console]"

_TAG = re.compile(r"1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{16,4000})")


@frozen
class Content:
    """One message, or one part of a long one; ``ref`` is the msgid that it is about."""

    to: str
    sender: Identity
    kind: str
    body: str
    ref: str
    seq: int
    part: tuple[int, int] = (1, 1)


def pack(content: Content) -> bytes:
    """Return what is encrypted; `E2eError` where it is longer than the largest class."""
    text = to_bytes(_fields(content)) + b"\x80"
    for size in CLASSES:
        if len(text) <= size:
            return text.ljust(size, b"\0")
    raise E2eError("the message is too long for one part: split it")


def unpack(plaintext: bytes) -> Content:
    """Return what was encrypted; `MalformedError` for anything but what `pack` makes."""
    text, mark, padding = plaintext.rpartition(b"\x80")
    if len(plaintext) not in CLASSES or not mark or padding.strip(b"\0"):
        raise MalformedError("its padding is wrong")
    value = read_object(text)
    check_version(value)
    part = list_of(value, "part")
    kind = text_of(value, "type")
    if len(part) != 2 or any(type(each) is not int for each in part) or kind not in KINDS:
        raise MalformedError("it is of no kind that is known here")
    if not 1 <= part[0] <= part[1] <= MOST_PARTS:
        raise MalformedError("its part is wrong")
    return Content(
        text_of(value, "to"),
        identity(text_of(value, "from")),
        kind,
        text_of(value, "body"),
        text_of(value, "ref"),
        number_of(value, "seq"),
        (part[0], part[1]),
    )


def split(to: str, sender: Identity, kind: str, body: str, ref: str) -> list[str]:
    """Return ``body`` in parts of which each fits; `E2eError` for more than 16 parts.

    A cut falls between characters, behind a space or an end of line where one is near.
    """
    widest = Content(to, sender, kind, "", ref, (1 << 53) - 1, (MOST_PARTS, MOST_PARTS))
    room = CLASSES[-1] - 1 - len(to_bytes(_fields(widest)))
    if room < 64:
        raise E2eError("the name or the reference is too long to be encrypted")
    parts, rest = [], body
    while len(to_bytes(rest)) - 2 > room:
        end = _fitting(rest, room)
        space = max(rest.rfind(" ", end // 2, end), rest.rfind("\n", end // 2, end))
        end = space + 1 if space > 0 else end
        parts.append(rest[:end])
        rest = rest[end:]
    parts.append(rest)
    if len(parts) > MOST_PARTS:
        raise E2eError("the message is too long: send it as several")
    return parts


def to_tag(session: str, ciphertext: bytes) -> str:
    """Return the value of the tag of a ciphertext."""
    return f"1.{session}.{encode(ciphertext)}"


def read_tag(value: str) -> tuple[str, bytes]:
    """Return the session and the ciphertext of a tag; `MalformedError` where it is none."""
    match = _TAG.fullmatch(value)
    if match is None:
        raise MalformedError("its tag is wrong")
    return match[1], decode(match[2])


def identity(name: str) -> Identity:
    """Return the device that ``account/device`` names; `MalformedError` where it names none."""
    account, _, device = name.partition("/")
    try:
        return Identity(account, device)
    except IdentityError as error:
        raise MalformedError("it names no device") from error


def _fields(content: Content) -> dict[str, Any]:
    return {
        "v": 1,
        "to": content.to,
        "from": str(content.sender),
        "type": content.kind,
        "body": content.body,
        "ref": content.ref,
        "seq": content.seq,
        "part": list(content.part),
    }


def _fitting(text: str, room: int) -> int:
    """Return how many characters from the start fit into ``room`` bytes of JSON."""
    low, high = 1, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        if len(to_bytes(text[:middle])) - 2 <= room:
            low = middle
        else:
            high = middle - 1
    return low
