"""The state of the network, and `Network.apply`, the only place where it changes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from chat.irc.casemap import Casefold, ascii_fold
from chat.network import (
    ban_branches,
    channel_branches,
    client_branches,
    directory_branches,
    metadata_branches,
    modes,
    persistence_branches,
)
from chat.network.changes import (
    Change,
)
from chat.network.entities import Channel, Client, Departed
from chat.network.events import Actor, Entry
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.records import (
    AccountDevices,
    AccountMetadata,
    ChannelRecord,
    KeptClient,
    KnownCertificate,
    NetworkBan,
    Persistence,
    ReadMarkers,
    Record,
    RecordKey,
)
from chat.network.watchers import Watchers

#: How many of them are remembered.
_DEPARTED = 1000


#: What each event does.
_BRANCHES = (
    client_branches.BRANCHES
    | ban_branches.BRANCHES
    | persistence_branches.BRANCHES
    | channel_branches.BRANCHES
    | metadata_branches.BRANCHES
    | directory_branches.BRANCHES
)


class Network:
    """All clients, channels and sessions; the fold of the log's events."""

    def __init__(self, fold: Casefold = ascii_fold) -> None:
        self.fold = fold
        self.clients: dict[ClientId, Client] = {}
        self.channels: dict[str, Channel] = {}
        self.sessions: dict[SessionId, Client] = {}
        #: Those that have not registered yet.
        self.unregistered: set[SessionId] = set()
        self.most_clients = 0
        #: How many clients have each user mode: who logs in is told, and nobody counts anew.
        self.user_modes: Counter[str] = Counter()
        #: The latest holders of nicknames that are free again, oldest first.
        self.departed: deque[Departed] = deque(maxlen=_DEPARTED)
        self.watchers = Watchers(fold)
        self.nicks: dict[str, Client] = {}
        #: By folded account: the clients that stay without a session.
        self.kept: dict[str, Client] = {}
        #: By folded account: whether it wants its client kept, where it has said so.
        self.wishes: dict[str, bool] = {}
        #: By folded account, or a guest's client id: up to when it has read each place.
        self.markers: dict[str, dict[str, Timestamp]] = {}
        #: By folded account, or a guest's client id: what it says about itself, by key.
        #: A session that has not registered yet has its own id.
        self.metadata: dict[str, dict[str, str]] = {}
        #: Of which keys of metadata a session is told.
        self.subscriptions: dict[SessionId, dict[str, None]] = {}
        #: Who may not use the network, by the folded mask.
        self.bans: dict[str, NetworkBan] = {}
        #: By folded account: the certificates with which it was used, by fingerprint.
        self.devices: dict[str, dict[str, KnownCertificate]] = {}
        self._touched: set[RecordKey] = set()

    def client(self, nick: str) -> Client | None:
        """Return who has the nickname ``nick``."""
        return self.nicks.get(self.fold(nick))

    def channel(self, name: str) -> Channel | None:
        """Return the channel ``name``."""
        return self.channels.get(self.fold(name))

    def reader(self, actor: Actor) -> str:
        """Return under which name read markers and metadata of ``actor`` are kept."""
        return self.fold(actor.account) if actor.account is not None else actor.client

    def metadata_of(self, target: Client | Channel) -> Mapping[str, str]:
        """Return what somebody, or a channel, has set."""
        if isinstance(target, Channel):
            return target.metadata
        return self.metadata.get(self.reader(target.actor), {})

    def restore(self, records: Iterable[Record]) -> None:
        """Fill an empty network with the records of a checkpoint."""
        clients: list[KeptClient] = []
        for record in records:
            match record:
                case ChannelRecord():
                    self.channels[self.fold(record.name)] = Channel.from_record(record, self.fold)
                case NetworkBan():
                    self.bans[self.fold(record.name)] = record
                case AccountMetadata():
                    self.metadata[record.name] = dict(record.values)
                case AccountDevices():
                    self.devices[record.name] = dict(record.certificates)
                case ReadMarkers():
                    self.markers[record.name] = dict(record.times)
                case Persistence():
                    self.wishes[record.name] = record.wish
                case KeptClient():
                    clients.append(record)
        # Behind the channels, whose members they are.
        for client in clients:
            self.revive(client)

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
        if key.kind is ReadMarkers:
            times = self.markers.get(key.name)
            return ReadMarkers(key.name, dict(times)) if times else None
        if key.kind is KeptClient:
            client = self.kept.get(key.name)
            return client.record() if client is not None else None
        if key.kind is Persistence:
            wish = self.wishes.get(key.name)
            return Persistence(key.name, wish) if wish is not None else None
        if key.kind is AccountMetadata:
            values = self.metadata.get(key.name)
            return AccountMetadata(key.name, dict(values)) if values else None
        if key.kind is AccountDevices:
            known = self.devices.get(key.name)
            return AccountDevices(key.name, dict(known)) if known else None
        channel = self.channels.get(key.name)
        return channel.record() if channel is not None and channel.outlasts_restart else None

    def key_of(self, record: Record) -> RecordKey:
        """Return by which key a record is kept."""
        return RecordKey(type(record), self.fold(record.name))

    def apply(self, entry: Entry) -> list[Change]:
        """Change the state as ``entry`` says, and return what people see of it.

        Total: an event that no longer fits the state does nothing.
        """
        if entry.is_repeat:
            # It changed the state before, and nobody else is to see it twice.
            return [Change(entry.event, (entry.origin,))] if entry.origin is not None else []
        return list(_BRANCHES[type(entry.event)](self, entry, entry.event))

    # What the branches share

    def membership(self, client: ClientId, channel: str) -> tuple[Client, Channel] | None:
        """Return client and channel, if the one is a member of the other."""
        member = self.clients.get(client)
        found = self.channel(channel)
        if member is None or found is None or member not in found.members:
            return None
        return member, found

    def kept_client(self, account: str | None) -> Client | None:
        """Return the kept client of ``account``."""
        return self.kept.get(self.fold(account)) if account is not None else None

    def admit(self, client: Client) -> None:
        """Let a client be on the network; nobody may have its nickname."""
        self.clients[client.id] = self.nicks[self.fold(client.nick)] = client
        self.most_clients = max(self.most_clients, len(self.clients))
        self.user_modes.update(client.modes)
        if client.is_kept:
            self.kept[self.fold(client.account or "")] = client
            self.touch_client(client)

    def dismiss(self, client: Client) -> None:
        """Take a client without a session off its channels, and off the network."""
        for channel in list(client.channels.values()):
            self.remove(client, channel)
        for other in client.accepted_by:
            self.clients[other].accepted.discard(client.id)
        for other in client.accepted:
            self.clients[other].accepted_by.discard(client.id)
        del self.clients[client.id], self.nicks[self.fold(client.nick)]
        self.user_modes.subtract(client.modes)
        self.release(client)
        self.markers.pop(client.id, None)
        self.metadata.pop(client.id, None)

    def accept(self, client: Client, other: ClientId) -> None:
        """Let somebody write to a client in spite of its user mode +R, while both are there."""
        sender = self.clients.get(other)
        if sender is not None:
            client.accepted.add(other)
            sender.accepted_by.add(client.id)

    def accept_no_more(self, client: Client, other: ClientId) -> None:
        """Take that back."""
        client.accepted.discard(other)
        sender = self.clients.get(other)
        if sender is not None:
            sender.accepted_by.discard(client.id)

    def set_user_mode(self, client: Client, letter: str, *, is_set: bool) -> None:
        """Set or take a user mode of a client that is on the network."""
        if (letter in client.modes) is is_set:
            return
        if is_set:
            client.modes.add(letter)
        else:
            client.modes.discard(letter)
        self.user_modes[letter] += 1 if is_set else -1

    def release(self, client: Client) -> None:
        """Keep a client no longer."""
        if client.is_kept:
            self.touch_client(client)
            # A channel may be there for a kept member only.
            self.touch(RecordKey(ChannelRecord, name) for name in client.channels)
            del self.kept[self.fold(client.account or "")]
            client.is_kept = False

    def revive(self, record: KeptClient) -> None:
        """Let the kept client of ``record`` be on the network, and on its channels."""
        client = Client.from_record(record)
        self.admit(client)
        self.sessions.update(dict.fromkeys(client.sessions, client))
        for name, since in record.channels.items():
            channel = self.channels.get(name)
            if channel is not None:
                self.enter(client, channel, channel.ranks.get(record.name, ""), since)

    def touch_client(self, client: Client) -> None:
        """Have the record of a client in the next checkpoint, if it is kept."""
        if client.is_kept:
            self._touched.add(RecordKey(KeptClient, self.fold(client.account or "")))

    def enter(self, client: Client, channel: Channel, rank: str, since: Timestamp) -> None:
        """Begin a membership."""
        name = self.fold(channel.name)
        channel.members[client] = rank
        channel.since[client] = since
        client.channels[name] = channel
        self._touch_membership(client, name)

    def remove(self, client: Client, channel: Channel) -> None:
        """End a membership, and with the last one a channel that is not permanent."""
        name = self.fold(channel.name)
        del channel.members[client], channel.since[client]
        del client.channels[name]
        self._touch_membership(client, name)
        self.drop_if_over(name, channel)

    def _touch_membership(self, client: Client, name: str) -> None:
        """Have both ends in the next checkpoint: a channel may be there for a kept member only."""
        if client.is_kept:
            self.touch_client(client)
            self._touched.add(RecordKey(ChannelRecord, name))

    def drop_if_over(self, name: str, channel: Channel) -> None:
        """Forget a channel without members that is not permanent."""
        if not channel.members and not channel.is_permanent:
            del self.channels[name]
            self._touched.add(RecordKey(ChannelRecord, name))

    def audience(self, channel: Channel) -> tuple[SessionId, ...]:
        """Return the sessions of all members."""
        return self.sessions_of(channel.members)

    def peers(self, client: Client) -> tuple[SessionId, ...]:
        """Return the sessions of the client and of all who share a channel with it."""
        peers = {client: ""}
        for channel in client.channels.values():
            peers.update((member, "") for member in _seeing(client, channel))
        return self.sessions_of(peers)

    def witnesses(self, client: Client, channel: Channel) -> tuple[SessionId, ...]:
        """Return the sessions that see what the client does on the channel (mode +u)."""
        return self.sessions_of(_seeing(client, channel))

    @staticmethod
    def sessions_of(clients: Iterable[Client]) -> tuple[SessionId, ...]:
        """Return all sessions of the clients."""
        return tuple(session for client in clients for session in client.sessions)


def _seeing(client: Client, channel: Channel) -> Iterable[Client]:
    """Return the members that see what ``client`` does on the channel."""
    if modes.AUDITORIUM not in channel.modes or channel.members.get(client):
        return channel.members
    return [
        member for member in channel.members if member is client or channel.shows(client, member)
    ]
