"""The server's part of the authority: it signs devices, and revokes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from chat.pki.authority import Authority, Identity, issue_device
from chat.pki.errors import PkiError
from chat.pki.files import read_issuing, write_files
from chat.pki.layout import Layout
from chat.pki.lists import Revoked, revoke
from chat.pki.passphrases import find_passphrase
from chat.pki.records import Record, read_records
from chat.server.config import Config

_log = Logger()
T = TypeVar("T")


class LockedError(Exception):
    """The issuing key cannot be used; why is in the log, and nobody else's business."""


class IssuingAuthority:
    """Signs certificates of devices and their revocations, in threads.

    The key stays opened in memory for the certificates.  Every method but `root_pem` raises
    `LockedError`.
    """

    def __init__(self, config: Callable[[], Config]) -> None:
        self._config = config
        self._authority: Authority | None = None

    @property
    def is_here(self) -> bool:
        """Whether the key is on this machine, whoever may open it."""
        return bool(self._config().authority.directory and self._layout().issuing_keys)

    def root_pem(self) -> str:
        """Return the root's certificate (read from disk: it is small)."""
        return self._layout().root_certificate.read_text()

    def forget(self) -> None:
        """Read the key again when it is needed next."""
        self._authority = None

    async def open(self) -> None:
        """Have the key at hand, which takes a second where it is encrypted."""
        if self._authority is None:
            self._authority = await self._in_thread(self._read)

    async def issue(
        self, identity: Identity, key: ec.EllipticCurvePublicKey
    ) -> tuple[x509.Certificate, str]:
        """Return a new certificate, recorded, and its PEM with the issuing authority's."""
        await self.open()
        return await self._in_thread(lambda: self._issue(identity, key))

    async def has_newer(self, identity: Identity, certificate: x509.Certificate) -> bool:
        """Return whether the device was issued a certificate after ``certificate`` was over."""
        return await self._in_thread(lambda: self._has_newer(identity, certificate))

    async def records(self) -> list[Record]:
        """Return what was issued."""
        return await self._in_thread(lambda: read_records(self._layout())[0])

    async def revoke(self, records: Sequence[Record], reason: x509.ReasonFlags) -> Revoked:
        """Put certificates on the lists of their issuers, as `chat.pki.lists.revoke` does."""
        return await self._in_thread(
            lambda: revoke(
                self._layout(), passphrase_of(self._config()), records, reason, datetime.now(UTC)
            )
        )

    @property
    def files(self) -> list[Path]:
        """What the opened key is read from."""
        if not self._config().authority.directory:
            return []
        return [self._layout().issuing_certificate, *self._layout().issuing_keys]

    def _layout(self) -> Layout:
        config = self._config()
        return Layout(config.path(config.authority.directory))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            result: T = await deferToThread(work)
        except (PkiError, OSError) as error:
            _log.error("Nothing can be signed: {why}", why=error)
            raise LockedError from error
        return result

    def _read(self) -> Authority:
        return read_issuing(self._layout(), passphrase_of(self._config()))

    def _issue(
        self, identity: Identity, key: ec.EllipticCurvePublicKey
    ) -> tuple[x509.Certificate, str]:
        issuing = self._authority or self._read()
        lifetime = timedelta(days=self._config().authority.device_days)
        certificate = issue_device(issuing, key, identity, datetime.now(UTC), lifetime)
        pem = certificate.public_bytes(Encoding.PEM)
        write_files({self._layout().record(certificate): pem})
        return certificate, (pem + issuing.certificate.public_bytes(Encoding.PEM)).decode()

    def _has_newer(self, identity: Identity, certificate: x509.Certificate) -> bool:
        records, _ = read_records(self._layout())
        end = certificate.not_valid_after_utc
        return any(
            record.identity == identity and record.certificate.not_valid_before_utc >= end
            for record in records
        )


def passphrase_of(config: Config) -> bytes | None:
    """Return what the server opens the authority's keys with."""
    return find_passphrase(config.authority.passphrase_file, config.directory, os.environ)
