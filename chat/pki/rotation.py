"""A new issuing authority in place of the old one, and the root at another place.

Each change is a row of single replacements, in an order in which the network works
between any two of them, and again from the start does only what is left to do.  A key
is written once, under a name that comes of the key, and `issuing.crt` alone says which
authority signs: so there is no moment with a certificate and another one's key.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from chat.pki.authority import Authority, certify_issuing, key_id, new_key
from chat.pki.bundles import to_pem
from chat.pki.errors import PkiError
from chat.pki.files import (
    read_authority,
    read_certificates,
    read_private,
    sync_directory,
    write_files,
)
from chat.pki.keys import encode_key
from chat.pki.layout import Layout
from chat.pki.lists import issuing_authorities, read_lists
from chat.pki.lock import locked
from chat.pki.records import Record, Status, read_records
from chat.pki.requests import make_request, requested_key
from chat.pki.revocation import RevocationLists, first_list
from chat.pki.server_certificate import renew_server, server_issuer


@frozen
class Installed:
    """What an installation made new; ``server`` is ``None`` where there is no certificate."""

    issuing: x509.Certificate
    server: x509.Certificate | None


def request_issuing(layout: Layout, passphrase: bytes | None, out: Path) -> Path:
    """Make the key of a new issuing authority here, and its signing request in ``out``.

    Returns the key's file.  Both files are new, or none is.
    """
    (root,) = read_certificates(layout.root_certificate)
    key = new_key()
    path = layout.issuing_key(key.public_key())
    write_files({path: encode_key(key, passphrase), out: make_request(key, root)})
    return path


def sign_request(root: Authority, request: Path, out: Path, now: datetime) -> x509.Certificate:
    """Write the certificate that a request is for; only its public key is taken."""
    public_key = requested_key(request.read_bytes(), root.certificate, str(request))
    certificate = certify_issuing(root, public_key, now)
    write_files({out: to_pem(certificate)})
    return certificate


def rotate(layout: Layout, root: Authority, passphrase: bytes | None, now: datetime) -> Installed:
    """Make a new issuing authority and have it sign from now on."""
    key = new_key()
    certificate = certify_issuing(root, key.public_key(), now)
    write_files({layout.key_of(certificate): encode_key(key, passphrase)})
    return install(layout, certificate, passphrase, now)


def install(
    layout: Layout, certificate: x509.Certificate, passphrase: bytes | None, now: datetime
) -> Installed:
    """Have the issuing authority of ``certificate`` sign from now on; its key is here.

    The one before stays trusted, and its list is signed on, until it is retired.
    """
    check_issuing(layout, certificate, now)
    key = layout.key_of(certificate)
    if not key.exists():
        raise PkiError(
            f"{key} is not there: the certificate is not the answer to a request of this network"
        )
    issuing = read_authority(certificate, key, passphrase)
    with locked(layout):
        _trust(layout, certificate)
        _have_list(layout, issuing, now)
        _replace(layout.issuing_certificate, to_pem(certificate))
        server = None
        if layout.server_certificate.exists():
            server = read_certificates(layout.server_certificate)[0]
            if server.issuer != certificate.subject:
                server = renew_server(layout, issuing, now)
    return Installed(certificate, server)


def check_issuing(layout: Layout, certificate: x509.Certificate, now: datetime) -> None:
    """Raise `PkiError` unless the network's root made it an issuing authority, for ``now``."""
    (root,) = read_certificates(layout.root_certificate)
    try:
        certificate.verify_directly_issued_by(root)
        extensions = certificate.extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise PkiError(
            f"the certificate was not signed by {layout.root_certificate}: it is of another network"
        ) from error
    if not (constraints.ca and usage.key_cert_sign and usage.crl_sign):
        raise PkiError(
            "the certificate is not an authority's: install what securechat ca sign made"
        )
    if now < certificate.not_valid_before_utc:
        raise PkiError(
            f"the certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M}"
            " UTC: set the clock, here or where it was signed"
        )
    if now >= certificate.not_valid_after_utc:
        raise PkiError(f"the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
    (current, *_) = read_certificates(layout.issuing_certificate)
    if certificate.not_valid_before_utc < current.not_valid_before_utc:
        raise PkiError("the certificate is older than that of the issuing authority in use")


def valid_devices(layout: Layout, authority: x509.Certificate, now: datetime) -> list[Record]:
    """Return whom an issuing authority certified and who gets in still, the last end last."""
    lists = read_lists(layout)
    return [
        record
        for record in read_records(layout)[0]
        if record.identity is not None
        and record.certificate.issuer == authority.subject
        and record.status(lists, now) in (Status.VALID, Status.FUTURE)
    ]


def retire(layout: Layout, authority: x509.Certificate) -> None:
    """Stop trusting an earlier issuing authority: nothing that it signed gets in.

    Its list goes first: a server that starts between the two refuses its certificates,
    for want of a list.  Its key is removed.
    """
    with locked(layout):
        (current, *_) = read_certificates(layout.issuing_certificate)
        if key_id(authority) == key_id(current):
            raise PkiError(
                "this issuing authority is in use: make another one first"
                " (securechat ca rotate-issuing)"
            )
        if layout.server_certificate.exists() and server_issuer(layout) == authority.subject:
            raise PkiError(
                "it signed the server's certificate: run securechat ca renew-server first"
            )
        kept = [each for each in read_lists(layout).lists if each.authority != authority]
        if not kept:
            raise PkiError("there would be no revocation list left: run securechat cert renew-list")
        _replace(layout.revocations, RevocationLists(tuple(kept)).pem)
        trusted = [each for each in read_certificates(layout.authorities) if each != authority]
        _replace(layout.authorities, b"".join(map(to_pem, trusted)))
        layout.key_of(authority).unlink(missing_ok=True)


def move_root(layout: Layout, directory: Path) -> None:
    """Move the root's key to ``directory``, with a copy of its certificate.

    The key is removed here when it can be read back there.
    """
    there = Layout(directory)
    if not layout.root_key.exists():
        raise PkiError(f"{layout.root_key} is not there: the root's key is elsewhere already")
    contents = {
        there.root_key: read_private(layout.root_key),
        there.root_certificate: layout.root_certificate.read_bytes(),
    }
    if directory.exists() and directory.samefile(layout.directory):
        raise PkiError(f"{directory} is where the root's key is: name another place")
    # After an interruption they may be there already, whole.
    present = {path for path, content in contents.items() if _holds(path, content)}
    write_files({path: content for path, content in contents.items() if path not in present})
    if not all(_holds(path, content) for path, content in contents.items()):
        raise PkiError(f"{directory} does not keep what is written there: the key stays here")
    layout.root_key.unlink()
    sync_directory(layout.directory)


def pending_keys(layout: Layout) -> list[Path]:
    """Return the keys whose authority was not installed: requests that wait, or are given up."""
    known = {layout.key_of(authority) for authority in issuing_authorities(layout)}
    return [path for path in layout.issuing_keys if path not in known]


def _trust(layout: Layout, certificate: x509.Certificate) -> None:
    trusted = read_certificates(layout.authorities)
    if certificate not in trusted:
        _replace(layout.authorities, b"".join(map(to_pem, [*trusted, certificate])))


def _have_list(layout: Layout, issuing: Authority, now: datetime) -> None:
    # Where the file is lost, nobody whom an earlier authority certified gets in: who of
    # them was revoked, nobody knows.
    lists = read_lists(layout).lists if layout.revocations.exists() else ()
    if all(each.authority != issuing.certificate for each in lists):
        _replace(layout.revocations, RevocationLists((first_list(issuing, now), *lists)).pem)


def _replace(path: Path, content: bytes) -> None:
    if not _holds(path, content):
        write_files({path: content}, replace=True)


def _holds(path: Path, content: bytes) -> bool:
    return os.path.lexists(path) and path.read_bytes() == content
