"""Invitations: the code that brings a new device in, and the proof that one has it.

A code is ``ACCOUNT@HOST:PORT/SECRET``, made to be read aloud, typed from paper or
shown as a QR picture.  The last part is base32: 16 random bytes, 16 bytes of the
root certificate's SHA-256, and 3 bytes that find mistypings in the whole.

The secret is the seed of an Ed25519 key.  The server keeps the public key only,
so that nobody who reads its database can use an invitation; the device signs
something that only its TLS session has (RFC 9266 tells why), so that nobody in
between can use it either.
"""

from __future__ import annotations

import binascii
import re
import secrets
from base64 import b32decode, b32encode
from hashlib import sha256

from attrs import field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat.pki.errors import IncompleteCodeError, InvitationError

SECRET_LENGTH = 16
_FINGERPRINT_LENGTH = 16
_CHECK_LENGTH = 3
#: 56 characters of base32, in groups that one can keep in mind.
_GROUP = 4
_LENGTH = (SECRET_LENGTH + _FINGERPRINT_LENGTH + _CHECK_LENGTH) * 8 // 5
_CODE = re.compile(r"(?P<account>[^@/]+)@(?P<address>[^@/]+:[0-9]+)/(?P<rest>[a-z0-9]*)")
_NOTHING = re.compile(r"[\s-]+")

#: Label of the exporter that ties a proof to its TLS session (RFC 8446, section 7.5).
EXPORTER = b"EXPORTER-securechat-enrolment"
EXPORTED = 32


@frozen
class Invitation:
    """What a code says: who is invited, where to, and by which authority."""

    account: str
    #: ``host:port``, where the server's name is the host.
    address: str
    secret: bytes = field(repr=False)
    fingerprint: bytes

    @property
    def code(self) -> str:
        """The code for people."""
        text = b32encode(self.secret + self.fingerprint + self._check()).decode().lower()
        groups = (text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
        return f"{self.account}@{self.address}/{'-'.join(groups)}"

    @classmethod
    def parse(cls, code: str) -> Invitation:
        """Return what ``code`` says, in any case, with any spaces and line ends in it.

        Raises `InvitationError` where it is not one, or was mistyped, of which
        `IncompleteCodeError` says that there is too little of it.
        """
        account, at, rest = code.strip().partition("@")
        address, slash, secret = rest.rpartition("/")
        match = _CODE.fullmatch(
            f"{account}{at}{address.strip()}{slash}{_NOTHING.sub('', secret).lower()}"
        )
        if match is None:
            kind = IncompleteCodeError if at and not slash else InvitationError
            raise kind(
                "this is no invitation: a code looks like"
                " alice@chat.example.org:6697/abcd-efgh-...; type it again"
            )
        length = len(match["rest"])
        if length != _LENGTH:
            kind, wrong = (
                (IncompleteCodeError, "not complete")
                if length < _LENGTH
                else (InvitationError, "too long")
            )
            raise kind(
                f"the code is {wrong}: behind the / it has {length} characters of {_LENGTH};"
                " type it again"
            )
        try:
            content = b32decode(match["rest"].upper())
        except binascii.Error as error:
            raise InvitationError(
                "the code was mistyped: behind the / it has letters and the digits 2 to 7; type it"
                " again"
            ) from error
        secret_end = SECRET_LENGTH + _FINGERPRINT_LENGTH
        invitation = cls(
            match["account"],
            match["address"],
            content[:SECRET_LENGTH],
            content[SECRET_LENGTH:secret_end],
        )
        if content[secret_end:] != invitation._check():
            raise InvitationError(
                "the code was mistyped: a character of it is wrong; type it again"
            )
        return invitation

    def is_by(self, root: x509.Certificate) -> bool:
        """Return whether ``root`` is the authority that invites."""
        return secrets.compare_digest(self.fingerprint, fingerprint(root))

    def key(self) -> Ed25519PrivateKey:
        """Return the key that proves that one has the code."""
        kdf = HKDF(SHA256(), 32, salt=None, info=b"securechat invitation key 1")
        return Ed25519PrivateKey.from_private_bytes(kdf.derive(self.secret))

    def _check(self) -> bytes:
        parts = (self.account.encode(), self.address.encode(), self.secret, self.fingerprint)
        return sha256(b"\0".join(parts)).digest()[:_CHECK_LENGTH]


def new_invitation(account: str, address: str, root: x509.Certificate) -> Invitation:
    """Return an invitation with a new secret."""
    return Invitation(account, address, secrets.token_bytes(SECRET_LENGTH), fingerprint(root))


def fingerprint(root: x509.Certificate) -> bytes:
    """Return the part of a certificate's SHA-256 that a code has."""
    return root.fingerprint(SHA256())[:_FINGERPRINT_LENGTH]


def public_part(key: Ed25519PrivateKey) -> bytes:
    """Return what the server knows an invitation by, 32 bytes."""
    return key.public_key().public_bytes_raw()


def prove(key: Ed25519PrivateKey, exported: bytes) -> bytes:
    """Return the proof that one has the code, good for one TLS session."""
    return key.sign(_statement(exported))


def proves(public: bytes, proof: bytes, exported: bytes) -> bool:
    """Return whether ``proof`` was made with the code, in this TLS session."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(proof, _statement(exported))
    except (InvalidSignature, ValueError):
        return False
    return True


def _statement(exported: bytes) -> bytes:
    return b"securechat invitation proof 1\0" + exported
