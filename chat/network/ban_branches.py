"""How clients and devices are shut out: KILL, bans from the network, removed and revoked devices.

One function for each event: total, and without policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chat.network import bans, devices, directory_branches, endings, events
from chat.network.changes import Change, MemberRevoked
from chat.network.events import Entry, Event
from chat.network.records import NetworkBan

if TYPE_CHECKING:
    from chat.network.state import Network


def _killed(network: Network, entry: Entry, event: events.Killed) -> Iterator[Change]:
    client = network.clients.get(event.client)
    if client is None:
        return
    by = event.actor.source.partition("!")[0]
    yield from endings.close(network, client, f"Killed ({by} ({event.reason}))", entry.time)


def _network_banned(
    network: Network, entry: Entry, event: events.NetworkBanned
) -> Iterator[Change]:
    mask = network.fold(event.mask)
    ban = NetworkBan(event.mask, event.reason, event.actor.source, entry.time, event.expires)
    network.bans[mask] = ban
    network.touch([network.key_of(ban)])
    for client in list(network.clients.values()):
        if client.id != event.actor.client and bans.matches_client(ban, client):
            yield from endings.close(network, client, f"Banned: {event.reason}", entry.time)


def _network_unbanned(
    network: Network, entry: Entry, event: events.NetworkUnbanned
) -> Iterator[Change]:
    ban = network.bans.pop(network.fold(event.mask), None)
    if ban is not None:
        network.touch([network.key_of(ban)])
    return iter(())


def _device_removed(
    network: Network, entry: Entry, event: events.DeviceRemoved
) -> Iterator[Change]:
    reason = devices.remove(network, event, entry.time)
    fingerprints = {certificate.fingerprint for certificate in event.certificates}
    ending = devices.sessions(network, event.account, fingerprints)
    if entry.origin is not None:
        # Who removes the device in use is told at once: its responses end with it.
        is_own = any(entry.origin in sessions for sessions in ending.values())
        yield Change(event, (entry.origin,), is_delivery=is_own)
    # Before who shares a channel with the account can no longer be known.
    yield from directory_branches.changed(network, event.account)
    for client, sessions in ending.items():
        yield from endings.shut_out(network, client, sessions, reason, entry.time)


def _certificates_revoked(
    network: Network, entry: Entry, event: events.CertificatesRevoked
) -> Iterator[Change]:
    if not devices.revoke(network, event, entry.time):
        return  # told before
    account = network.fold(event.account)
    told: set[str] = set()
    for client in network.clients.values():
        if client.account is None or network.fold(client.account) != account or not event.devices:
            continue
        for name, channel in client.channels.items():
            if name not in told:
                told.add(name)
                yield Change(MemberRevoked(channel.name, event), network.witnesses(client, channel))
    yield from directory_branches.changed(network, event.account)
    fingerprints = {certificate.fingerprint for certificate in event.certificates}
    reason = devices.revoked_words(event.reason)
    for client, sessions in devices.sessions(network, event.account, fingerprints).items():
        yield from endings.shut_out(network, client, sessions, reason, entry.time)


def _devices_forgotten(
    network: Network, entry: Entry, event: events.DevicesForgotten
) -> Iterator[Change]:
    devices.forget(network, event.account, event.fingerprints)
    return iter(())


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.Killed: _killed,
    events.NetworkBanned: _network_banned,
    events.NetworkUnbanned: _network_unbanned,
    events.DeviceRemoved: _device_removed,
    events.CertificatesRevoked: _certificates_revoked,
    events.DevicesForgotten: _devices_forgotten,
}
