"""How metadata and subscriptions to it change, and who is told of what.

One function for each event: total, and without policy.
Source: https://ircv3.net/specs/extensions/metadata
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chat.network import events
from chat.network.changes import Change, MetadataSubscribed, MetadataUpdated, MetadataVisible
from chat.network.events import Entry, Event
from chat.network.ids import SessionId
from chat.network.records import AccountMetadata, ChannelRecord, RecordKey

if TYPE_CHECKING:
    from chat.network.entities import Channel, Client
    from chat.network.state import Network


def _metadata_changed(
    network: Network, entry: Entry, event: events.MetadataChanged
) -> Iterator[Change]:
    values = _values(network, event)
    if values is None:
        return
    changed = {key: value for key, value in event.values.items() if values.get(key) != value}
    for key, value in changed.items():
        if value is None:
            del values[key]
        else:
            values[key] = value
    _keep(network, event, values)
    # To a session that registers with what it had set, its welcome tells all.
    is_carried_over = entry.origin in network.unregistered and event.account is not None
    if entry.origin is not None and not is_carried_over:
        yield Change(event, (entry.origin,))
    for name, sessions in _audiences(network, event):
        others = [session for session in sessions if session != entry.origin]
        for key, value in changed.items():
            yield from _update(network, others, MetadataUpdated(name, key, value))


def _values(network: Network, event: events.MetadataChanged) -> dict[str, str] | None:
    """Return a copy of what is set there, ``None`` where nothing can be set any more."""
    if event.channel is not None:
        channel = network.channel(event.channel)
        return None if channel is None else dict(channel.metadata)
    if event.account is not None:
        return dict(network.metadata.get(network.fold(event.account), {}))
    if event.client is None:
        return None
    guest = network.clients.get(event.client)
    if guest is not None:
        is_there = guest.account is None
    else:
        is_there = SessionId(event.client) in network.unregistered
    return dict(network.metadata.get(event.client, {})) if is_there else None


def _keep(network: Network, event: events.MetadataChanged, values: dict[str, str]) -> None:
    channel = network.channel(event.channel) if event.channel is not None else None
    if channel is not None:
        channel.metadata = values
        network.touch([RecordKey(ChannelRecord, network.fold(channel.name))])
        return
    owner = network.fold(event.account) if event.account is not None else event.client
    if owner is None:
        return
    network.metadata[owner] = values
    if not values:
        del network.metadata[owner]
    if event.account is not None:
        network.touch([RecordKey(AccountMetadata, owner)])


def _audiences(
    network: Network, event: events.MetadataChanged
) -> Iterator[tuple[str, Iterable[SessionId]]]:
    """Yield the name of each that changed, and who sees it."""
    channel = network.channel(event.channel) if event.channel is not None else None
    if channel is not None:
        yield channel.name, network.audience(channel)
    elif event.account is not None:
        account = network.fold(event.account)
        for client in network.clients.values():
            if client.account is not None and network.fold(client.account) == account:
                yield client.nick, _watching(network, client)
    elif event.client in network.clients:
        guest = network.clients[event.client]
        yield guest.nick, _watching(network, guest)


def _watching(network: Network, client: Client) -> Iterable[SessionId]:
    return dict.fromkeys((*network.peers(client), *network.watchers.of(client.nick)))


def _update(
    network: Network, sessions: Iterable[SessionId], update: MetadataUpdated
) -> Iterator[Change]:
    subscribed = tuple(
        session for session in sessions if update.key in network.subscriptions.get(session, ())
    )
    if subscribed:
        yield Change(update, subscribed)


def _subscriptions_changed(
    network: Network, entry: Entry, event: events.SubscriptionsChanged
) -> Iterator[Change]:
    is_registered = event.session in network.sessions
    if not is_registered and event.session not in network.unregistered:
        return
    keys = network.subscriptions.setdefault(event.session, {})
    for key in event.removed:
        keys.pop(key, None)
    fresh = tuple(key for key in event.added if key not in keys)
    keys.update(dict.fromkeys(fresh))
    if not keys:
        del network.subscriptions[event.session]
    if fresh and is_registered:
        yield Change(MetadataSubscribed(event.session, fresh), (event.session,))


# What the branches of other events use


def begins(
    network: Network, sessions: Iterable[SessionId], target: Client | Channel
) -> Iterator[Change]:
    """Let those of ``sessions`` that subscribed to anything know what ``target`` has set."""
    for session in sessions:
        if session in network.subscriptions:
            yield Change(MetadataVisible(session, target), (session,))


def joined(network: Network, client: Client, channel: Channel) -> Iterator[Change]:
    """Let the members know what has set who joined them."""
    values = network.metadata_of(client)
    if not values:
        return
    others = [
        session for session in network.witnesses(client, channel) if session not in client.sessions
    ]
    for key, value in values.items():
        yield from _update(network, others, MetadataUpdated(client.nick, key, value))


def account_changed(
    network: Network, client: Client, before: Mapping[str, str]
) -> Iterator[Change]:
    """Show the metadata of another account in place of ``before``; a guest's is gone."""
    if client.account is not None:
        network.metadata.pop(client.id, None)
    after = network.metadata_of(client)
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            update = MetadataUpdated(client.nick, key, after.get(key))
            yield from _update(network, _watching(network, client), update)


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.MetadataChanged: _metadata_changed,
    events.GuestMetadataChanged: _metadata_changed,
    events.SubscriptionsChanged: _subscriptions_changed,
}
