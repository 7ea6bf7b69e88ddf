"""Which file of a directory of keys holds what."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from cryptography import x509


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
        """Signed by the root."""
        return self.directory / "issuing.crt"

    @property
    def issuing_key(self) -> Path:
        """Signs servers, devices and revocation lists."""
        return self.directory / "issuing.key"

    @property
    def authorities(self) -> Path:
        """Root and issuing authority: what the server checks clients against."""
        return self.directory / "ca.crt"

    @property
    def server_certificate(self) -> Path:
        """The server's certificate and behind it the issuing authority's."""
        return self.directory / "server.crt"

    @property
    def server_key(self) -> Path:
        """Never encrypted: the server starts without a person."""
        return self.directory / "server.key"

    @property
    def revocations(self) -> Path:
        """The revocation list in force."""
        return self.directory / "revocations.pem"

    def record(self, certificate: x509.Certificate) -> Path:
        """Return where the copy of an issued certificate is kept, by its serial number."""
        return self.directory / "issued" / f"{certificate.serial_number:040x}.crt"
