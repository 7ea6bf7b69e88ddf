"""The revocation list: which certificates no longer count, though their time is not over.

A list is signed by the issuing authority, valid for seven days and re-signed
daily; each one has a higher number than the last (RFC 5280, section 5.2.3).  A list
past its end locks out whom its authority certified, so a bad one is found here,
before it is in force.  Where several authorities are trusted, each has its list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chat.pki.authority import (
    BACKDATED,
    Authority,
    authority_key_identifier,
    key_id,
    title,
    whole_seconds,
)
from chat.pki.errors import RevocationError

LIFETIME = timedelta(days=7)

#: RFC 5280, section 5.3.1: the reasons that a device's certificate can have, as people type them.
REASONS = {
    "unspecified": x509.ReasonFlags.unspecified,
    "key-compromise": x509.ReasonFlags.key_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation": x509.ReasonFlags.cessation_of_operation,
    "privilege-withdrawn": x509.ReasonFlags.privilege_withdrawn,
}

_BLOCK = re.compile(rb"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----\s*", re.DOTALL)


@frozen
class Revocation:
    """One certificate that no longer counts, since when and why."""

    serial: int
    at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified


@frozen
class RevocationList:
    """A list whose signature is good, and who signed it; times in UTC.

    ``issuer`` is the authority's name as RFC 4514 writes it.
    """

    crl: x509.CertificateRevocationList
    authority: x509.Certificate
    issuer: str
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
        signer = next((found for found in authorities if _signed(crl, found)), None)
        if signer is None:
            raise RevocationError("the revocation list was not signed by the network's authority")
        if crl.next_update_utc is None:
            raise RevocationError("the revocation list has no end")
        return cls(
            crl,
            signer,
            crl.issuer.rfc4514_string(),
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
                " run securechat cert renew-list, or bring the next one of an authority of others"
            )
        self.check_number(in_force)

    def check_number(self, in_force: RevocationList | None) -> None:
        """Raise `RevocationError` where the list is older than the one ``in_force``."""
        if in_force is not None and self.number < in_force.number:
            raise RevocationError(
                f"the revocation list has number {self.number}, older than {in_force.number},"
                " which is in force: restore the newer one"
            )

    def is_in_date(self, now: datetime) -> bool:
        """Return whether the list's time has begun and is not over."""
        return self.issued <= now < self.ends

    def half_life_passed(self, now: datetime) -> bool:
        """Return whether the list should long have been re-signed."""
        return now >= self.issued + (self.ends - self.issued) / 2

    @property
    def pem(self) -> bytes:
        """The list as a file holds it."""
        return self.crl.public_bytes(Encoding.PEM)


@frozen
class RevocationLists:
    """What a file of lists holds: at least one, and one of each authority."""

    lists: tuple[RevocationList, ...]

    @classmethod
    def parse(cls, pem: bytes, authorities: Sequence[x509.Certificate]) -> RevocationLists:
        """Return the lists in ``pem``, each signed by one of ``authorities``, stale or not.

        Of two by the same authority the one with the higher number counts.
        """
        found: dict[bytes, RevocationList] = {}
        for block in _BLOCK.findall(pem) or [pem]:
            each = RevocationList.parse(block, authorities)
            other = found.setdefault(key_id(each.authority), each)
            if each.number > other.number:
                found[key_id(each.authority)] = each
        return cls(tuple(found.values()))

    def check(
        self,
        now: datetime,
        in_force: RevocationLists | None = None,
        trusted: Sequence[x509.Certificate] = (),
    ) -> None:
        """Raise `RevocationError` unless the lists may come into force ``now``.

        One of them must be in date.  Another may be stale, as that of an earlier
        authority whose key is lost: it locks out whom that one certified, and nobody
        else.  None may be worse than what is ``in_force``, and none of an authority
        that is ``trusted`` still may be missing: the file is not whole then.
        """
        for old in in_force.lists if in_force is not None else ():
            if old.is_in_date(now) and old.authority in trusted and self.of(old.authority) is None:
                raise RevocationError(
                    f"the revocation list of {title(old.authority.subject)}, which is trusted"
                    " and had one, is missing: restore it"
                )
        for each in self.lists:
            before = None if in_force is None else in_force.of(each.authority)
            each.check_number(before)
            if before is not None and before.is_in_date(now):
                each.check(now)
        if not any(each.is_in_date(now) for each in self.lists):
            self.lists[0].check(now)

    def of(self, authority: x509.Certificate) -> RevocationList | None:
        """Return the list of an authority."""
        wanted = key_id(authority)
        return next((each for each in self.lists if key_id(each.authority) == wanted), None)

    def revokes(self, certificate: x509.Certificate) -> bool:
        """Return whether a certificate is on the list of its issuer.

        An issuer's name and a serial number identify a certificate (section 4.1.2.2).
        """
        serial = certificate.serial_number
        # Names are compared slowly, and few serial numbers are on a list.
        return any(
            serial in each.serials and each.crl.issuer == certificate.issuer for each in self.lists
        )

    def reason(self, issuer: str, serial: int) -> x509.ReasonFlags | None:
        """Return why a certificate is on the list of its issuer, ``None`` where it is on none.

        ``issuer`` is its name as `RevocationList` has it.
        """
        for each in self.lists:
            if each.issuer == issuer and serial in each.serials:
                entry = each.crl.get_revoked_certificate_by_serial_number(serial)
                return None if entry is None else reason_of(entry)
        return None

    def has_issuer(self, issuer: str) -> bool:
        """Return whether there is a list of who has that name."""
        return any(each.issuer == issuer for each in self.lists)

    @property
    def pem(self) -> bytes:
        """The lists as a file holds them."""
        return b"".join(each.pem for each in self.lists)


def reason_of(entry: x509.RevokedCertificate) -> x509.ReasonFlags:
    """Return why a certificate is on a list."""
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified


def in_words(reason: x509.ReasonFlags) -> str:
    """Return a reason as people read it, empty where none was given."""
    if reason is x509.ReasonFlags.unspecified:
        return ""
    return reason.name.replace("_", " ")


def first_list(issuing: Authority, now: datetime) -> RevocationList:
    """Return the list of a new authority: empty, number 1."""
    return _sign(issuing, 1, (), now)


def next_list(
    issuing: Authority,
    previous: RevocationList,
    now: datetime,
    revoked: Iterable[Revocation] = (),
    ends: Mapping[int, datetime] | None = None,
) -> RevocationList:
    """Return the list that follows ``previous``: its entries, and ``revoked``, signed anew.

    An entry is dropped where ``ends``, by serial number, says that the certificate was
    over before ``previous`` was signed: "An entry MUST NOT be removed from the CRL
    until it appears on one regularly scheduled CRL issued beyond the revoked
    certificate's validity period" (section 3.3).
    """
    ends = ends or {}
    entries = {
        entry.serial_number: entry
        for entry in previous.crl
        if ends.get(entry.serial_number, now) >= previous.issued
    }
    for revocation in revoked:
        entries.setdefault(revocation.serial, _entry(revocation))
    return _sign(issuing, previous.number + 1, entries.values(), now)


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
