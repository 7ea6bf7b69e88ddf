"""What people are told of the directory of end-to-end encryption; the state has nothing of it.

One function for each event: total, and without policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chat.network import events
from chat.network.changes import BundlesChanged, Change, PayloadsWaiting
from chat.network.directory import DeviceName
from chat.network.events import Entry, Event
from chat.network.ids import SessionId

if TYPE_CHECKING:
    from chat.network.state import Network


def changed(network: Network, account: str, *, but: SessionId | None = None) -> Iterator[Change]:
    """Tell the account's sessions, and who shares a channel with it, that its bundles changed."""
    told: dict[SessionId, None] = {}
    for client in network.clients.values():
        if client.account is not None and network.fold(client.account) == network.fold(account):
            told.update(dict.fromkeys(network.peers(client)))
    if but is not None:
        told.pop(but, None)
    if told:
        # Also who did it: its other devices are not what they were.
        yield Change(BundlesChanged(account), tuple(told), is_delivery=True)


def sessions_of(network: Network, account: str, device: str) -> tuple[SessionId, ...]:
    """Return the sessions with a certificate of the device."""
    wanted = DeviceName(account, device).folded()
    return tuple(
        session
        for client in network.clients.values()
        for session, certificate in client.sessions.items()
        if certificate.account is not None
        and certificate.device is not None
        and DeviceName(certificate.account, certificate.device).folded() == wanted
    )


def _bundle_published(
    network: Network, entry: Entry, event: events.BundlePublished
) -> Iterator[Change]:
    return changed(network, event.account, but=entry.origin)


def _payload_queued(
    network: Network, entry: Entry, event: events.PayloadQueued
) -> Iterator[Change]:
    yield Change(PayloadsWaiting(), sessions_of(network, event.account, event.device))


def _keys_ran_low(network: Network, entry: Entry, event: events.KeysRanLow) -> Iterator[Change]:
    sessions = sessions_of(network, event.account, event.device)
    yield Change(event, sessions, is_delivery=True)


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.BundlePublished: _bundle_published,
    events.PayloadQueued: _payload_queued,
    events.KeysRanLow: _keys_ran_low,
}
