"""Which file of a directory of keys holds what."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from chat.pki.authority import short_key_id


@frozen
class Layout:
    """The names in a network's directory of keys; keys/README.md explains them."""

    directory: Path

    @property
    def root_certificate(self) -> Path:
        """What clients trust."""
        return self.directory / "root.crt"

    @property
    def root_key(self) -> Path:
        """Signs issuing authorities; used once in two years."""
        return self.directory / "root.key"

    @property
    def issuing_certificate(self) -> Path:
        """Of the issuing authority that signs now; the root signed it."""
        return self.directory / "issuing.crt"

    def key_of(self, issuing: x509.Certificate) -> Path:
        """Return where the key of an issuing authority is: written once, never moved."""
        return self.issuing_key(issuing.public_key())

    def issuing_key(self, public_key: CertificatePublicKeyTypes) -> Path:
        """Return where the private key is that belongs to ``public_key``."""
        return self.directory / f"issuing-{short_key_id(public_key)}.key"

    @property
    def issuing_keys(self) -> list[Path]:
        """The keys of all issuing authorities that were made here."""
        return sorted(self.directory.glob("issuing-*.key"))

    @property
    def authorities(self) -> Path:
        """The root and every issuing authority that is trusted still: whose clients get in."""
        return self.directory / "ca.crt"

    @property
    def server_certificate(self) -> Path:
        """The server's certificate and behind it the issuing authority's."""
        return self.directory / "server.crt"

    @property
    def server_key(self) -> Path:
        """Never encrypted: the server starts without a person.

        It holds the old and the new key while one takes the place of the other.
        """
        return self.directory / "server.key"

    @property
    def revocations(self) -> Path:
        """The revocation lists in force, one of each trusted issuing authority."""
        return self.directory / "revocations.pem"

    @property
    def issued(self) -> Path:
        """The directory of the copies of certificates that were issued."""
        return self.directory / "issued"

    @property
    def lock(self) -> Path:
        """Held while the lists or authorities change; empty."""
        return self.directory / ".lock"

    def record(self, certificate: x509.Certificate) -> Path:
        """Return where the copy of an issued certificate is kept, by its serial number."""
        return self.issued / f"{certificate.serial_number:040x}.crt"
