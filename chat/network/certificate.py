"""A client's certificate, as far as the domain needs to know it."""

from __future__ import annotations

from attrs import field, frozen

from chat.network.ids import Timestamp


@frozen
class Certificate:
    """By what a device is known again; where there is no certificate, all is empty.

    ``fingerprint`` and ``sha512`` are the SHA-256 and SHA-512 of its DER, in hexadecimal;
    ``account`` and ``device`` are those that it names.  ``issuer`` (as RFC 4514 writes a
    name) and ``serial`` (in hexadecimal) are what a revocation list knows it by.
    """

    fingerprint: str = ""
    sha512: str = ""
    expires: Timestamp = field(default=Timestamp(0))
    account: str | None = None
    device: str | None = None
    issuer: str = ""
    serial: str = ""
