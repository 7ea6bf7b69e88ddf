"""A server's certificates in words.

Sources: RFC 5280 (4.1 and 4.2), RFC 8017 and RFC 5480 (the kinds of key).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier, SignatureAlgorithmOID

from chat.inspection.report import Certificate

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
#: ``ecdsa with sha256``, ``server auth``, ...
_OID_NAMES = {
    oid: name.lower().replace("_", " ")
    for names in (SignatureAlgorithmOID, ExtendedKeyUsageOID)
    for name, oid in vars(names).items()
    if isinstance(oid, ObjectIdentifier)
}

_Value = TypeVar("_Value", bound=x509.ExtensionType)


class UnreadableError(Exception):
    """A certificate that breaks the rules of its format; the text says how."""


@frozen
class Link:
    """A certificate of the chain, parsed and in words."""

    certificate: x509.Certificate
    words: Certificate


def read_chain(chain: Sequence[bytes], now: datetime) -> tuple[Link, ...]:
    """Return the certificates (DER, the server's own first) in words.

    Raises `UnreadableError` for one that cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of oddities that do no harm here
            parsed = [x509.load_der_x509_certificate(der) for der in chain]
            return tuple(
                Link(one, _describe(one, following, now))
                for one, following in zip(parsed, [*parsed[1:], None], strict=True)
            )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise UnreadableError(str(error)) from error


def name_words(name: x509.Name) -> str:
    """Return a distinguished name as RFC 4514 writes it, or that it is empty."""
    return name.rfc4514_string() or "(empty)"


def key_words(certificate: x509.Certificate) -> str:
    """Return the kind and the size of a certificate's key."""
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:
        return f"unknown kind {certificate.public_key_algorithm_oid.dotted_string}"
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size} bits"
        case ec.EllipticCurvePublicKey():
            return f"ECDSA {key.curve.name}"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size} bits"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
    return type(key).__name__.removesuffix("PublicKey")


def host_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the subject alternative names, each with its kind unless it is a DNS name."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    return () if names is None else tuple(map(_general_name, names))


def _describe(
    certificate: x509.Certificate, following: x509.Certificate | None, now: datetime
) -> Certificate:
    end = certificate.not_valid_after_utc
    serial = f"{certificate.serial_number:x}"
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    return Certificate(
        subject=name_words(certificate.subject),
        issuer=name_words(certificate.issuer),
        serial=serial.zfill(len(serial) + len(serial) % 2),  # whole bytes, as others print it
        names=host_names(certificate),
        key=key_words(certificate),
        signature=_oid_name(certificate.signature_algorithm_oid),
        valid_from=certificate.not_valid_before_utc,
        valid_until=end,
        days_left=(end - now).days,
        sha256=certificate.fingerprint(SHA256()).hex(),
        is_authority=constraints is not None and constraints.ca,
        path_length=None if constraints is None else constraints.path_length,
        key_usage=()
        if usage is None
        else tuple(name.replace("_", " ") for name in _USAGES if getattr(usage, name)),
        extended_key_usage=() if purposes is None else tuple(map(_oid_name, purposes)),
        matches_next=None if following is None else _matches(certificate, following),
    )


def _matches(certificate: x509.Certificate, issuer: x509.Certificate) -> bool | None:
    wanted = _extension(certificate, x509.AuthorityKeyIdentifier)
    found = _extension(issuer, x509.SubjectKeyIdentifier)
    if wanted is None or wanted.key_identifier is None or found is None:
        return None
    return wanted.key_identifier == found.digest


def _extension(certificate: x509.Certificate, kind: type[_Value]) -> _Value | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _general_name(name: x509.GeneralName) -> str:
    match name:
        case x509.DNSName():
            return name.value
        case x509.IPAddress():
            return f"IP {name.value}"
        case x509.UniformResourceIdentifier():
            return f"URI {name.value}"
        case x509.RFC822Name():
            return f"e-mail {name.value}"
        case x509.DirectoryName():
            return f"directory {name_words(name.value)}"
    return type(name).__name__


def _oid_name(oid: ObjectIdentifier) -> str:
    return _OID_NAMES.get(oid, oid.dotted_string)
