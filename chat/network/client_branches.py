"""How events of sessions and clients change the state.

One function for each event: total, and without policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve

from chat.network import devices, endings, events, metadata_branches, modes
from chat.network.changes import (
    Change,
    Entered,
    HostChanged,
    MonitoredOnline,
    NicknameTaken,
    PayloadsWaiting,
    SessionsClosed,
    Welcomed,
)
from chat.network.entities import Client
from chat.network.events import Entry, Event
from chat.network.ids import ClientId, Timestamp
from chat.network.records import ReadMarkers, RecordKey
from chat.network.watchers import Watchers

if TYPE_CHECKING:
    from chat.network.state import Network


def _node_started(network: Network, entry: Entry, event: events.NodeStarted) -> Iterator[Change]:
    for guest in (*network.clients, *network.unregistered):
        network.metadata.pop(guest, None)
    network.subscriptions.clear()
    network.unregistered.clear()
    network.watchers = Watchers(network.fold)
    for client in list(network.clients.values()):
        if client.is_kept:
            endings.drop(network, client, tuple(client.sessions), entry.time)
        else:
            network.dismiss(client)
    network.sessions.clear()
    for name, channel in list(network.channels.items()):
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
    client, holder = network.kept_client(event.account), network.client(event.nick)
    is_kept = isinstance(event, events.KeptSessionRegistered)
    if client is None and holder is not None and holder.account is not None and not is_kept:
        client = holder if holder.account == event.account else None
    if client is not None:
        yield from _attach(network, client, entry, event)
    elif holder is None or (is_kept and not holder.is_kept):
        if holder is not None:
            yield from endings.give_way(network, holder, entry.time)
        yield from _begin(network, entry, event, is_kept=is_kept)
    else:
        yield Change(NicknameTaken(event.nick), (event.session,))


def _begin(
    network: Network, entry: Entry, event: events.SessionRegistered, *, is_kept: bool
) -> Iterator[Change]:
    """Let a new client be there, with its first session."""
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
        away_message=event.away,
        is_kept=is_kept,
        seen=entry.time,
    )
    network.admit(client)
    yield from _welcome(network, client, entry, event)
    yield from _came(network, client)


def _attach(
    network: Network, client: Client, entry: Entry, event: events.SessionRegistered
) -> Iterator[Change]:
    """Let a session join a client that is there."""
    absent_since: Timestamp | None = None
    if isinstance(event, events.KeptSessionRegistered):
        absent_since = devices.absent_since(network, client, event.certificate)
        if not client.sessions:
            yield from _return(network, client, event, entry.time)
    yield from _welcome(network, client, entry, event, absent_since)


def _return(
    network: Network, client: Client, event: events.SessionRegistered, time: Timestamp
) -> Iterator[Change]:
    """Show a client that had no session as the one that begins says; nobody sees it join."""
    away, source = client.away, client.source
    is_moved = (client.username, client.host) != (event.username, event.host)
    client.username, client.host = event.username, event.host
    if is_moved:
        yield from endings.told(network, client, HostChanged(source, event.username, event.host))
    if client.realname != event.realname:
        client.realname = event.realname
        fact = events.RealnameChanged(client.actor, event.realname)
        yield from endings.told(network, client, fact)
    client.role, client.signon = event.role, time
    client.away_message = event.away
    if away != event.away:
        yield from endings.told(network, client, events.AwayChanged(client.actor, event.away))


def _welcome(
    network: Network,
    client: Client,
    entry: Entry,
    event: events.SessionRegistered,
    absent_since: Timestamp | None = None,
) -> Iterator[Change]:
    """Let the session speak for the client, and tell it where that is."""
    client.sessions[event.session] = event.certificate
    devices.used(network, event.account, event.certificate, event.host, entry.time)
    network.sessions[event.session] = client
    network.unregistered.discard(event.session)
    network.touch_client(client)
    if client.account is not None:
        network.metadata.pop(event.session, None)
    yield Change(Welcomed(client, absent_since), (event.session,))
    for channel in client.channels.values():
        yield Change(events.Joined(client.actor, channel.name, client.realname), (event.session,))
        yield Change(Entered(client, channel), (event.session,))
        yield from metadata_branches.begins(network, (event.session,), channel)
    if event.certificate.device is not None:
        yield Change(PayloadsWaiting(), (event.session,))


def _session_ended(network: Network, entry: Entry, event: events.SessionEnded) -> Iterator[Change]:
    network.unregistered.discard(event.session)
    network.subscriptions.pop(event.session, None)
    client = network.sessions.get(event.session)
    if client is not None:
        yield from endings.end(network, client, [event.session], event.reason, entry.time)
        return
    network.metadata.pop(event.session, None)
    if event.actor is not None:
        # A replay: only sessions of kept clients are known to it.
        devices.seen(network, event.actor.account, event.certificate, entry.time)


def _came(network: Network, client: Client) -> Iterator[Change]:
    watching = network.watchers.of(client.nick)
    if watching:
        yield Change(MonitoredOnline(client.source), watching)
        yield from metadata_branches.begins(network, watching, client)


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
    holder = network.client(event.nick)
    if holder not in (None, client):
        if holder.is_kept or not client.is_kept:
            if entry.origin is not None:
                yield Change(NicknameTaken(event.nick), (entry.origin,))
            return
        yield from endings.give_way(network, holder, entry.time)
    del network.nicks[network.fold(client.nick)]
    is_other_name = network.fold(client.nick) != network.fold(event.nick)
    if is_other_name:
        yield from endings.went(network, client, entry.time)
    client.nick = event.nick
    network.nicks[network.fold(event.nick)] = client
    network.touch_client(client)
    yield Change(event, network.peers(client))
    if is_other_name:
        yield from _came(network, client)


def _account_changed(
    network: Network, entry: Entry, event: events.AccountChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None and not client.is_kept:
        before = dict(network.metadata_of(client))
        client.account = event.account
        client.role = event.role
        for certificate in client.sessions.values():
            devices.used(network, event.account, certificate, client.host, entry.time)
        yield from endings.told(network, client, event)
        yield from metadata_branches.account_changed(network, client, before)
        for session, certificate in list(client.sessions.items()):
            removed = devices.refusal(network, certificate, event.account)
            if removed is not None:
                yield from endings.shut_out(network, client, [session], removed, entry.time)


def _away_changed(network: Network, entry: Entry, event: events.AwayChanged) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        client.away_message = event.message
        network.touch_client(client)
        # Whoever left meanwhile is not back.
        yield from endings.told(network, client, evolve(event, message=client.away))


def _realname_changed(
    network: Network, entry: Entry, event: events.RealnameChanged
) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    if client is not None:
        client.realname = event.realname
        network.touch_client(client)
        yield from endings.told(network, client, event)


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
        for other in event.added:
            network.accept(client, other)
        for other in event.removed:
            network.accept_no_more(client, other)
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
        network.set_user_mode(client, change.letter, is_set=change.adding)
    network.touch_client(client)
    yield Change(event, tuple(client.sessions))


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.NodeStarted: _node_started,
    events.SessionOpened: _session_opened,
    events.SessionAbandoned: _session_abandoned,
    events.SessionRegistered: _session_registered,
    events.KeptSessionRegistered: _session_registered,
    events.SessionEnded: _session_ended,
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
