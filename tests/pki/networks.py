"""Networks to test with: their keys in a directory, their devices in files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from chat.pki.authority import Authority, Identity, issue_device, new_key
from chat.pki.bundles import DeviceFiles, network_files, to_pem
from chat.pki.files import read_authority, read_certificates, read_issuing, write_files
from chat.pki.layout import Layout
from chat.pki.lists import read_lists
from chat.pki.revocation import Revocation, RevocationLists, next_list

ALICE = Identity("alice", "laptop")


def now() -> datetime:
    return datetime.now(UTC)


@frozen
class Network:
    """A network in a directory of its own, with unencrypted keys."""

    layout: Layout

    @classmethod
    def make(cls, directory: Path, name: str = "Testnet", at: datetime | None = None) -> Network:
        layout = Layout(directory)
        hosts = ["localhost", "127.0.0.1", "::1"]
        write_files(network_files(layout, name, hosts, None, at or now()))
        return cls(layout)

    @property
    def issuing(self) -> Authority:
        return read_issuing(self.layout, None)

    @property
    def issuing_key(self) -> Path:
        return self.layout.key_of(self.issuing.certificate)

    @property
    def root(self) -> Authority:
        (certificate,) = read_certificates(self.layout.root_certificate)
        return read_authority(certificate, self.layout.root_key, None)

    def device(
        self,
        identity: Identity = ALICE,
        *,
        at: datetime | None = None,
        lifetime: timedelta = timedelta(days=30),
        issuing: Authority | None = None,
    ) -> DeviceFiles:
        """Issue a certificate and write its files to a directory of their own."""
        signer = issuing or self.issuing
        key = new_key()
        certificate = issue_device(signer, key.public_key(), identity, at or now(), lifetime)
        write_files({self.layout.record(certificate): to_pem(certificate)})
        return self.save(identity, certificate, key, signer.certificate)

    def certificate(self, identity: Identity = ALICE) -> x509.Certificate:
        """Return a certificate that is recorded, of a device without files."""
        certificate = issue_device(self.issuing, new_key().public_key(), identity, now())
        write_files({self.layout.record(certificate): to_pem(certificate)})
        return certificate

    def save(
        self,
        identity: Identity,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        chain: x509.Certificate,
    ) -> DeviceFiles:
        serial = f"{certificate.serial_number:x}"
        files = DeviceFiles(self.layout.directory / "devices" / serial, identity)
        write_files(files.contents(certificate, key, chain))
        return files

    def revoke(self, serial: int) -> None:
        """Put new lists in force on disk: ``serial`` is on each."""
        lists = read_lists(self.layout).lists
        revocation = Revocation(serial, now())
        renewed = []
        for each in lists:
            key = self.layout.key_of(each.authority)
            issuing = read_authority(each.authority, key, None)
            renewed.append(next_list(issuing, each, now(), [revocation]))
        pem = RevocationLists(tuple(renewed)).pem
        write_files({self.layout.revocations: pem}, replace=True)
