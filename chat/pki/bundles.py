"""What a new network and a new device consist of, as files that are not yet written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from chat.pki.authority import (
    Authority,
    Identity,
    issue_server,
    make_issuing,
    make_root,
    new_key,
)
from chat.pki.keys import encode_key
from chat.pki.layout import Layout
from chat.pki.revocation import first_list


@frozen
class DeviceFiles:
    """Where the parts of a device's profile go: a directory and its names in it."""

    directory: Path
    identity: Identity

    def path(self, ending: str) -> Path:
        """Return ``directory/ACCOUNT-DEVICE`` with ``ending`` (``.key``)."""
        return self.directory / f"{self.identity.account}-{self.identity.device}{ending}"

    @property
    def combined(self) -> Path:
        """Certificates and key in one file."""
        return self.path(".pem")

    @property
    def authority(self) -> Path:
        """What the device trusts."""
        return self.directory / "ca.crt"

    def contents(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        issuing: x509.Certificate,
    ) -> dict[Path, bytes]:
        """Return key, certificate, and both in one file with the issuing authority.

        The certificate is the first in its file: WeeChat and irssi read no further.
        """
        private, own = encode_key(key, None), to_pem(certificate)
        return {
            self.path(".key"): private,
            self.path(".crt"): own,
            self.combined: own + to_pem(issuing) + private,
        }

    def authority_contents(self, root: x509.Certificate) -> dict[Path, bytes]:
        """Return the file with what the device trusts."""
        return {self.authority: to_pem(root)}


def network_files(
    layout: Layout,
    network: str,
    hosts: Sequence[str],
    passphrase: bytes | None,
    now: datetime,
    root_directory: Path | None = None,
) -> dict[Path, bytes]:
    """Return every file of a new network's directory of keys.

    The passphrase encrypts the keys of root and issuing authority (1.4 s in all).
    The root's key goes to ``root_directory``, with its certificate, if there is one.
    """
    root = make_root(network, now)
    issuing = make_issuing(root, now)
    server_key = new_key()
    server = issue_server(issuing, server_key.public_key(), hosts, now)
    root_pem, issuing_pem, server_pem = map(to_pem, (root.certificate, issuing.certificate, server))
    return {
        layout.root_certificate: root_pem,
        **root_files(Layout(root_directory or layout.directory), root, passphrase),
        layout.issuing_certificate: issuing_pem,
        layout.key_of(issuing.certificate): encode_key(issuing.key, passphrase),
        layout.authorities: root_pem + issuing_pem,
        layout.server_certificate: server_pem + issuing_pem,
        layout.server_key: encode_key(server_key, None),
        layout.revocations: first_list(issuing, now).pem,
        layout.record(server): server_pem,
    }


def root_files(layout: Layout, root: Authority, passphrase: bytes | None) -> dict[Path, bytes]:
    """Return what signing as the root needs: its key and its certificate."""
    return {
        layout.root_certificate: to_pem(root.certificate),
        layout.root_key: encode_key(root.key, passphrase),
    }


def to_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as a file holds it."""
    return certificate.public_bytes(Encoding.PEM)
