"""The state of the network, and `Network.apply`, the only place where it changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chat.irc.casemap import Casefold, ascii_fold
from chat.irc.modes import ModeChange, ModeKind
from chat.network import bans, events, modes
from chat.network.changes import (
    Change,
    ClientQuit,
    Entered,
    MonitoredOffline,
    MonitoredOnline,
    NicknameTaken,
    SessionsClosed,
    Welcomed,
)
from chat.network.entities import Channel, Client, Departed, Device
from chat.network.events import Entry, Event
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.records import (
    ChannelRecord,
    ListEntry,
    NetworkBan,
    Record,
    RecordKey,
    TopicRecord,
)
from chat.network.watchers import Watchers

#: How many of them are remembered.
_DEPARTED = 1000


class Network:
    """All clients, channels and sessions; the fold of the log's events."""

    def __init__(self, fold: Casefold = ascii_fold) -> None:
        self.fold = fold
        self.clients: dict[ClientId, Client] = {}
        self.channels: dict[str, Channel] = {}
        self.sessions: dict[SessionId, Client] = {}
        self.most_clients = 0
        #: The latest holders of nicknames that are free again, oldest first.
        self.departed: deque[Departed] = deque(maxlen=_DEPARTED)
        self.watchers = Watchers(fold)
        self._nicks: dict[str, Client] = {}
        #: Who may not use the network, by the folded mask.
        self.bans: dict[str, NetworkBan] = {}
        self._touched: set[RecordKey] = set()

    def client(self, nick: str) -> Client | None:
        """Return who has the nickname ``nick``."""
        return self._nicks.get(self.fold(nick))

    def channel(self, name: str) -> Channel | None:
        """Return the channel ``name``."""
        return self.channels.get(self.fold(name))

    def restore(self, records: Iterable[Record]) -> None:
        """Fill an empty network with the records of a checkpoint."""
        for record in records:
            if isinstance(record, ChannelRecord):
                self.channels[self.fold(record.name)] = Channel.from_record(record)
            else:
                self.bans[self.fold(record.name)] = record

    def take_touched(self) -> tuple[list[Record], list[RecordKey]]:
        """Return the records that changed, and those that are gone, since the last call."""
        changed: list[Record] = []
        removed: list[RecordKey] = []
        for key in self._touched:
            record = self._record(key)
            if record is not None:
                changed.append(record)
            else:
                removed.append(key)
        self._touched = set()
        return changed, removed

    def touch(self, keys: Iterable[RecordKey]) -> None:
        """Have these records in the result of the next `take_touched`."""
        self._touched.update(keys)

    def _record(self, key: RecordKey) -> Record | None:
        if key.kind is NetworkBan:
            return self.bans.get(key.name)
        channel = self.channels.get(key.name)
        return channel.record() if channel is not None and channel.is_permanent else None

    def key_of(self, record: Record) -> RecordKey:
        """Return by which key a record is kept."""
        return RecordKey(type(record), self.fold(record.name))

    def apply(self, entry: Entry) -> list[Change]:
        """Change the state as ``entry`` says, and return what people see of it.

        Total: an event that no longer fits the state does nothing.
        """
        return list(_BRANCHES[type(entry.event)](self, entry, entry.event))

    # Sessions and clients

    def _node_started(self, entry: Entry, event: events.NodeStarted) -> Iterator[Change]:
        self.clients.clear()
        self.sessions.clear()
        self._nicks.clear()
        self.watchers = Watchers(self.fold)
        for name, channel in list(self.channels.items()):
            channel.members.clear()
            channel.invited.clear()
            self._drop_if_over(name, channel)
        return iter(())

    def _session_registered(
        self, entry: Entry, event: events.SessionRegistered
    ) -> Iterator[Change]:
        client = self.client(event.nick)
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
            )
            self.clients[client.id] = self._nicks[self.fold(client.nick)] = client
            self.most_clients = max(self.most_clients, len(self.clients))
        client.sessions[event.session] = Device(event.device, event.certificate)
        self.sessions[event.session] = client
        yield Change(Welcomed(client), (event.session,))
        if len(client.sessions) == 1:
            yield from self._came(client)
        for channel in client.channels.values():
            yield Change(
                events.Joined(client.actor, channel.name, client.realname), (event.session,)
            )
            yield Change(Entered(client, channel), (event.session,))

    def _session_ended(self, entry: Entry, event: events.SessionEnded) -> Iterator[Change]:
        client = self.sessions.pop(event.session, None)
        if client is None:
            return
        self.watchers.forget(event.session)
        del client.sessions[event.session]
        if not client.sessions:
            yield from self._quit(client, event.reason, entry.time)

    def _killed(self, entry: Entry, event: events.Killed) -> Iterator[Change]:
        client = self.clients.get(event.client)
        if client is None:
            return
        by = event.actor.source.partition("!")[0]
        yield from self._close(client, f"Killed ({by} ({event.reason}))", entry.time)

    def _network_banned(self, entry: Entry, event: events.NetworkBanned) -> Iterator[Change]:
        mask = self.fold(event.mask)
        ban = NetworkBan(event.mask, event.reason, event.actor.source, entry.time, event.expires)
        self.bans[mask] = ban
        self._touched.add(self.key_of(ban))
        for client in list(self.clients.values()):
            if client.id != event.actor.client and bans.matches_client(ban, client):
                yield from self._close(client, f"Banned: {event.reason}", entry.time)

    def _network_unbanned(self, entry: Entry, event: events.NetworkUnbanned) -> Iterator[Change]:
        ban = self.bans.pop(self.fold(event.mask), None)
        if ban is not None:
            self._touched.add(self.key_of(ban))
        return iter(())

    def _close(self, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
        """End all sessions of a client, and so the client."""
        yield Change(SessionsClosed(reason), tuple(client.sessions))
        for session in client.sessions:
            del self.sessions[session]
            self.watchers.forget(session)
        client.sessions.clear()
        yield from self._quit(client, reason, time)

    def _quit(self, client: Client, reason: str, time: Timestamp) -> Iterator[Change]:
        yield Change(ClientQuit(client.source, reason), self._peers(client))
        for channel in list(client.channels.values()):
            self._remove(client, channel)
        del self.clients[client.id], self._nicks[self.fold(client.nick)]
        yield from self._went(client, time)

    def _came(self, client: Client) -> Iterator[Change]:
        watching = self.watchers.of(client.nick)
        if watching:
            yield Change(MonitoredOnline(client.source), watching)

    def _went(self, client: Client, time: Timestamp) -> Iterator[Change]:
        self.departed.append(
            Departed(client.nick, client.username, client.host, client.realname, time)
        )
        watching = self.watchers.of(client.nick)
        if watching:
            yield Change(MonitoredOffline(client.nick), watching)

    def _monitor_changed(self, entry: Entry, event: events.MonitorChanged) -> Iterator[Change]:
        if event.session in self.sessions:
            self.watchers.change(event.session, event.added, event.removed)
        return iter(())

    def _nick_changed(self, entry: Entry, event: events.NickChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is None:
            return
        if self.client(event.nick) not in (None, client):
            if entry.origin is not None:
                yield Change(NicknameTaken(event.nick), (entry.origin,))
            return
        del self._nicks[self.fold(client.nick)]
        is_other_name = self.fold(client.nick) != self.fold(event.nick)
        if is_other_name:
            yield from self._went(client, entry.time)
        client.nick = event.nick
        self._nicks[self.fold(event.nick)] = client
        yield Change(event, self._peers(client))
        if is_other_name:
            yield from self._came(client)

    def _account_changed(self, entry: Entry, event: events.AccountChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.account = event.account
            client.role = event.role
            yield Change(event, self._peers(client))

    def _away_changed(self, entry: Entry, event: events.AwayChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.away = event.message
            yield Change(event, self._peers(client))

    def _realname_changed(self, entry: Entry, event: events.RealnameChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.realname = event.realname
            yield Change(event, self._peers(client))

    def _accept_changed(self, entry: Entry, event: events.AcceptChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.accepted |= set(event.added)
            client.accepted -= set(event.removed)
        return iter(())

    def _wallops_sent(self, entry: Entry, event: events.WallopsSent) -> Iterator[Change]:
        listeners = (
            client for client in self.clients.values() if modes.USER_WALLOPS in client.modes
        )
        yield Change(event, self._sessions(listeners))

    def _user_modes_changed(self, entry: Entry, event: events.UserModesChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is None:
            return
        for change in event.changes:
            if change.adding:
                client.modes.add(change.letter)
            else:
                client.modes.discard(change.letter)
        yield Change(event, tuple(client.sessions))

    # Channels

    def _joined(self, entry: Entry, event: events.Joined) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        name = self.fold(event.channel)
        channel = self.channels.get(name)
        account = event.actor.account
        if channel is None:
            # On replay nobody is connected, but a channel with an owner lasts.
            if client is None and account is None:
                return
            channel = Channel(event.channel, entry.time)
            channel.modes = dict.fromkeys(modes.INITIAL_MODES, "")
            if account is not None:
                channel.modes[modes.PERMANENT] = ""
                channel.ranks[account] = modes.FOUNDER
            self.channels[name] = channel
            self._touched.add(RecordKey(ChannelRecord, name))
        if client is None or client in channel.members:
            return
        if account is None:
            rank = "" if channel.members or channel.is_permanent else modes.OPERATOR
        else:
            rank = channel.ranks.get(account, "")
        channel.members[client] = rank
        channel.invited.discard(client.id)
        client.channels[name] = channel
        yield Change(event, self._witnesses(client, channel))
        yield Change(Entered(client, channel), tuple(client.sessions))

    def _parted(self, entry: Entry, event: events.Parted) -> Iterator[Change]:
        found = self._membership(event.actor.client, event.channel)
        if found is not None:
            client, channel = found
            yield Change(event, self._witnesses(client, channel))
            self._remove(client, channel)

    def _kicked(self, entry: Entry, event: events.Kicked) -> Iterator[Change]:
        found = self._membership(event.client, event.channel)
        if found is not None:
            client, channel = found
            yield Change(event, self._witnesses(client, channel))
            self._remove(client, channel)

    def _invited(self, entry: Entry, event: events.Invited) -> Iterator[Change]:
        client = self.clients.get(event.client)
        channel = self.channel(event.channel)
        if client is None:
            return
        if channel is not None:
            channel.invited.add(client.id)
        yield Change(event, tuple(client.sessions))

    def _topic_changed(self, entry: Entry, event: events.TopicChanged) -> Iterator[Change]:
        channel = self.channel(event.channel)
        if channel is None:
            return
        channel.topic = (
            TopicRecord(event.text, event.actor.source, entry.time) if event.text else None
        )
        self._touched.add(RecordKey(ChannelRecord, self.fold(channel.name)))
        yield Change(event, self._audience(channel))

    def _modes_changed(self, entry: Entry, event: events.ModesChanged) -> Iterator[Change]:
        channel = self.channel(event.channel)
        if channel is None:
            return
        for change in event.changes:
            self._change_mode(channel, change, entry, event)
        self._touched.add(RecordKey(ChannelRecord, self.fold(channel.name)))
        yield Change(event, self._audience(channel))
        self._drop_if_over(self.fold(channel.name), channel)

    def _change_mode(
        self, channel: Channel, change: ModeChange, entry: Entry, event: events.ModesChanged
    ) -> None:
        letter, argument = change.letter, change.argument or ""
        match modes.CHANNEL_MODES[letter]:
            case ModeKind.LIST:
                masks = channel.lists.setdefault(letter, {})
                if change.adding:
                    entries = ListEntry(argument, event.actor.source, entry.time)
                    masks.setdefault(self.fold(argument), entries)
                else:
                    masks.pop(self.fold(argument), None)
            case ModeKind.PREFIX:
                account = event.accounts.get(argument)
                if account is not None:
                    channel.ranks[account] = _ranked(channel.ranks.get(account, ""), change)
                    if not channel.ranks[account]:
                        del channel.ranks[account]
                member = self.client(argument)
                if member is not None and member in channel.members:
                    channel.members[member] = _ranked(channel.members[member], change)
            case _ if change.adding:
                channel.modes[letter] = argument
            case _:
                channel.modes.pop(letter, None)

    def _message_sent(self, entry: Entry, event: events.MessageSent) -> Iterator[Change]:
        sender = self.clients.get(event.actor.client)
        if sender is not None:
            sender.active = entry.time
        if event.channel is not None:
            channel = self.channel(event.channel)
            if channel is None:
                return
            if event.rank:
                audience = self._sessions(
                    member
                    for member, ranks in channel.members.items()
                    if member is sender or modes.at_least(ranks, event.rank)
                )
            else:
                audience = self._audience(channel)
            yield Change(event, audience)
            return
        receiver = self.clients.get(event.client) if event.client is not None else None
        if sender is not None and receiver is not None:
            sender.accepted.add(receiver.id)  # whom one writes to may answer
        parties = dict.fromkeys(party for party in (receiver, sender) if party is not None)
        yield Change(event, self._sessions(parties))

    # Parts of the branches

    def _membership(self, client: ClientId, channel: str) -> tuple[Client, Channel] | None:
        member = self.clients.get(client)
        found = self.channel(channel)
        if member is None or found is None or member not in found.members:
            return None
        return member, found

    def _remove(self, client: Client, channel: Channel) -> None:
        name = self.fold(channel.name)
        del channel.members[client]
        del client.channels[name]
        self._drop_if_over(name, channel)

    def _drop_if_over(self, name: str, channel: Channel) -> None:
        if not channel.members and not channel.is_permanent:
            del self.channels[name]
            self._touched.add(RecordKey(ChannelRecord, name))

    def _audience(self, channel: Channel) -> tuple[SessionId, ...]:
        return self._sessions(channel.members)

    def _peers(self, client: Client) -> tuple[SessionId, ...]:
        peers = {client: ""}
        for channel in client.channels.values():
            peers.update((member, "") for member in _seeing(client, channel))
        return self._sessions(peers)

    def _witnesses(self, client: Client, channel: Channel) -> tuple[SessionId, ...]:
        return self._sessions(_seeing(client, channel))

    @staticmethod
    def _sessions(clients: Iterable[Client]) -> tuple[SessionId, ...]:
        return tuple(session for client in clients for session in client.sessions)


def _seeing(client: Client, channel: Channel) -> Iterable[Client]:
    """Return the members that see what ``client`` does on the channel."""
    if modes.AUDITORIUM not in channel.modes or channel.members.get(client):
        return channel.members
    return [
        member for member in channel.members if member is client or channel.shows(client, member)
    ]


def _ranked(ranks: str, change: ModeChange) -> str:
    kept = ranks.replace(change.letter, "")
    return kept + change.letter if change.adding else kept


_BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.NodeStarted: Network._node_started,
    events.SessionRegistered: Network._session_registered,
    events.SessionEnded: Network._session_ended,
    events.Killed: Network._killed,
    events.NetworkBanned: Network._network_banned,
    events.NetworkUnbanned: Network._network_unbanned,
    events.NickChanged: Network._nick_changed,
    events.AccountChanged: Network._account_changed,
    events.AwayChanged: Network._away_changed,
    events.RealnameChanged: Network._realname_changed,
    events.MonitorChanged: Network._monitor_changed,
    events.WallopsSent: Network._wallops_sent,
    events.AcceptChanged: Network._accept_changed,
    events.UserModesChanged: Network._user_modes_changed,
    events.Joined: Network._joined,
    events.Parted: Network._parted,
    events.Kicked: Network._kicked,
    events.Invited: Network._invited,
    events.TopicChanged: Network._topic_changed,
    events.ModesChanged: Network._modes_changed,
    events.MessageSent: Network._message_sent,
}
