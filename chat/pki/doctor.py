"""What is wrong with the keys and certificates of a network, or will be soon.

Looks and changes nothing.  Each finding is one sentence, and where something is to be
done, what.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

from attrs import evolve, frozen
from cryptography import x509
from cryptography.x509.oid import NameOID

from chat.pki.authority import key_id, short_key_id, title
from chat.pki.errors import PkiError
from chat.pki.files import read_authority, read_certificates, read_private, read_server_key
from chat.pki.keys import is_encrypted, public_numbers
from chat.pki.layout import Layout
from chat.pki.lists import has_issued, issuing_authorities
from chat.pki.records import Record, Status, read_records
from chat.pki.revocation import RevocationLists
from chat.pki.rotation import pending_keys, valid_devices

#: How long before its end a certificate is a warning.
_SERVER_SOON = timedelta(days=21)
_ISSUING_SOON = timedelta(days=90)
_ROOT_SOON = timedelta(days=730)
#: How far a file's time may be ahead of the clock: file servers are not exact.
_SKEW = timedelta(minutes=2)


class Level(Enum):
    """How bad it is, best first."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@frozen
class Finding:
    """One thing that was looked at; ``remedy`` is empty where nothing is to be done."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


@frozen
class Setup:
    """What to look at: the server's files, and the built-in authority if there is one.

    ``passphrase`` returns what the server itself opens the issuing key with.
    """

    certificate: Path
    key: Path
    authorities: Path
    revocations: Path
    layout: Layout | None
    passphrase: Callable[[], bytes | None]
    passphrase_file: Path | None = None


def examine(setup: Setup, now: datetime) -> list[Finding]:
    """Return what there is to say about a network's keys and certificates."""
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "server certificate": lambda: _server(setup, now),
        "revocation lists": lambda: _lists(setup, now),
    }
    layout = setup.layout
    if layout is not None:
        checks |= {
            "authorities": lambda: _authorities(layout, now),
            "issuing keys": lambda: _issuing_keys(setup, layout, now),
            "device certificates": lambda: _devices(setup, layout, now),
            "leftovers": lambda: _leftovers(layout),
        }
    checks |= {"file modes": lambda: _modes(setup), "clock": lambda: _clock(setup, now)}
    findings: list[Finding] = []
    for subject, check in checks.items():
        try:
            findings += check()
        except (PkiError, OSError) as error:
            findings.append(_broken(subject, error))
    return findings


def _broken(subject: str, error: PkiError | OSError) -> Finding:
    if isinstance(error, OSError):
        remedy = "restore it from the backup, or look at [tls] and [authority] in securechat.toml"
        return Finding(Level.FAIL, subject, f"{error.filename}: {error.strerror}", remedy)
    text, _, remedy = str(error).rpartition(": ")
    return Finding(Level.FAIL, subject, text or remedy, remedy if text else "")


def _server(setup: Setup, now: datetime) -> Iterator[Finding]:
    own, *_ = read_certificates(setup.certificate)
    remedy = "run securechat ca renew-server"
    if setup.layout is None or setup.certificate != setup.layout.server_certificate:
        remedy = "renew it where it comes from"
    yield _time("server certificate", own, now, _SERVER_SOON, remedy)
    read_server_key(setup.key, own)
    yield Finding(Level.OK, "server key", f"{setup.key.name} fits {setup.certificate.name}")


def _lists(setup: Setup, now: datetime) -> Iterator[Finding]:
    lists = RevocationLists.parse(
        setup.revocations.read_bytes(), read_certificates(setup.authorities)
    )
    remedy = "bring the next one from whoever runs the authority"
    if setup.layout is not None:
        remedy = "run securechat cert renew-list"
    for each in lists.lists:
        subject = f"revocation list of {_name(each.authority)}"
        state = f"number {each.number}, {len(each.serials)} revoked, until {_moment(each.ends)}"
        if now < each.issued:
            yield Finding(
                Level.FAIL, subject, f"it is from {_moment(each.issued)}, the future",
                "set the clock",
            )  # fmt: skip
        elif now >= each.ends:
            yield Finding(
                Level.FAIL, subject, f"it ended on {_moment(each.ends)}: nobody of its gets in",
                remedy,
            )  # fmt: skip
        elif each.half_life_passed(now):
            yield Finding(Level.WARN, subject, f"half of its time is over: {state}", remedy)
        else:
            yield Finding(Level.OK, subject, state)
    if setup.layout is not None:
        records, _ = read_records(setup.layout)
        for authority in issuing_authorities(setup.layout):
            if lists.of(authority) is None and now < authority.not_valid_after_utc:
                text = "there is none: nobody of its gets in"
                if has_issued(authority, records):
                    remedy = "restore revocations.pem, or rotate, issue anew, and retire it"
                yield Finding(Level.FAIL, f"revocation list of {_name(authority)}", text, remedy)


def _authorities(layout: Layout, now: datetime) -> Iterator[Finding]:
    (root,) = read_certificates(layout.root_certificate)
    again = "make a new network, and give everybody its ca.crt: docs/certificates.md"
    yield _time("root authority", root, now, _ROOT_SOON, again)
    if layout.root_key.exists():
        text = f"{layout.root_key} is on this machine; securechat ca move-root takes it off"
        yield Finding(Level.OK, "root key", text)
    else:
        yield Finding(Level.OK, "root key", "it is not on this machine")
    (current, *_) = read_certificates(layout.issuing_certificate)
    remedy = "run securechat ca rotate-issuing, with --root DIR where the root's key is elsewhere"
    yield _time(f"issuing authority {_name(current)}", current, now, _ISSUING_SOON, remedy)
    trusted = issuing_authorities(layout)
    if current not in trusted or root not in read_certificates(layout.authorities):
        text = f"{layout.authorities} lacks {layout.issuing_certificate.name} or the root"
        yield Finding(Level.FAIL, "trusted authorities", text, "run securechat ca install again")
    for authority in trusted:
        if key_id(authority) == key_id(current):
            continue
        subject = f"earlier authority {_name(authority)}"
        valid = valid_devices(layout, authority, now)
        if valid:
            text = f"trusted: the last of its {len(valid)} devices is over on"
            yield Finding(Level.OK, subject, f"{text} {valid[-1].ends:%Y-%m-%d}")
        else:
            text = "no device gets in by it any more"
            yield Finding(Level.WARN, subject, text, "run securechat ca retire")


def _issuing_keys(setup: Setup, layout: Layout, now: datetime) -> Iterator[Finding]:
    restore = "restore it from the backup, or run securechat ca rotate-issuing"
    for authority in issuing_authorities(layout):
        path, subject = layout.key_of(authority), f"issuing key {_name(authority)}"
        if now >= authority.not_valid_after_utc:
            continue
        if not path.exists():
            text = f"{path} is not there: its list cannot be signed again"
            yield Finding(Level.FAIL, subject, text, restore)
            continue
        pem = read_private(path)
        public = public_numbers(pem)
        if public is not None and public != _numbers(authority):
            yield Finding(Level.FAIL, subject, f"{path} is another authority's key", restore)
            continue
        yield _can_open(setup, subject, authority, path, encrypted=is_encrypted(pem))


def _can_open(
    setup: Setup, subject: str, authority: x509.Certificate, path: Path, *, encrypted: bool
) -> Finding:
    """Say whether the server can sign lists by itself."""
    remedy = "set [authority] passphrase_file, or run securechat cert renew-list every few days"
    try:
        passphrase = setup.passphrase() if encrypted else None
        if encrypted and passphrase is None:
            text = "encrypted, and the server has no passphrase"
            return Finding(Level.WARN, subject, text, remedy)
        read_authority(authority, path, passphrase)
    except (PkiError, OSError) as error:
        broken = _broken(subject, error)
        return broken if broken.remedy else evolve(broken, remedy=remedy)
    if encrypted:
        return Finding(Level.OK, subject, "encrypted, and the server can open it")
    return Finding(Level.OK, subject, "not encrypted: the server signs the list by itself")


def _devices(setup: Setup, layout: Layout, now: datetime) -> Iterator[Finding]:
    records, unreadable = read_records(layout)
    lists = RevocationLists.parse(
        setup.revocations.read_bytes(), read_certificates(setup.authorities)
    )
    valid = [
        record
        for record in records
        if record.identity is not None and record.status(lists, now) is Status.VALID
    ]
    text = f"{len(valid)} are valid"
    if valid:
        first: Record = valid[0]
        text += f", the first to end is that of {first.holder} on {first.ends:%Y-%m-%d}"
    yield Finding(Level.OK, "device certificates", text)
    for path in unreadable:
        yield Finding(Level.WARN, "device certificates", f"{path} is no certificate", "restore it")


def _leftovers(layout: Layout) -> Iterator[Finding]:
    """Find what an interrupted command left behind."""
    for path in pending_keys(layout):
        text = f"{path.name} is of an authority that was not installed"
        remedy = "finish with securechat ca install FILE, or remove it"
        yield Finding(Level.WARN, "issuing request", text, remedy)
    for path in sorted(layout.directory.glob(".*.????????")):
        text = f"{path} was being written when a program ended"
        yield Finding(Level.WARN, "unfinished file", text, f"rm {path}")


def _modes(setup: Setup) -> Iterator[Finding]:
    """Find secrets that others can read, what others can write, and what is another user's."""
    secret, public = {setup.key}, {setup.certificate, setup.authorities, setup.revocations}
    directories = {path.parent for path in (*secret, *public)}
    if setup.passphrase_file is not None:
        secret.add(setup.passphrase_file)
    if setup.layout is not None:
        secret |= {setup.layout.root_key, *setup.layout.issuing_keys}
        public |= set(setup.layout.directory.glob("*.crt")) | set(setup.layout.issued.glob("*"))
        directories.add(setup.layout.issued)
    wrong = [
        Finding(Level.FAIL, "file mode", f"{path} has mode {mode:04o}", f"chmod {good} {path}")
        for paths, bits, good in (
            (secret, 0o077, "600"),
            (public, 0o022, "600"),
            (directories, 0o022, "700"),
        )
        for path in sorted(paths)
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & bits
    ]
    # A command that was run as root leaves files that the server's user cannot read.
    home = setup.key.parent
    wrong += [
        Finding(
            Level.FAIL,
            "file owner",
            f"{path} is another user's than {home}",
            f"chown --reference={home} {path}",
        )
        for path in sorted(secret | public)
        if path.parent == home and path.exists() and path.stat().st_uid != home.stat().st_uid
    ]
    yield from wrong or [Finding(Level.OK, "file modes", "keys are for one user alone")]


def _clock(setup: Setup, now: datetime) -> Iterator[Finding]:
    """Find signs that this machine's clock is behind: it has seen later times than now."""
    paths = {setup.certificate, setup.revocations, setup.authorities}
    if setup.layout is not None:
        paths |= {path for path in setup.layout.directory.iterdir() if path.is_file()}
    ahead = [
        path
        for path in sorted(paths)
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) > now + _SKEW
    ]
    if ahead:
        text = f"{ahead[0]} is from the future ({len(ahead)} files are): the clock is or was wrong"
        yield Finding(Level.WARN, "clock", text, "set the clock; touch the files if it is right")
    else:
        yield Finding(Level.OK, "clock", f"{_moment(now)}; no file is from the future")


def _time(
    subject: str, certificate: x509.Certificate, now: datetime, soon: timedelta, remedy: str
) -> Finding:
    """Say where ``now`` is in the life of a certificate."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        text = f"it is not valid before {_moment(start)}"
        return Finding(Level.FAIL, subject, text, "set the clock, or make it anew")
    if now >= end:
        return Finding(Level.FAIL, subject, f"it ended on {_moment(end)}", remedy)
    text = f"valid until {end:%Y-%m-%d}, {(end - now).days} days"
    if end - now < soon:
        return Finding(Level.WARN, subject, text, remedy)
    return Finding(Level.OK, subject, text)


def _numbers(certificate: x509.Certificate) -> object:
    public = certificate.public_key()
    return public.public_numbers() if hasattr(public, "public_numbers") else None


def _name(authority: x509.Certificate) -> str:
    """Return what tells one of ours apart, and the whole name of another's."""
    ours = authority.subject.get_attributes_for_oid(NameOID.DN_QUALIFIER)
    return short_key_id(authority.public_key()) if ours else title(authority.subject)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
