"""The copies of the certificates that were issued: whose they are, and what became of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from enum import Enum
from pathlib import Path

from attrs import frozen
from cryptography import x509

from chat.pki.authority import Identity, printable, title
from chat.pki.errors import IdentityError, PkiError
from chat.pki.layout import Layout
from chat.pki.revocation import RevocationLists

#: Digits of a serial number that are shown where space is short; any number of them finds it.
SHORT = 12
_SERIAL = re.compile(r"[0-9a-f]{4,40}")


class Status(Enum):
    """What a certificate is good for, by the name that people read."""

    VALID = "valid"
    REVOKED = "revoked"
    EXPIRED = "expired"
    FUTURE = "not yet valid"
    RETIRED = "retired"
    UNKNOWN = "unknown"


@frozen
class Record:
    """A certificate that was issued; ``identity`` is ``None`` for a server's."""

    certificate: x509.Certificate
    identity: Identity | None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Record:
        """Return the record of any certificate."""
        try:
            return cls(certificate, Identity.from_certificate(certificate))
        except IdentityError:
            return cls(certificate, None)

    @property
    def serial(self) -> str:
        """The serial number as its file is called: 40 digits."""
        return f"{self.certificate.serial_number:040x}"

    @property
    def holder(self) -> str:
        """``account/device``, or the hosts of a server, or the subject."""
        if self.identity is not None:
            return str(self.identity)
        return ", ".join(host_names(self.certificate)) or title(self.certificate.subject)

    @property
    def ends(self) -> datetime:
        """When its time is over, in UTC."""
        return self.certificate.not_valid_after_utc

    def status(self, lists: RevocationLists | None, now: datetime) -> Status:
        """Return what it is good for ``now``; who is revoked and over is over.

        Without the lists nobody knows.  Where its issuer has none any more, that one is
        retired, and the server lets nobody in whom it certified.
        """
        if now >= self.ends:
            return Status.EXPIRED
        if lists is None:
            return Status.UNKNOWN
        if lists.revokes(self.certificate):
            return Status.REVOKED
        if all(each.crl.issuer != self.certificate.issuer for each in lists.lists):
            return Status.RETIRED
        return Status.VALID if now >= self.certificate.not_valid_before_utc else Status.FUTURE


def host_names(certificate: x509.Certificate) -> list[str]:
    """Return the names and addresses that a server's certificate is for, in order."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    kinds = (x509.DNSName, x509.IPAddress)
    return [printable(str(name.value)) for name in names if isinstance(name, kinds)]


def read_records(layout: Layout) -> tuple[list[Record], list[Path]]:
    """Return all records, the latest end last, and the files that hold none."""
    records: list[Record] = []
    unreadable: list[Path] = []
    for path in sorted(layout.issued.glob("*.crt")):
        try:
            records.append(Record.of(x509.load_pem_x509_certificate(path.read_bytes())))
        except (ValueError, OSError):
            unreadable.append(path)
    records.sort(key=lambda record: (record.ends, record.holder))
    return records, unreadable


def find_devices(records: Iterable[Record], name: str) -> list[Record]:
    """Return the records of an account, or of ``ACCOUNT/DEVICE``; `PkiError` for none."""
    records = list(records)
    account, _, device = name.partition("/")
    found = [
        record
        for record in records
        if record.identity is not None
        and record.identity.account == account
        and device in ("", record.identity.device)
    ]
    if not found:
        raise PkiError(f"no certificate was issued to {name!r}{_near(records, name)}")
    return found


def find_serial(records: Iterable[Record], serial: str) -> Record:
    """Return the record whose serial number starts with ``serial``, four digits at least.

    `PkiError` where there is none, and where there are several.
    """
    digits = serial.replace(":", "").lower()
    found = [
        record
        for record in records
        # Ours have 40 digits; openssl drops zeros in front.
        if record.serial.startswith(digits) or record.serial.lstrip("0") == digits.lstrip("0")
    ]
    if _SERIAL.fullmatch(digits) is None or not found:
        raise PkiError(f"no certificate has the serial number {serial}: see securechat ca list")
    if len(found) > 1:
        raise PkiError(f"{len(found)} serial numbers begin with {serial}: give more digits")
    return found[0]


def is_serial(text: str) -> bool:
    """Return whether ``text`` can be the beginning of a serial number."""
    return _SERIAL.fullmatch(text.replace(":", "").lower()) is not None


def _near(records: Iterable[Record], wanted: str) -> str:
    names = {str(record.identity) for record in records if record.identity is not None}
    if "/" not in wanted:
        names = {name.partition("/")[0] for name in names}
    folded = {name.casefold(): name for name in names}
    near = [folded[name] for name in get_close_matches(wanted.casefold(), folded, cutoff=0.5)]
    return f": did you mean {' or '.join(near)}?" if near else ": see securechat ca list"
