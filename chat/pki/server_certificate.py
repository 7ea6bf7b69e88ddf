"""The server's own certificate, renewed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from chat.pki.authority import SERVER_LIFETIME, Authority, issue_server, new_key
from chat.pki.bundles import to_pem
from chat.pki.errors import PkiError
from chat.pki.files import read_certificates, read_private, read_server_key, write_files
from chat.pki.keys import encode_key
from chat.pki.layout import Layout
from chat.pki.records import host_names


def server_issuer(layout: Layout) -> x509.Name:
    """Return who signed the server's certificate."""
    return read_certificates(layout.server_certificate)[0].issuer


def renew_server(
    layout: Layout,
    issuing: Authority,
    now: datetime,
    *,
    hosts: Sequence[str] = (),
    replace_key: bool = False,
    lifetime: timedelta = SERVER_LIFETIME,
) -> x509.Certificate:
    """Put a new certificate for the server in place of the old one, and return it.

    It is for ``hosts``, by default those of the old one, and for the key that is
    there unless ``replace_key``.  Interrupted at any point, certificate and key fit:
    until the new certificate is there, the key's file holds both keys.
    """
    if not hosts:
        if not layout.server_certificate.exists():
            raise PkiError(f"there is no {layout.server_certificate} to renew: give --host")
        hosts = host_names(read_certificates(layout.server_certificate)[0])
    if replace_key:
        key = new_key()
        old = read_private(layout.server_key) if layout.server_key.exists() else b""
        certificate = issue_server(issuing, key.public_key(), hosts, now, lifetime)
        new = encode_key(key, None)
        write_files({layout.server_key: new + old}, replace=True)
        _put(layout, certificate, issuing)
        write_files({layout.server_key: new}, replace=True)
        return certificate
    if not layout.server_key.exists():
        raise PkiError(f"{layout.server_key} is not there: restore it, or make one with --new-key")
    old_certificate = read_certificates(layout.server_certificate)[0]
    public_key = read_server_key(layout.server_key, old_certificate).public_key()
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise PkiError(f"{layout.server_key} is not an ECDSA key: make one with --new-key")
    certificate = issue_server(issuing, public_key, hosts, now, lifetime)
    _put(layout, certificate, issuing)
    return certificate


def _put(layout: Layout, certificate: x509.Certificate, issuing: Authority) -> None:
    """Put the certificate in force; its record is there before anybody sees it."""
    pem = to_pem(certificate)
    write_files({layout.record(certificate): pem})
    write_files({layout.server_certificate: pem + to_pem(issuing.certificate)}, replace=True)
