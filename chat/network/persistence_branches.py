"""How it changes which accounts' clients are kept without a session.

One function for each event: total, and without policy.  What is kept must be the
same after a replay, which knows only stored events: so none of these functions
lets a client decide that is not kept, and a kept one has its nickname before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve

from chat.network import devices, directory_branches, endings, events
from chat.network.changes import Change
from chat.network.events import Entry, Event
from chat.network.records import (
    AccountMetadata,
    ChannelRecord,
    Persistence,
    ReadMarkers,
    RecordKey,
)

if TYPE_CHECKING:
    from chat.network.state import Network


def _client_kept(network: Network, entry: Entry, event: events.ClientKept) -> Iterator[Change]:
    record = event.client
    if network.fold(record.name) in network.kept:
        return
    client = network.clients.get(record.client)
    if client is not None and client.account == record.name:
        client.is_kept, client.seen = True, entry.time
        network.kept[network.fold(record.name)] = client
        network.touch_client(client)
        network.touch(RecordKey(ChannelRecord, name) for name in client.channels)
        return
    # A replay: it did not know the client before.
    holder = network.client(record.nick)
    if holder is not None and holder.is_kept:
        return
    if holder is not None:
        yield from endings.give_way(network, holder, entry.time)
    network.revive(evolve(record, seen=entry.time, sessions={}))


def _client_released(
    network: Network, entry: Entry, event: events.ClientReleased
) -> Iterator[Change]:
    client = network.clients.get(event.client)
    if client is None or not client.is_kept:
        return
    network.release(client)
    if not client.sessions:
        yield from endings.leave(network, client, event.reason, entry.time)


def _persistence_changed(
    network: Network, entry: Entry, event: events.PersistenceChanged
) -> Iterator[Change]:
    account = network.fold(event.account)
    if event.wish is None:
        network.wishes.pop(account, None)
    else:
        network.wishes[account] = event.wish
    network.touch([RecordKey(Persistence, account)])
    own = (
        client
        for client in network.clients.values()
        if client.account is not None and network.fold(client.account) == account
    )
    yield Change(event, network.sessions_of(own))


def _account_removed(
    network: Network, entry: Entry, event: events.AccountRemoved
) -> Iterator[Change]:
    account = network.fold(event.account)
    yield from directory_branches.changed(network, event.account)
    for client in list(network.clients.values()):
        if client.account is not None and network.fold(client.account) == account:
            yield from endings.close(network, client, "The account was removed", entry.time)
    devices.account_removed(network, event.account)
    for name, channel in network.channels.items():
        for owner in [each for each in channel.ranks if network.fold(each) == account]:
            del channel.ranks[owner]
            network.touch([RecordKey(ChannelRecord, name)])
    network.wishes.pop(account, None)
    network.markers.pop(account, None)
    network.metadata.pop(account, None)
    network.touch(RecordKey(kind, account) for kind in (Persistence, ReadMarkers, AccountMetadata))


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.ClientKept: _client_kept,
    events.ClientReleased: _client_released,
    events.PersistenceChanged: _persistence_changed,
    events.AccountRemoved: _account_removed,
}
