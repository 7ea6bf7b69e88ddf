"""The revocation list: which certificates no longer count, though their time is not over.

A list is signed by the issuing authority, valid for seven days and re-signed
daily; each one has a higher number than the last (RFC 5280, section 5.2.3).  A list
past its end locks everybody out, so a bad one is found here, before it is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chat.pki.authority import BACKDATED, Authority, authority_key_identifier, whole_seconds
from chat.pki.errors import RevocationError
from chat.pki.files import read_authority, write_files
from chat.pki.layout import Layout

LIFETIME = timedelta(days=7)


@frozen
class Revocation:
    """One certificate that no longer counts, since when and why."""

    serial: int
    at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@frozen
class RevocationList:
    """A list whose signature is good; times in UTC."""

    crl: x509.CertificateRevocationList
    number: int
    issued: datetime
    ends: datetime
    serials: frozenset[int]

    @classmethod
    def parse(cls, pem: bytes, authorities: Sequence[x509.Certificate]) -> RevocationList:
        """Return the list in ``pem``, signed by one of ``authorities``, stale or not."""
        try:
            crl = x509.load_pem_x509_crl(pem)
            number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except (ValueError, x509.ExtensionNotFound) as error:
            raise RevocationError("it is not a numbered revocation list") from error
        if not any(_signed(crl, authority) for authority in authorities):
            raise RevocationError("the revocation list was not signed by the network's authority")
        if crl.next_update_utc is None:
            raise RevocationError("the revocation list has no end")
        return cls(
            crl,
            number,
            crl.last_update_utc,
            crl.next_update_utc,
            frozenset(entry.serial_number for entry in crl),
        )

    def check(self, now: datetime, in_force: RevocationList | None = None) -> None:
        """Raise `RevocationError` unless the list may come into force ``now``.

        It may when its time has begun and is not over, and when its number is not
        lower than that of the list ``in_force``.
        """
        if now < self.issued:
            raise RevocationError(
                f"the revocation list is from the future ({self.issued:%Y-%m-%d %H:%M} UTC):"
                " set the clock"
            )
        if now >= self.ends:
            raise RevocationError(
                f"the revocation list ended on {self.ends:%Y-%m-%d %H:%M} UTC:"
                " run securechat cert renew-list"
            )
        if in_force is not None and self.number < in_force.number:
            raise RevocationError(
                f"the revocation list has number {self.number}, older than {in_force.number},"
                " which is in force: restore the newer one"
            )

    def half_life_passed(self, now: datetime) -> bool:
        """Return whether the list should long have been re-signed."""
        return now >= self.issued + (self.ends - self.issued) / 2

    @property
    def pem(self) -> bytes:
        """The list as a file holds it."""
        return self.crl.public_bytes(Encoding.PEM)


def first_list(issuing: Authority, now: datetime) -> RevocationList:
    """Return the list of a new authority: empty, number 1."""
    return _sign(issuing, 1, (), now)


def next_list(
    issuing: Authority,
    previous: RevocationList,
    now: datetime,
    revoked: Iterable[Revocation] = (),
) -> RevocationList:
    """Return the list that follows ``previous``: its entries, and ``revoked``, signed anew."""
    entries = {entry.serial_number: entry for entry in previous.crl}
    for revocation in revoked:
        entries.setdefault(revocation.serial, _entry(revocation))
    return _sign(issuing, previous.number + 1, entries.values(), now)


def renew_revocations(directory: Path, passphrase: bytes | None, now: datetime) -> RevocationList:
    """Re-sign the list in a directory of keys, replacing the file, and return it.

    Blocks, for 0.7 s where the issuing key is encrypted: call it in a thread.
    Raises `PassphraseError` when the passphrase does not open the key, `PkiError` or
    `OSError` when a file is missing or wrong; the file is then as it was.
    """
    layout = Layout(directory)
    issuing = read_authority(layout.issuing_certificate, layout.issuing_key, passphrase)
    try:
        previous = RevocationList.parse(layout.revocations.read_bytes(), [issuing.certificate])
    except RevocationError as error:
        raise RevocationError(f"{layout.revocations}: {error}") from error
    renewed = next_list(issuing, previous, now)
    write_files({layout.revocations: renewed.pem}, replace=True)
    return renewed


def _signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    if crl.issuer != authority.subject:
        return False
    key = authority.public_key()
    try:
        return crl.is_signature_valid(key)  # type: ignore[arg-type]
    except (InvalidSignature, TypeError):
        return False


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revocation.serial)
        .revocation_date(whole_seconds(revocation.at))
    )
    # Section 5.3.1: no extension in place of the reason "unspecified".
    if revocation.reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(revocation.reason), critical=False)
    return builder.build()


def _sign(
    issuing: Authority, number: int, entries: Iterable[x509.RevokedCertificate], now: datetime
) -> RevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(whole_seconds(now - BACKDATED))
        .next_update(whole_seconds(now + LIFETIME))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(authority_key_identifier(issuing.certificate), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    crl = builder.sign(issuing.key, SHA256())
    return RevocationList.parse(crl.public_bytes(Encoding.PEM), [issuing.certificate])
