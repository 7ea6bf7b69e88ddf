"""How events of sessions and clients change the state.

One function for each event: total, and without policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from chat.network import bans, devices, events, metadata_branches, modes
from chat.network.changes import (
    Change,
    ClientQuit,
    Entered,
    MonitoredOffline,
    MonitoredOnline,
    NicknameTaken,
    SessionsClosed,
    WatchedChange,
    Welcomed,
)
from chat.network.entities import Client, Departed
from chat.network.events import Entry, Event
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.records import NetworkBan, ReadMarkers, RecordKey
from chat.network.watchers import Watchers

if TYPE_CHECKING:
    from chat.network.state import Network


def _node_started(network: Network, entry: Entry, event: events.NodeStarted) -> Iterator[Change]:
    for guest in (*network.clients, *network.unregistered):
        network.metadata.pop(guest, None)
    network.subscriptions.clear()
    network.clients.clear()
    network.sessions.clear()
    network.unregistered.clear()
    network.nicks.clear()
    network.watchers = Watchers(network.fold)
    for name, channel in list(network.channels.items()):
        channel.members.clear()
        channel.invited.clear()
        network.drop_if_over(name, channel)
    return iter(())


def _session_opened(
    network: Network, entry: Entry, event: events.SessionOpened
) -> Iterator[Change]:
    network.unregistered.add(event.session)
    return iter(())


def _session_abandoned(
    network: Network, entry: Entry, event: events.SessionAbandoned
) -> Iterator[Change]:
    network.unregistered.discard(event.session)
    network.subscriptions.pop(event.session, None)
    network.metadata.pop(event.session, None)
    return iter(())


def _session_registered(
    network: Network, entry: Entry, event: events.SessionRegistered
) -> Iterator[Change]:
    removed = devices.refusal(network, event.certificate, event.account)
    if removed is not None:
        yield Change(SessionsClosed(removed), (event.session,))
        return
    client = network.client(event.nick)
    if client is not None and (client.account is None or client.account != event.account):
        yield Change(NicknameTaken(event.nick), (event.session,))
        return
    if client is None:
        client = Client(
            ClientId(event.session),
            event.nick,
            event.username,
            event.host,
            event.realname,
            event.account,
            event.role,
            signon=entry.time,
            active=entry.time,
            away=event.away,
        )
        network.clients[client.id] = network.nicks[network.fold(client.nick)] = client
        network.most_clients = max(network.most_clients, len(network.clients))
    client.sessions[event.session] = event.certificate
    devices.used(network, event.account, event.certificate, event.host, entry.time)
    network.sessions[event.session] = client
    network.unregistered.discard(event.session)
    if client.account is not None:
        network.metadata.pop(event.session, None)
    yield Change(Welcomed(client), (event.session,))
    if len(client.sessions) == 1:
        yield from _came(network, client)
    for channel in client.channels.values():
        yield Change(events.Joined(client.actor, channel.name, client.realname), (event.session,))
        yield Change(Entered(client, channel), (event.session,))
        yield from metadata_branches.begins(network, (event.session,), channel)


def _session_ended(network: Network, entry: Entry, event: events.SessionEnded) -> Iterator[Change]:
    network.unregistered.discard(event.session)
    network.subscriptions.pop(event.session, None)
    if event.actor is not None:
        devices.seen(network, event.actor.account, event.certificate, entry.time)
    client = network.sessions.pop(event.session, None)
    if client is None:
        network.metadata.pop(event.session, None)
        return
    network.watchers.forget(event.session)
    del client.sessions[event.session]
    if not client.sessions:
        yield from _quit(network, client, event.reason, entry.time)


def _killed(network: Network, entry: Entry, event: events.Killed) -> Iterator[Change]:
    client = network.clients.get(event.client)
    if client is None:
        return
    by = event.actor.source.partition("!")[0]
    yield from _close(network, client, f"Killed ({by} ({event.reason}))", entry.time)


def _network_banned(
    network: Network, entry: Entry, event: events.NetworkBanned
) -> Iterator[Change]:
    mask = network.fold(event.mask)
    ban = NetworkBan(event.mask, event.reason, event.actor.source, entry.time, event.expires)
    network.bans[mask] = ban
    network.touch([network.key_of(ban)])
    for client in list(network.clients.values()):
        if client.id != event.actor.client and bans.matches_client(ban, client):
            yield from _close(network, client, f"Banned: {event.reason}", entry.time)


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
    for client, sessions in ending.items():
        yield from _shut_out(network, client, sessions, reason, entry.time)


def _devices_forgotten(
    network: Network, entry: Entry, event: events.DevicesForgotten
) -> Iterator[Change]:
    devices.forget(network, event.account, event.fingerprints)
    return iter(())


def _shut_out(
    network: Network, client: Client, sessions: Iterable[SessionId], reason: str, time: Timestamp
) -> Iterator[Change]:
    """End sessions on a removed device; its name is nothing for the others to know."""
    yield Change(SessionsClosed(reason), tuple(sessions))
    yield from _end(network, client, sessions, "Device removed", time)


def _close(network: Network, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
    """End all sessions of a client, and so the client."""
    yield Change(SessionsClosed(reason), tuple(client.sessions))
    yield from _end(network, client, tuple(client.sessions), reason, time)


def _end(
    network: Network, client: Client, sessions: Iterable[SessionId], reason: str, time: Timestamp
) -> Iterator[Change]:
    """End sessions of a client, and with the last one the client."""
    for session in sessions:
        certificate = client.sessions.pop(session)
        devices.seen(network, client.account, certificate.fingerprint, time)
        del network.sessions[session]
        network.watchers.forget(session)
        network.subscriptions.pop(session, None)
    if not client.sessions:
        yield from _quit(network, client, reason, time)


def _quit(network: Network, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
    yield Change(ClientQuit(client.source, reason), network.peers(client))
    for channel in list(client.channels.values()):
        network.remove(client, channel)
    del network.clients[client.id], network.nicks[network.fold(client.nick)]
    network.markers.pop(client.id, None)
    network.metadata.pop(client.id, None)
    yield from _went(network, client, time)


def _told(network: Network, client: Client, event: Event) -> Iterator[Change]:
    """Show ``event`` to who shares a channel, and to who watches from elsewhere."""
    peers = network.peers(client)
    yield Change(event, peers)
    watching = network.watchers.of(client.nick)
    if watching:
        elsewhere = tuple(session for session in watching if session not in set(peers))
        yield Change(WatchedChange(event), elsewhere)


def _came(network: Network, client: Client) -> Iterator[Change]:
    watching = network.watchers.of(client.nick)
    if watching:
        yield Change(MonitoredOnline(client.source), watching)
        yield from metadata_branches.begins(network, watching, client)


def _went(network: Network, client: Client, time: Timestamp) -> Iterator[Change]:
    network.departed.append(
        Departed(client.nick, client.username, client.host, client.realname, time)
    )
    watching = network.watchers.of(client.nick)
    if watching:
        yield Change(MonitoredOffline(client.nick), watching)


def _monitor_changed(
    network: Network, entry: Entry, event: events.MonitorChanged
) -> Iterator[Change]:
    if event.session in network.sessions:
        network.watchers.change(event.session, event.added, event.removed)
        for client in filter(None, map(network.client, event.added)):
            yield from metadata_branches.begins(network, (event.session,), client)


def _nick_changed(network: Network, entry: Entry, event: events.NickChanged) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is None:
        return
    if network.client(event.nick) not in (None, client):
        if entry.origin is not None:
            yield Change(NicknameTaken(event.nick), (entry.origin,))
        return
    del network.nicks[network.fold(client.nick)]
    is_other_name = network.fold(client.nick) != network.fold(event.nick)
    if is_other_name:
        yield from _went(network, client, entry.time)
    client.nick = event.nick
    network.nicks[network.fold(event.nick)] = client
    yield Change(event, network.peers(client))
    if is_other_name:
        yield from _came(network, client)


def _account_changed(
    network: Network, entry: Entry, event: events.AccountChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        before = dict(network.metadata_of(client))
        client.account = event.account
        client.role = event.role
        for certificate in client.sessions.values():
            devices.used(network, event.account, certificate, client.host, entry.time)
        yield from _told(network, client, event)
        yield from metadata_branches.account_changed(network, client, before)
        for session, certificate in list(client.sessions.items()):
            removed = devices.refusal(network, certificate, event.account)
            if removed is not None:
                yield from _shut_out(network, client, [session], removed, entry.time)


def _away_changed(network: Network, entry: Entry, event: events.AwayChanged) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        client.away = event.message
        yield from _told(network, client, event)


def _realname_changed(
    network: Network, entry: Entry, event: events.RealnameChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        client.realname = event.realname
        yield from _told(network, client, event)


def _read_marked(network: Network, entry: Entry, event: events.ReadMarked) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is None and event.actor.account is None:
        return
    reader, target = network.reader(event.actor), network.fold(event.target)
    times = network.markers.setdefault(reader, {})
    # "The last read timestamp of a target MUST only ever increase."
    is_newer = event.time > times.get(target, 0)
    if is_newer:
        times[target] = event.time
        if event.actor.account is not None:
            network.touch([RecordKey(ReadMarkers, reader)])
    told = events.ReadMarked(event.actor, event.target, times[target])
    if client is not None and is_newer:
        yield Change(told, tuple(client.sessions))
    elif entry.origin is not None:
        yield Change(told, (entry.origin,))


def _accept_changed(
    network: Network, entry: Entry, event: events.AcceptChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        client.accepted |= set(event.added)
        client.accepted -= set(event.removed)
    return iter(())


def _wallops_sent(network: Network, entry: Entry, event: events.WallopsSent) -> Iterator[Change]:
    listeners = (
        client for client in network.clients.values() if modes.USER_WALLOPS in client.modes
    )
    yield Change(event, network.sessions_of(listeners))


def _user_modes_changed(
    network: Network, entry: Entry, event: events.UserModesChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is None:
        return
    for change in event.changes:
        if change.adding:
            client.modes.add(change.letter)
        else:
            client.modes.discard(change.letter)
    yield Change(event, tuple(client.sessions))


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.NodeStarted: _node_started,
    events.SessionOpened: _session_opened,
    events.SessionAbandoned: _session_abandoned,
    events.SessionRegistered: _session_registered,
    events.SessionEnded: _session_ended,
    events.Killed: _killed,
    events.NetworkBanned: _network_banned,
    events.NetworkUnbanned: _network_unbanned,
    events.DeviceRemoved: _device_removed,
    events.DevicesForgotten: _devices_forgotten,
    events.MonitorChanged: _monitor_changed,
    events.NickChanged: _nick_changed,
    events.AccountChanged: _account_changed,
    events.AwayChanged: _away_changed,
    events.RealnameChanged: _realname_changed,
    events.ReadMarked: _read_marked,
    events.AcceptChanged: _accept_changed,
    events.WallopsSent: _wallops_sent,
    events.UserModesChanged: _user_modes_changed,
}
