"""The server's part of the authority: it keeps the revocation lists fresh, and signs devices."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from chat.pki.authority import Authority, Identity, issue_device, title
from chat.pki.errors import PkiError, RevocationError
from chat.pki.files import read_certificates, read_issuing, write_files
from chat.pki.layout import Layout
from chat.pki.lists import lists_are_due, renew_lists
from chat.pki.passphrases import find_passphrase
from chat.pki.records import read_records
from chat.pki.revocation import RevocationLists
from chat.server.config import Config

_log = Logger()
T = TypeVar("T")

#: The age at which a list is signed anew.
_DUE = timedelta(days=1)


def renew_if_due(config: Config, now: datetime) -> bool:
    """Sign the revocation lists anew when one is a day old; return whether it was done.

    Needs the issuing authority's key in ``[authority] directory``, and blocks for
    about a second where that has a passphrase.  Where the authority is somebody
    else's, whoever runs it brings the lists: a late one is a `RevocationError`.
    Raises `PkiError` or `OSError`.
    """
    authority = config.authority
    if not authority.directory:
        _complain_when_late(config, now)
        return False
    layout = Layout(config.path(authority.directory))
    if not lists_are_due(layout, now, _DUE):
        return False
    renew_lists(layout, _passphrase(config), now)
    return True


def _complain_when_late(config: Config, now: datetime) -> None:
    path = config.path(config.tls.revocations)
    authorities = read_certificates(config.path(config.tls.authority))
    for each in RevocationLists.parse(path.read_bytes(), authorities).lists:
        if each.half_life_passed(now):
            raise RevocationError(
                f"{path}: the list of {title(each.authority.subject)} ends on"
                f" {each.ends:%Y-%m-%d %H:%M} UTC, and half of its time is over: bring its next"
                " one, and send the server SIGHUP"
            )


class LockedError(Exception):
    """The issuing key cannot be used; why is in the log, and nobody else's business."""


class IssuingAuthority:
    """Signs certificates of devices, in threads; the opened key stays in memory.

    Every method but `root_pem` raises `LockedError`.
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

    def _layout(self) -> Layout:
        config = self._config()
        return Layout(config.path(config.authority.directory))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            result: T = await deferToThread(work)
        except (PkiError, OSError) as error:
            _log.error("No certificate can be signed: {why}", why=error)
            raise LockedError from error
        return result

    def _read(self) -> Authority:
        return read_issuing(self._layout(), _passphrase(self._config()))

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


def _passphrase(config: Config) -> bytes | None:
    return find_passphrase(config.authority.passphrase_file, config.directory, os.environ)
