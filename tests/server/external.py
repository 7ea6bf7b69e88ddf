"""An organisation's own authority, as other software makes one: RSA, other lifetimes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from attrs import define
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chat.pki.bundles import DeviceFiles, to_pem
from chat.pki.files import write_files
from tests.pki.networks import ALICE, now

_START = timedelta(hours=1)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@define
class ExternalAuthority:
    """One tier: its root signs everything, with serial numbers from 1."""

    name: str
    directory: Path
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    serial: int = 1
    number: int = 0

    @classmethod
    def make(cls, name: str, directory: Path) -> ExternalAuthority:
        key = rsa.generate_private_key(65537, 2048)
        subject = _name(name)
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), 1)
            .not_valid_before(now() - _START)
            .not_valid_after(now() + timedelta(days=365))
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, SHA384())
        )
        return cls(name, directory, key, certificate)

    def sign(
        self,
        subject: str,
        alternative: x509.GeneralName,
        purpose: x509.ObjectIdentifier,
    ) -> tuple[x509.Certificate, bytes]:
        """Return a certificate, and its key as PEM."""
        key = rsa.generate_private_key(65537, 2048)
        self.serial += 1
        certificate = (
            x509.CertificateBuilder(
                self.certificate.subject, _name(subject), key.public_key(), self.serial
            )
            .not_valid_before(now() - _START)
            .not_valid_after(now() + timedelta(days=30))
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(self.key, SHA384())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate, pem

    def server(self) -> tuple[bytes, bytes]:
        """Return a server's certificate and key."""
        certificate, key = self.sign(
            "server", x509.DNSName("localhost"), ExtendedKeyUsageOID.SERVER_AUTH
        )
        return to_pem(certificate), key

    def device(self, uri: str = ALICE.uri) -> tuple[DeviceFiles, int]:
        """Return a device's files, and its serial number."""
        certificate, key = self.sign(
            "alice", x509.UniformResourceIdentifier(uri), ExtendedKeyUsageOID.CLIENT_AUTH
        )
        files = DeviceFiles(self.directory / f"{self.name}-{self.serial}", ALICE)
        write_files({files.combined: to_pem(certificate) + key})
        return files, certificate.serial_number

    def list(self, *serials: int, issued: timedelta = _START) -> bytes:
        """Return the next revocation list, valid for 30 days."""
        self.number += 1
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now() - issued)
            .next_update(now() - issued + timedelta(days=30))
            .add_extension(x509.CRLNumber(self.number), critical=False)
        )
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now())
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, SHA384()).public_bytes(Encoding.PEM)
