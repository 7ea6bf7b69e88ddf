"""The revocation lists on disk: signed anew, and longer by those who are revoked.

Whoever changes them holds the lock, so that of two changes at a time none is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen
from cryptography import x509

from chat.pki.authority import Authority, key_id
from chat.pki.errors import PkiError, RevocationError
from chat.pki.files import read_authority, read_certificates, write_files
from chat.pki.layout import Layout
from chat.pki.lock import locked
from chat.pki.records import Record, read_records
from chat.pki.revocation import (
    Revocation,
    RevocationList,
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
    for authority in _signers(layout, now):
        found = lists.of(authority)
        if found is None or now - found.issued >= age:
            return True
    return False


def renew_lists(layout: Layout, passphrase: bytes | None, now: datetime) -> RevocationLists:
    """Sign every list anew whose authority's key is here, and return all.

    Blocks, for 0.7 s for each encrypted key: call it in a thread.  Raises
    `PassphraseError` when the passphrase does not open a key, `PkiError` or `OSError`
    when a file is missing or wrong; the lists are then as they were.
    """
    return _sign_lists(layout, passphrase, now, {})


@frozen
class Revoked:
    """What came of a revocation: who is newly on a list, and the lists."""

    records: tuple[Record, ...]
    lists: RevocationLists


def revoke(
    layout: Layout,
    passphrase: bytes | None,
    records: Sequence[Record],
    reason: x509.ReasonFlags,
    now: datetime,
) -> Revoked:
    """Put those of ``records`` on their issuers' lists who are neither over nor revoked.

    Blocks and raises as `renew_lists`; nothing is signed where nobody is left.
    """
    lists = read_lists(layout)
    due = tuple(
        record for record in records if now < record.ends and not lists.revokes(record.certificate)
    )
    if not due:
        return Revoked((), lists)
    authorities = {authority.subject: authority for authority in issuing_authorities(layout)}
    revocations: dict[bytes, list[Revocation]] = {}
    for record in due:
        issuer = authorities.get(record.certificate.issuer)
        if issuer is None:
            raise PkiError(
                f"the authority that certified {record.holder} is not trusted any more:"
                " nothing that it signed gets in"
            )
        revocation = Revocation(record.certificate.serial_number, now, reason)
        revocations.setdefault(key_id(issuer), []).append(revocation)
    return Revoked(due, _sign_lists(layout, passphrase, now, revocations))


def _sign_lists(
    layout: Layout,
    passphrase: bytes | None,
    now: datetime,
    revoked: Mapping[bytes, Sequence[Revocation]],
) -> RevocationLists:
    """Sign all lists anew, with what is ``revoked``, by the issuer's key identifier."""
    signers = {key_id(authority): authority for authority in _signers(layout, now)}
    if not signers or not revoked.keys() <= signers.keys():
        raise PkiError(
            f"the key of the issuing authority is not in {layout.directory}: restore it from the"
            " backup, or make a new one (securechat ca rotate-issuing)"
        )
    # Opened before the lock is taken: the key derivation is slow on purpose.
    opened = {
        name: read_authority(found, layout.key_of(found), passphrase)
        for name, found in signers.items()
    }
    ends = {record.certificate.serial_number: record.ends for record in read_records(layout)[0]}
    with locked(layout):
        after = {key_id(each.authority): each for each in read_lists(layout).lists}
        trusted = set(map(key_id, issuing_authorities(layout)))
        for name, issuing in opened.items():
            if name not in trusted:
                continue  # retired meanwhile
            after[name] = _successor(issuing, after.get(name), now, revoked.get(name, ()), ends)
        lists = RevocationLists(tuple(after.values()))
        write_files({layout.revocations: lists.pem}, replace=True)
    return lists


def _successor(
    issuing: Authority,
    previous: RevocationList | None,
    now: datetime,
    revoked: Sequence[Revocation],
    ends: Mapping[int, datetime],
) -> RevocationList:
    if previous is None:
        previous = first_list(issuing, now)
        if not revoked:
            return previous
    return next_list(issuing, previous, now, revoked, ends)


def _signers(layout: Layout, now: datetime) -> list[x509.Certificate]:
    """Return the issuing authorities whose time is not over, and whose key is here."""
    return [
        authority
        for authority in issuing_authorities(layout)
        if now < authority.not_valid_after_utc and layout.key_of(authority).exists()
    ]
