"""The revocation lists on disk: signed anew, and longer by those who are revoked.

Whoever changes them holds the lock, so that of two changes at a time none is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen
from cryptography import x509

from chat.pki.authority import key_id
from chat.pki.errors import PkiError, RevocationError
from chat.pki.files import read_authority, read_certificates, write_files
from chat.pki.layout import Layout
from chat.pki.lock import locked
from chat.pki.records import Record, Status, read_records
from chat.pki.revocation import (
    Revocation,
    RevocationLists,
    first_list,
    next_list,
)


def issuing_authorities(layout: Layout) -> list[x509.Certificate]:
    """Return the issuing authorities that are trusted, those that are over among them."""
    return [
        certificate
        for certificate in read_certificates(layout.authorities)
        if certificate.subject != certificate.issuer
    ]


def read_lists(layout: Layout) -> RevocationLists:
    """Return the lists in force; `RevocationError` names the file."""
    authorities = read_certificates(layout.authorities)
    try:
        return RevocationLists.parse(layout.revocations.read_bytes(), authorities)
    except RevocationError as error:
        raise RevocationError(f"{layout.revocations}: {error}") from error


def lists_are_due(layout: Layout, now: datetime, age: timedelta) -> bool:
    """Return whether a list that can be signed here is missing, or of this ``age``."""
    lists = read_lists(layout)
    records, _ = read_records(layout)
    for authority in _signers(layout, now):
        found = lists.of(authority)
        if found is None and has_issued(authority, records):
            continue  # lost: see `renew_lists`
        if found is None or now - found.issued >= age:
            return True
    return False


def has_issued(authority: x509.Certificate, records: Iterable[Record]) -> bool:
    """Return whether one of ``records`` is of a device that ``authority`` certified."""
    return any(
        record.identity is not None and record.certificate.issuer == authority.subject
        for record in records
    )


def renew_lists(layout: Layout, passphrase: bytes | None, now: datetime) -> RevocationLists:
    """Sign every list anew whose authority's key is here, and return all.

    An authority that certified no device yet gets its first one here.  One that did,
    and whose list is lost, gets none: on an empty list, nobody would be revoked.
    Blocks, for 0.7 s for each encrypted key: call it in a thread.  Raises
    `PassphraseError` when the passphrase does not open a key, `PkiError` or `OSError`
    when a file is missing or wrong; the lists are then as they were.
    """
    return _sign_lists(layout, passphrase, now, {})


@frozen
class Revoked:
    """What came of a revocation: who is newly on a list, and who cannot be put on one."""

    records: tuple[Record, ...]
    unlisted: tuple[Record, ...]


def revoke(
    layout: Layout,
    passphrase: bytes | None,
    records: Sequence[Record],
    reason: x509.ReasonFlags,
    now: datetime,
) -> Revoked:
    """Put those of ``records`` on their issuers' lists whom the server lets in still.

    It does not for want of the key or the list of an issuer; the others are revoked all
    the same.  Blocks and raises as `renew_lists`; nothing is signed where nobody is left.
    """
    lists = read_lists(layout)
    gets_in = [
        record for record in records if record.status(lists, now) in (Status.VALID, Status.FUTURE)
    ]
    signers = {authority.subject: key_id(authority) for authority in _signers(layout, now)}
    revocations: dict[bytes, list[Revocation]] = {}
    done: list[Record] = []
    for record in gets_in:
        issuer = signers.get(record.certificate.issuer)
        if issuer is not None:
            revocation = Revocation(record.certificate.serial_number, now, reason)
            revocations.setdefault(issuer, []).append(revocation)
            done.append(record)
    if done:
        _sign_lists(layout, passphrase, now, revocations)
    return Revoked(tuple(done), tuple(record for record in gets_in if record not in done))


def _sign_lists(
    layout: Layout,
    passphrase: bytes | None,
    now: datetime,
    revoked: Mapping[bytes, Sequence[Revocation]],
) -> RevocationLists:
    """Sign all lists anew, with what is ``revoked``, by the issuer's key identifier."""
    # Opened before the lock is taken: the key derivation is slow on purpose.
    opened = [
        read_authority(authority, layout.key_of(authority), passphrase)
        for authority in _signers(layout, now)
    ]
    if not opened:
        raise PkiError(
            f"the key of the issuing authority is not in {layout.directory}: restore it from the"
            " backup, or make a new one (securechat ca rotate-issuing)"
        )
    records, _ = read_records(layout)
    ends = {record.certificate.serial_number: record.ends for record in records}
    with locked(layout):
        after = {key_id(each.authority): each for each in read_lists(layout).lists}
        trusted = issuing_authorities(layout)
        for issuing in opened:
            name = key_id(issuing.certificate)
            previous = after.get(name)
            if issuing.certificate not in trusted:
                continue  # retired meanwhile
            if previous is not None:
                after[name] = next_list(issuing, previous, now, revoked.get(name, ()), ends)
            elif not has_issued(issuing.certificate, records):
                after[name] = first_list(issuing, now)
        lists = RevocationLists(tuple(after.values()))
        write_files({layout.revocations: lists.pem}, replace=True)
    return lists


def _signers(layout: Layout, now: datetime) -> list[x509.Certificate]:
    """Return the issuing authorities whose time is not over, and whose key is here."""
    return [
        authority
        for authority in issuing_authorities(layout)
        if now < authority.not_valid_after_utc and layout.key_of(authority).exists()
    ]
