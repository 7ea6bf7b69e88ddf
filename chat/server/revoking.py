"""Certificates that are revoked from within the network, where the server can sign.

An operator does it with REVOKE; a device that its owner removed is revoked too, so that
TLS refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from attrs import frozen
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import ReasonFlags
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from chat.features.feature import RevokeCertificates
from chat.irc.message import first_word
from chat.irc.standard_replies import fail
from chat.network import devices
from chat.network.events import DeviceRemoved
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.state import Network
from chat.pki.authority import BACKDATED, Identity
from chat.pki.errors import PkiError
from chat.pki.records import Record, find_devices
from chat.pki.revocation import REASONS, RevocationLists
from chat.server.authority import IssuingAuthority, LockedError

_log = Logger()


@frozen
class Revoking:
    """Revokes; ``take`` then takes the lists into use, with a note for the rooms."""

    network: Network
    issuing: IssuingAuthority
    #: The lists in force.
    lists: Callable[[], RevocationLists]
    take: Callable[[str], None]

    async def ask(self, query: RevokeCertificates) -> tuple[str, ...]:
        """Answer REVOKE."""
        word, _, rest = query.reason.partition(" ")
        reason, note = ReasonFlags.unspecified, query.reason
        if word.lower() in REASONS:
            reason, note = REASONS[word.lower()], rest.strip()
        shown = first_word(query.name)
        if not self.issuing.is_here:
            raise _cannot_sign(shown)
        try:
            issued = await self.issuing.records()
            found = await deferToThread(find_devices, issued, query.name)
        except LockedError as error:
            raise _cannot_sign(shown) from error
        except PkiError as error:
            raise RefusedError(
                fail("REVOKE", "NO_SUCH_CERTIFICATE", shown, text=str(error))
            ) from error
        try:
            revoked = await self.issuing.revoke(found, reason)
            if revoked.records:
                self.take(note)
        except LockedError as error:
            raise _cannot_sign(shown) from error
        except (PkiError, OSError) as error:
            text = f"The list is signed, and not in use: {error}"
            raise RefusedError(fail("REVOKE", "NOT_IN_USE", shown, text=text)) from error
        if revoked.unlisted:
            text = (
                f"{len(revoked.unlisted)} certificates still get in: the key of their authority is"
                " not here; securechat ca retire --force locks out all that it signed"
            )
            raise RefusedError(fail("REVOKE", "CANNOT_SIGN", shown, text=text))
        if not revoked.records:
            text = f"None of the {len(found)} certificates gets in any more"
            raise RefusedError(fail("REVOKE", "NOTHING_TO_DO", shown, text=text))
        return tuple(record.holder for record in revoked.records)

    async def removed(self, event: DeviceRemoved) -> None:
        """Revoke what a device had when it was removed, also what it never used."""
        identities = {
            Identity(each.account, each.device)
            for each in event.certificates
            if each.account is not None
            and each.device is not None
            # A program removes one certificate, and not the device.
            and not event.request
            and self.network.fold(each.account) == self.network.fold(event.account)
        }
        await self._revoke(identities)

    async def catch_up(self) -> None:
        """Revoke the certificates of removed devices that could not be revoked before."""
        await self._revoke(set())

    async def _revoke(self, identities: set[Identity]) -> None:
        begun = datetime.now(UTC)
        now = Timestamp(int(begun.timestamp() * 1000))
        removed = {
            each.fingerprint
            for each in devices.removed(self.network, now)
            if each.serial and self.lists().reason(each.issuer, int(each.serial, 16)) is None
        }
        if not (removed or identities) or not self.issuing.is_here:
            return

        def is_wanted(record: Record) -> bool:
            # What was issued since then is for who brings the device back.
            if record.identity in identities:
                return record.certificate.not_valid_before_utc + BACKDATED <= begun
            return record.certificate.fingerprint(SHA256()).hex() in removed

        try:
            issued = await self.issuing.records()
            found = [record for record in issued if is_wanted(record)]
            revoked = await self.issuing.revoke(found, ReasonFlags.cessation_of_operation)
            if revoked.records:
                self.take("")
        except LockedError:
            return  # the log has why, and the login refuses them
        except (PkiError, OSError) as error:
            _log.error("The list with removed devices is not in use: {why}", why=error)


def _cannot_sign(name: str) -> RefusedError:
    text = (
        "This server cannot sign the revocation list: run securechat revoke where the key of the"
        " issuing authority is, or give the server its passphrase ([authority] passphrase_file)"
    )
    return RefusedError(fail("REVOKE", "CANNOT_SIGN", name, text=text))
