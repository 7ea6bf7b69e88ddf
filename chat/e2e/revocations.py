"""The authority's revocation lists, of which the newest ever seen counts.

A server that serves an old list again, or one of another authority, is refused.  Where a
list was seen once and none is in date any more, who is revoked is not known: then nothing
is encrypted until a new one comes.  Source: RFC 5280, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from chat.e2e.vault import Vault
from chat.pki.authority import key_id
from chat.pki.errors import RevocationError
from chat.pki.revocation import RevocationList

_KIND = "revocations"
_END = b"-----END X509 CRL-----"


class Revocations:
    """The lists in force, by authority."""

    def __init__(self, vault: Vault, authorities: Callable[[], Iterable[x509.Certificate]]) -> None:
        self._vault = vault
        self._authorities = authorities
        self._lists: dict[str, RevocationList] = {}
        for name, kept in vault.items(_KIND):
            signer = x509.load_pem_x509_certificate(kept["authority"].encode())
            self._lists[name] = RevocationList.parse(kept["list"].encode(), [signer])

    def take(self, pem: bytes, now: datetime) -> tuple[list[str], bool]:
        """Take the lists in ``pem``; return what is wrong with any, and whether one is new."""
        wrong, has_new = [], False
        blocks = [block + _END for block in pem.split(_END) if block.strip()]
        for block in blocks or [pem]:
            try:
                found = RevocationList.parse(block, list(self._authorities()))
                name = key_id(found.authority).hex()
                known = self._lists.get(name)
                found.check(now, known)
            except RevocationError as error:
                wrong.append(str(error))
                continue
            if known is not None and known.number == found.number:
                continue
            self._lists[name] = found
            has_new = True
            authority = found.authority.public_bytes(Encoding.PEM).decode()
            self._vault.put(_KIND, name, {"list": found.pem.decode(), "authority": authority})
        return wrong, has_new

    def revokes(self, certificate: x509.Certificate) -> bool:
        """Return whether a certificate is on the list of its issuer."""
        return self.revokes_serial(certificate.issuer.rfc4514_string(), certificate.serial_number)

    def revokes_serial(self, issuer: str, serial: int) -> bool:
        """Return whether an issuer's list has a serial number."""
        return any(
            each.issuer == issuer and serial in each.serials for each in self._lists.values()
        )

    def is_stale(self, now: datetime) -> bool:
        """Return whether lists were seen, and none of them is in date."""
        return bool(self._lists) and not any(each.is_in_date(now) for each in self._lists.values())
