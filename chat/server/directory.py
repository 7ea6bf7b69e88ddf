"""The directory of end-to-end encryption in the server: its answers, and what leaves it.

The store does the work; here are the limits on claims, which last no longer than the
process, and the removal of what was published with certificates that are gone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from chat.features.e2e_queries import (
    Acknowledge,
    AddKeys,
    ClaimKey,
    CountKeys,
    DirectoryQuery,
    Publish,
    ReadBundles,
    ReadPayloads,
    ReadRevocations,
    SendPayload,
)
from chat.irc.casemap import ascii_fold
from chat.network import devices
from chat.network.directory import Bundle, Claim, DeviceName, NotClaimed
from chat.network.ids import Timestamp
from chat.network.state import Network
from chat.store.interfaces import IAccounts, IDirectory, IQueues, UnavailableError

_log = Logger()

_MINUTE = 60.0
_DAY = 86_400_000
#: Milliseconds for which a bundle stays behind the end of its certificate, which may be renewed.
_KEPT = 90 * _DAY


class Claims:
    """How often keys were claimed in the last minute; times in seconds of any one clock."""

    def __init__(self) -> None:
        #: By claimant, who claimed last comes last: when, and of which device, oldest first.
        self._made: dict[DeviceName, deque[tuple[float, DeviceName]]] = {}

    def allow(
        self, claimant: DeviceName, device: DeviceName, in_all: int, of_device: int, now: float
    ) -> bool:
        """Count a claim and return ``True``, or return that there were too many already."""
        claimant, device = claimant.folded(), device.folded()
        self._forget(now - _MINUTE)
        made = self._made.get(claimant, deque())
        while made and made[0][0] <= now - _MINUTE:
            made.popleft()
        of_this = sum(other == device for _, other in made)
        if len(made) >= in_all or of_this >= of_device:
            return False
        made.append((now, device))
        self._made.pop(claimant, None)
        self._made[claimant] = made
        return True

    def _forget(self, before: float) -> None:
        """Forget those who claimed nothing since."""
        while self._made:
            claimant, made = next(iter(self._made.items()))
            if made and made[-1][0] > before:
                return
            del self._made[claimant]


@frozen
class Directory:
    """Answers E2E; `sweep` is called at the start, every hour, and when certificates are gone."""

    network: Network
    store: IDirectory
    queues: IQueues
    accounts: IAccounts
    seconds: Callable[[], float]
    #: Returns the revocation lists in force, as PEM.
    revocations: Callable[[], bytes]
    claims: Claims = field(factory=Claims)

    def ask(self, query: DirectoryQuery) -> Deferred[Any]:
        """Return the answer; it fails with `UnavailableError`."""
        match query:
            case Publish():
                return self.store.publish(query.bundle, query.gone, query.now)
            case ReadBundles():
                return self.store.bundles(query.accounts, query.gone)
            case AddKeys():
                return self.store.add_keys(
                    query.device, query.keys, query.limit, query.gone, query.now
                )
            case CountKeys():
                return self.store.count_keys(query.device, query.gone)
            case ClaimKey():
                return self._claim(query)
            case SendPayload():
                return self.queues.send(
                    query.receiver,
                    query.sender,
                    query.id,
                    query.data,
                    query.gone,
                    query.limits,
                    query.now,
                )
            case ReadPayloads():
                return self.queues.read(
                    query.receiver, query.gone, query.after, query.since, query.room
                )
            case ReadRevocations():
                return succeed(self.revocations())
            case Acknowledge():
                return self.queues.acknowledge(query.receiver, query.position)
        raise TypeError(query)

    def _claim(self, query: ClaimKey) -> Deferred[Claim | NotClaimed]:
        allowed = self.claims.allow(
            query.claimant, query.device, query.in_all, query.of_device, self.seconds()
        )
        if not allowed:
            return succeed(NotClaimed.RATE_LIMITED)
        claimed = self.store.claim(query.device, query.gone, query.now)
        return claimed.addCallback(lambda claim: claim or NotClaimed.UNKNOWN_DEVICE)

    def sweep_soon(self) -> None:
        """Begin a `sweep`: certificates are gone."""
        swept = Deferred.fromCoroutine(self.sweep(Timestamp(time.time_ns() // 1_000_000)))
        swept.addErrback(lambda failure: _log.failure("A sweep of the directory", failure))

    async def sweep(self, now: Timestamp) -> None:
        """Remove the devices whose certificate is revoked or removed, or ended long ago.

        And those whose account is not there.  Nobody is told: they were not shown before.
        """
        try:
            there = {ascii_fold(account.name) for account in await self.accounts.all()}
            for bundle in await self.store.all():
                if self._is_over(bundle, now, there):
                    await self.store.remove(bundle.device, bundle.certificate)
                    _log.info("The encryption keys of {device} are gone", device=bundle.device)
        except UnavailableError as error:
            _log.warn("Encryption keys of devices that are gone stay for now: {why}", why=error)

    def _is_over(self, bundle: Bundle, now: Timestamp, there: set[str]) -> bool:
        account = bundle.device.account
        return (
            bundle.certificate in devices.gone(self.network, account)
            or 0 < bundle.expires < now - _KEPT
            or ascii_fold(account) not in there
        )

    async def prune(self, before: Timestamp) -> None:
        """Delete the payloads for which nobody came in time."""
        try:
            await self.queues.prune(before)
        except UnavailableError as error:
            _log.warn("Old payloads of absent devices stay for now: {why}", why=error)
