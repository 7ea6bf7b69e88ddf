"""What a device and the server say to each other when a certificate is made.

One line of JSON for each message, ``{"type": ..., ...}``, over TLS 1.3 with one of
two names in ALPN.  With `JOIN` the client presents no certificate: the server
sends `Greeting`; the client sends `Open` and is told `Terms`, sends `Enrol` and is
told `Issued`.  With `RENEW` the client presents the certificate that it has, and
sends `Renew`.  Anything may be answered with `Refusal`.  Binary values are in
base64, keys and certificates in PEM.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

from attrs import field, frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from chat.pki.errors import PkiError

#: The protocols' names in ALPN.
JOIN = b"securechat-join/1"
RENEW = b"securechat-renew/1"
#: Bytes of one line at the most.
MAX_LINE = 16_384


@frozen
class Greeting:
    """The network, and the root authority for the client to compare with its code."""

    network: str
    authority: str


@frozen
class Open:
    """Which invitation, and the proof (`chat.pki.invitation.prove`)."""

    invitation: bytes
    proof: bytes


@frozen
class Terms:
    """Whose device it will be, and whether a password is to be chosen for the account."""

    account: str
    device: str
    needs_password: bool


@frozen
class Enrol:
    """A signing request; of all that is in it only the public key counts."""

    request: str
    password: str | None = field(default=None, repr=False)


@frozen
class Renew:
    """A signing request for the device whose certificate the client presents."""

    request: str


@frozen
class Issued:
    """The certificate, and behind it the issuing authority's."""

    certificate: str


@frozen
class Refusal:
    """Why not, and what to do: for people."""

    text: str


EnrolmentMessage = Greeting | Open | Terms | Enrol | Renew | Issued | Refusal
_TYPES: dict[str, type[EnrolmentMessage]] = {
    kind.__name__.lower(): kind for kind in (Greeting, Open, Terms, Enrol, Renew, Issued, Refusal)
}


def encode(message: EnrolmentMessage) -> bytes:
    """Return the line of ``message``, with its end."""
    body = {"type": type(message).__name__.lower(), **_converter.unstructure(message)}
    return json.dumps(body).encode() + b"\n"


def decode(line: bytes) -> EnrolmentMessage:
    """Return the message of a line; `PkiError` where it is none."""
    try:
        body = json.loads(line)
        kind = _TYPES[body.pop("type")]
        message: EnrolmentMessage = _converter.structure(body, kind)
    except (ValueError, KeyError, TypeError, AttributeError, BaseValidationError) as error:
        raise PkiError("this is no message of an enrolment") from error
    return message


def _decode_bytes(value: object, _: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("bytes are in base64")
    return b64decode(value, validate=True)


def _decode_text(value: object, _: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is wanted")
    return value


def _decode_flag(value: object, _: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is wanted")
    return value


_converter = Converter(forbid_extra_keys=True)
_converter.register_unstructure_hook(bytes, lambda value: b64encode(value).decode())
_converter.register_structure_hook(bytes, _decode_bytes)
_converter.register_structure_hook(str, _decode_text)
_converter.register_structure_hook(bool, _decode_flag)
