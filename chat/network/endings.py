"""How sessions end, and clients with them: what the branches of several events share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chat.network import devices, events, modes
from chat.network.changes import (
    Change,
    ClientQuit,
    MonitoredOffline,
    SessionsClosed,
    WatchedChange,
)
from chat.network.entities import Client, Departed
from chat.network.ids import SessionId, Timestamp

if TYPE_CHECKING:
    from chat.network.state import Network


def end(
    network: Network, client: Client, sessions: Iterable[SessionId], reason: str, time: Timestamp
) -> Iterator[Change]:
    """End sessions of a client; with the last one it leaves, or is away where it is kept."""
    away = client.away
    drop(network, client, sessions, time)
    if not client.sessions and not client.is_kept:
        yield from leave(network, client, reason, time)
    elif client.away != away:
        yield from told(network, client, events.AwayChanged(client.actor, client.away))


def drop(network: Network, client: Client, sessions: Iterable[SessionId], time: Timestamp) -> None:
    """Forget sessions of a client, and remember until when they were there.

    An operator's powers end with the last one.
    """
    for session in sessions:
        certificate = client.sessions.pop(session)
        devices.seen(network, client.account, certificate.fingerprint, time)
        del network.sessions[session]
        network.watchers.forget(session)
        network.subscriptions.pop(session, None)
        client.seen = time
    if not client.sessions:
        network.set_user_mode(client, modes.USER_OPERATOR, is_set=False)
    network.touch_client(client)


def shut_out(
    network: Network, client: Client, sessions: Iterable[SessionId], reason: str, time: Timestamp
) -> Iterator[Change]:
    """End sessions on a removed device; its name is nothing for the others to know."""
    yield Change(SessionsClosed(reason), tuple(sessions))
    yield from end(network, client, sessions, "Device removed", time)


def close(network: Network, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
    """End all sessions of a client, and so the client, also one that is kept."""
    yield Change(SessionsClosed(reason), tuple(client.sessions))
    drop(network, client, tuple(client.sessions), time)
    yield from leave(network, client, reason, time)


def give_way(network: Network, holder: Client, time: Timestamp) -> Iterator[Change]:
    """End who holds the nickname that the log gives to a kept client.

    A replay knows kept clients only, and must give the nickname to the same one.
    """
    yield from close(network, holder, "Somebody else has this nickname", time)


def leave(network: Network, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
    """End a client without a session."""
    yield Change(ClientQuit(client.source, reason), network.peers(client))
    network.dismiss(client)
    yield from went(network, client, time)


def told(network: Network, client: Client, fact: object) -> Iterator[Change]:
    """Show ``fact`` to who shares a channel, and to who watches from elsewhere."""
    peers = network.peers(client)
    yield Change(fact, peers)
    watching = network.watchers.of(client.nick)
    if watching:
        elsewhere = tuple(session for session in watching if session not in set(peers))
        yield Change(WatchedChange(fact), elsewhere)


def went(network: Network, client: Client, time: Timestamp) -> Iterator[Change]:
    """Remember who had the nickname, and tell who watches it."""
    network.departed.append(
        Departed(client.nick, client.username, client.host, client.realname, time)
    )
    watching = network.watchers.of(client.nick)
    if watching:
        yield Change(MonitoredOffline(client.nick), watching)
