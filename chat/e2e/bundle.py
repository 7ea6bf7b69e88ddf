"""A device's bundle: its encryption keys, vouched for by its certificate and in reverse.

The certificate's key signs the encryption keys, and the encryption key signs that it is of
this device, so neither can be claimed for the other.  Who has no key that the network's
authority certified cannot make one.  Sources: docs/encryption.md; RFC 5280.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from chat.e2e.canonical import (
    check_version,
    decode,
    encode,
    list_of,
    number_of,
    read_object,
    text_of,
    to_bytes,
    to_text,
)
from chat.e2e.errors import BundleError, CipherError, MalformedError
from chat.e2e.olm import Account, verify
from chat.pki.authority import Identity
from chat.pki.errors import IdentityError
from chat.pki.keys import SigningKey

#: How far another device's clock may be ahead.
AHEAD = timedelta(minutes=5)
#: Certificates of a chain at most, the leaf included.
MOST_CERTIFICATES = 4

_BY_CERTIFICATE = b"securechat e2e bundle v1 certificate\0"
_BY_DEVICE = b"securechat e2e bundle v1 device\0"


@frozen
class Bundle:
    """The keys of a device whose bundle was verified, and what its certificate says."""

    device: Identity
    curve25519: str
    ed25519: str
    time: datetime
    #: Of the certificate.
    serial: int
    issuer: str
    ends: datetime
    #: The authorities that signed it, without the root.
    authorities: tuple[x509.Certificate, ...]

    @property
    def fingerprint(self) -> str:
        """What identifies the device and its keys; a renewed certificate does not change it."""
        return fingerprint(self.device, self.curve25519, self.ed25519)


def make_bundle(
    account: Account,
    device: Identity,
    key: SigningKey,
    chain: Sequence[x509.Certificate],
    now: datetime,
) -> bytes:
    """Return the payload of this device's bundle; ``chain`` has the leaf first and no root."""
    ders = [each.public_bytes(Encoding.DER) for each in chain]
    text = to_text(
        {
            "v": 1,
            "device": device.uri,
            "curve25519": account.curve25519,
            "ed25519": account.ed25519,
            "certificate": encode(sha256(ders[0]).digest()),
            "time": int(now.timestamp()),
        }
    )
    return to_bytes(
        {
            "bundle": text,
            "chain": [encode(der) for der in ders],
            "by_certificate": encode(_sign(key, _BY_CERTIFICATE + text.encode())),
            "by_device": account.sign(_BY_DEVICE + text.encode()),
        }
    )


def fingerprint(device: Identity, curve25519: str, ed25519: str) -> str:
    """Return what identifies a device with these keys, as comparisons prove it."""
    fields = "\0".join((device.uri, curve25519, ed25519))
    return encode(sha256(b"securechat e2e device v1\0" + fields.encode()).digest())


def verify_bundle(
    payload: bytes,
    roots: Sequence[x509.Certificate],
    now: datetime,
    is_revoked: Callable[[x509.Certificate], bool],
) -> Bundle:
    """Return the bundle in ``payload``; `BundleError` with what does not hold.

    ``roots`` are the pinned authorities.  Every certificate of the chain is asked for in
    ``is_revoked``.
    """
    try:
        outer = read_object(payload)
        text = text_of(outer, "bundle")
        inner = read_object(text)
        check_version(inner)
        if to_text(inner) != text:
            raise MalformedError("its text is not canonical")
        leaf, authorities = _chain(list_of(outer, "chain"), roots, now)
        device = _device(inner, leaf)
        if any(is_revoked(each) for each in (leaf, *authorities)):
            raise BundleError("its certificate is revoked")
        der = leaf.public_bytes(Encoding.DER)
        if text_of(inner, "certificate") != encode(sha256(der).digest()):
            raise BundleError("it belongs to another certificate")
        signed = decode(text_of(outer, "by_certificate"))
        _check(leaf, _BY_CERTIFICATE + text.encode(), signed)
        ed25519_key = _key(inner, "ed25519")
        verify(ed25519_key, _BY_DEVICE + text.encode(), text_of(outer, "by_device"))
        time = datetime.fromtimestamp(min(number_of(inner, "time"), 1 << 35), UTC)
        if time > now + AHEAD:
            raise BundleError("it is from the future: set the clock")
    except (MalformedError, CipherError, UnicodeEncodeError) as error:
        raise BundleError(str(error)) from error
    return Bundle(
        device,
        _key(inner, "curve25519"),
        ed25519_key,
        time,
        leaf.serial_number,
        leaf.issuer.rfc4514_string(),
        leaf.not_valid_after_utc,
        tuple(authorities),
    )


def _key(inner: dict[str, Any], name: str) -> str:
    key = text_of(inner, name)
    if len(decode(key)) != 32:
        raise MalformedError(f"its {name} is not a key")
    return key


def _chain(
    encoded: list[Any], roots: Sequence[x509.Certificate], now: datetime
) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the leaf and the authorities below the root, all of them verified."""
    if not 0 < len(encoded) <= MOST_CERTIFICATES:
        raise BundleError("it has no certificate, or too many")
    try:
        certificates = [x509.load_der_x509_certificate(decode(str(each))) for each in encoded]
        verifier = PolicyBuilder().store(Store(list(roots))).time(now).build_client_verifier()
        verified = verifier.verify(certificates[0], certificates[1:])
        usage = certificates[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except VerificationError as error:
        raise BundleError("its certificate is not valid here and now") from error
    except (ValueError, x509.ExtensionNotFound, x509.UnsupportedGeneralNameType) as error:
        raise BundleError("its certificate cannot be read") from error
    if list(usage) != [ExtendedKeyUsageOID.CLIENT_AUTH]:
        raise BundleError("its certificate is not that of a device")
    return certificates[0], list(verified.chain)[1:-1]


def _device(inner: dict[str, Any], leaf: x509.Certificate) -> Identity:
    try:
        device = Identity.from_certificate(leaf)
    except IdentityError as error:
        raise BundleError(str(error)) from error
    if text_of(inner, "device") != device.uri:
        raise BundleError(f"it names another device than its certificate, which is of {device}")
    return device


def _sign(key: SigningKey, message: bytes) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(SHA256()))
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case rsa.RSAPrivateKey():
            return key.sign(message, padding.PKCS1v15(), SHA256())


def _check(leaf: x509.Certificate, message: bytes, signature: bytes) -> None:
    key = leaf.public_key()
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(SHA256()))
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), SHA256())
            case _:
                raise BundleError("its certificate has a key that signs nothing here")
    except InvalidSignature as error:
        raise BundleError("its certificate's key did not sign it") from error
