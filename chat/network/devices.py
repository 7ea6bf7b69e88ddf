"""What an account remembers of its devices, by their certificates.

What identifies a device is its name within the account: its certificates follow one
another as they are renewed, and removing it removes all that are known.  A certificate
of another account, which ``identity = "any"`` lets in, is a device of its own: its name
here is the beginning of its fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from chat.network.certificate import Certificate
from chat.network.events import CertificatesRevoked, DeviceRemoved
from chat.network.ids import SessionId, Timestamp
from chat.network.records import AccountDevices, KnownCertificate, RecordKey

if TYPE_CHECKING:
    from chat.network.entities import Client
    from chat.network.state import Network

#: Digits of a fingerprint that are shown, and that suffice to name a certificate.
SHORT = 16
#: Milliseconds for which a certificate is remembered behind its end.
_REMEMBERED = 90 * 86_400_000


@frozen
class Device:
    """One device of an account; of its certificates the one that ends last comes last."""

    name: str
    certificates: tuple[KnownCertificate, ...]

    @property
    def latest(self) -> Certificate:
        """The certificate that ends last."""
        return self.certificates[-1].certificate

    @property
    def fingerprints(self) -> frozenset[str]:
        """The fingerprints of its certificates."""
        return frozenset(known.certificate.fingerprint for known in self.certificates)

    @property
    def first_seen(self) -> Timestamp:
        """When the account was used on it for the first time that is remembered."""
        return min(known.first_seen for known in self.certificates)

    @property
    def last_seen(self) -> Timestamp:
        """When one of its sessions began or ended last."""
        return max(known.last_seen for known in self.certificates)


def name_of(network: Network, account: str, certificate: Certificate) -> str:
    """Return how ``account`` calls the device that has ``certificate``."""
    if certificate.device is not None and _is_of(network, account, certificate):
        return certificate.device
    return certificate.fingerprint[:SHORT]


def of_account(network: Network, account: str) -> list[Device]:
    """Return the devices of an account in the order of their names, without those that are gone."""
    found: dict[str, list[KnownCertificate]] = {}
    for known in _known(network, account).values():
        if not known.is_gone:
            name = network.fold(name_of(network, account, known.certificate))
            found.setdefault(name, []).append(known)
    devices = []
    for _, group in sorted(found.items()):
        group.sort(key=lambda known: known.certificate.expires)
        name = name_of(network, account, group[-1].certificate)
        devices.append(Device(name, tuple(group)))
    return devices


def sessions(
    network: Network, account: str, fingerprints: Collection[str]
) -> dict[Client, list[SessionId]]:
    """Return the sessions on these certificates that concern ``account``, by their client.

    They speak for the account, or their certificate names it.
    """
    found: dict[Client, list[SessionId]] = {}
    owner = network.fold(account)
    for client in network.clients.values():
        is_own = client.account is not None and network.fold(client.account) == owner
        for session, certificate in client.sessions.items():
            if certificate.fingerprint in fingerprints and (
                is_own or _is_of(network, account, certificate)
            ):
                found.setdefault(client, []).append(session)
    return found


def refusal(network: Network, certificate: Certificate, account: str | None) -> str | None:
    """Return why ``certificate`` lets nobody in, for ``account`` or at all, where it does not.

    What the account that it names has removed, and what the authority revoked, is refused
    whatever it is used for.
    """
    for owner in (certificate.account, account):
        if owner is not None:
            known = _known(network, owner).get(certificate.fingerprint)
            if known is not None and known.removed_by is not None:
                return _why(owner, known.removed_by)
            if known is not None and known.revoked is not None:
                return revoked_words(known.revoked)
    return None


def gone(network: Network, *accounts: str) -> frozenset[str]:
    """Return the fingerprints of the certificates of accounts that let nobody in any more."""
    return frozenset(
        fingerprint
        for account in accounts
        for fingerprint, known in _known(network, account).items()
        if known.is_gone
    )


def absent_since(network: Network, client: Client, certificate: Certificate) -> Timestamp | None:
    """Return since when the device that has ``certificate`` is gone; ``None`` where it is not.

    One that is not known misses what was said while none of the client's was connected.
    """
    account = client.account or ""
    name = network.fold(name_of(network, account, certificate))
    here = {each.fingerprint for each in client.sessions.values()}
    for device in of_account(network, account):
        if network.fold(device.name) == name:
            return None if device.fingerprints & here else device.last_seen
    return None if here else client.seen


def superfluous(
    network: Network, account: str, certificate: Certificate, now: Timestamp, limit: int
) -> tuple[str, ...]:
    """Return the fingerprints to forget when ``account`` is used with ``certificate``.

    They are of certificates that have ended: of those that are gone, of those that this one
    follows, and of those that ended long ago.  Where more than ``limit`` are left, it
    is the expired ones first, then who is not here, then who was seen longest ago.
    One that is gone and has not ended is never forgotten: it would let somebody in again.
    """
    name = network.fold(name_of(network, account, certificate))
    gone: set[str] = set()
    left: list[KnownCertificate] = []
    for fingerprint, known in _known(network, account).items():
        if fingerprint == certificate.fingerprint:
            continue
        end = known.certificate.expires
        follows = network.fold(name_of(network, account, known.certificate)) == name
        if end <= now and (known.is_gone or follows or now - end > _REMEMBERED):
            gone.add(fingerprint)
        elif not known.is_gone:
            left.append(known)
    excess = len(left) + 1 - limit
    if excess > 0:
        here = _connected(network, account, left)
        left.sort(
            key=lambda known: (
                known.certificate.expires > now,
                known.certificate.fingerprint in here,
                known.last_seen,
            )
        )
        gone.update(known.certificate.fingerprint for known in left[:excess])
    return tuple(sorted(gone))


def revoked_words(reason: str) -> str:
    """Return what somebody is told whose certificate is revoked, for a list's reason in words."""
    return "Your certificate was revoked" + (f" ({reason})" if reason else "")


def removed(network: Network, now: Timestamp) -> Iterator[Certificate]:
    """Yield the certificates that the accounts that they name have removed, until they end."""
    for account, certificates in network.devices.items():
        for known in certificates.values():
            certificate = known.certificate
            if (
                known.removed_by is not None
                and certificate.expires > now
                and _is_of(network, account, certificate)
            ):
                yield certificate


def revocations(
    network: Network, reason_of: Callable[[Certificate], str | None], now: Timestamp, note: str
) -> Iterator[CertificatesRevoked]:
    """Yield what there is to tell of certificates that ``reason_of`` says are revoked.

    Those that are known to be, and those of devices that their owners removed, are
    nothing new to anybody.
    """
    for account, certificates in network.devices.items():
        found: dict[str, list[Certificate]] = {}
        for known in certificates.values():
            reason = None if known.is_gone else reason_of(known.certificate)
            if reason is not None:
                found.setdefault(reason, []).append(known.certificate)
        if not found:
            continue
        revoked = {each.fingerprint for group in found.values() for each in group}
        left = {
            network.fold(name_of(network, account, known.certificate))
            for known in certificates.values()
            if not known.is_gone
            and known.certificate.expires > now
            and known.certificate.fingerprint not in revoked
        }
        for reason, group in found.items():
            shown = next((each.account for each in group if _is_of(network, account, each)), None)
            names = {name_of(network, account, each) for each in group}
            gone = tuple(sorted(name for name in names if network.fold(name) not in left))
            yield CertificatesRevoked(shown or account, gone, tuple(group), reason, note)


# What the branches use


def used(
    network: Network, account: str | None, certificate: Certificate, host: str, time: Timestamp
) -> None:
    """Remember that a session from ``host`` speaks for ``account`` from ``time`` on."""
    if account is None or not certificate.fingerprint:
        return
    known = _known(network, account)
    before = known.get(certificate.fingerprint)
    if before is None or not before.is_gone:
        name = network.fold(name_of(network, account, certificate))
        first = [
            device.first_seen
            for device in of_account(network, account)
            if network.fold(device.name) == name
        ]
        fresh = KnownCertificate(certificate, min([time, *first]), time, time, host)
        _keep(network, account, {**known, certificate.fingerprint: fresh})


def seen(network: Network, account: str | None, fingerprint: str, time: Timestamp) -> None:
    """Remember that a session with that certificate was there until ``time``."""
    known = _known(network, account) if account is not None else {}
    before = known.get(fingerprint)
    if account is not None and before is not None:
        after = evolve(before, last_seen=max(time, before.last_seen))
        _keep(network, account, {**known, fingerprint: after})


def remove(network: Network, event: DeviceRemoved, time: Timestamp) -> str:
    """Refuse the certificates of a device from now on, and return why its sessions end."""
    known = dict(_known(network, event.account))
    for certificate in event.certificates:
        fresh = KnownCertificate(certificate, time, time, time)
        before = known.get(certificate.fingerprint, fresh)
        known[certificate.fingerprint] = evolve(before, removed_by=event.by)
    _keep(network, event.account, known)
    return _why(event.account, event.by)


def revoke(network: Network, event: CertificatesRevoked, time: Timestamp) -> bool:
    """Refuse revoked certificates from now on, and return whether any was not refused before."""
    known = dict(_known(network, event.account))
    is_news = False
    for certificate in event.certificates:
        fresh = KnownCertificate(certificate, time, time, time)
        before = known.get(certificate.fingerprint, fresh)
        is_news = is_news or not before.is_gone
        known[certificate.fingerprint] = evolve(before, revoked=event.reason)
    _keep(network, event.account, known)
    return is_news


def forget(network: Network, account: str, fingerprints: Collection[str]) -> None:
    """Remember nothing of these certificates."""
    known = _known(network, account)
    _keep(
        network,
        account,
        {name: each for name, each in known.items() if name not in fingerprints},
    )


def account_removed(network: Network, account: str) -> None:
    """Remember nothing of an account's devices but which were removed, and let nobody in.

    A new account of that name has none of them; a certificate still names it, though.
    """
    known = _known(network, account)
    kept = {name: each for name, each in known.items() if each.removed_by is not None}
    _keep(network, account, kept)


def _known(network: Network, account: str) -> dict[str, KnownCertificate]:
    return network.devices.get(network.fold(account), {})


def _keep(network: Network, account: str, known: dict[str, KnownCertificate]) -> None:
    owner = network.fold(account)
    network.devices[owner] = known
    if not known:
        del network.devices[owner]
    network.touch([RecordKey(AccountDevices, owner)])


def _is_of(network: Network, account: str, certificate: Certificate) -> bool:
    named = certificate.account
    return named is not None and network.fold(named) == network.fold(account)


def _connected(network: Network, account: str, known: Collection[KnownCertificate]) -> set[str]:
    fingerprints = {each.certificate.fingerprint for each in known}
    return {
        client.sessions[session].fingerprint
        for client, found in sessions(network, account, fingerprints).items()
        for session in found
    }


def _why(account: str, by: str) -> str:
    return f"This device was removed from the account {account} by {by}"
