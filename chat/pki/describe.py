"""What a certificate says, as plain facts for a person or another program."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from chat.pki.authority import key_id, title
from chat.pki.records import Record, Status, host_names
from chat.pki.revocation import RevocationLists, reason_of

_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "client",
    ExtendedKeyUsageOID.SERVER_AUTH: "server",
}


@frozen
class Description:
    """A certificate; times are ISO 8601 in UTC, ``None`` is what it does not have."""

    kind: str
    account: str | None
    device: str | None
    hosts: list[str]
    purposes: list[str]
    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    status: str
    revoked_at: str | None
    reason: str | None
    key: str
    key_id: str
    fingerprint: str


def describe(record: Record, lists: RevocationLists | None, now: datetime) -> Description:
    """Return what ``record`` says, and what became of it by ``now``."""
    certificate, identity = record.certificate, record.identity
    purposes = _purposes(certificate)
    status = record.status(lists, now)
    if _is_authority(certificate):
        kind = "authority"
        if status in (Status.RETIRED, Status.UNKNOWN):
            status = Status.VALID  # no list is about authorities: their time is all there is
    elif identity is not None:
        kind = "device"
    else:
        kind = "server" if "server" in purposes else "other"
    entry = _entry(certificate, lists)
    return Description(
        kind,
        identity.account if identity else None,
        identity.device if identity else None,
        host_names(certificate),
        purposes,
        title(certificate.subject),
        title(certificate.issuer),
        record.serial,
        certificate.not_valid_before_utc.isoformat(),
        certificate.not_valid_after_utc.isoformat(),
        status.value,
        entry.revocation_date_utc.isoformat() if entry else None,
        reason_of(entry).value if entry else None,
        _key(certificate),
        key_id(certificate).hex(),
        certificate.fingerprint(SHA256()).hex(),
    )


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _purposes(certificate: x509.Certificate) -> list[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return []
    return [_PURPOSES.get(purpose, purpose.dotted_string) for purpose in usage]


def _entry(
    certificate: x509.Certificate, lists: RevocationLists | None
) -> x509.RevokedCertificate | None:
    for each in lists.lists if lists else ():
        if each.crl.issuer == certificate.issuer:
            found = each.crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if found is not None:
                return found
    return None


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").lstrip("_")
