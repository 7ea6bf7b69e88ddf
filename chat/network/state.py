"""The state of the network, and `Network.apply`, the only place where it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import define, field

from chat.irc.casemap import Casefold, ascii_fold
from chat.irc.modes import ModeChange, ModeKind
from chat.network import events, modes
from chat.network.changes import (
    Change,
    ClientQuit,
    Entered,
    NicknameTaken,
    SessionsClosed,
    Welcomed,
)
from chat.network.events import Actor, Entry, Event
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.records import ChannelRecord, ListEntry, TopicRecord


@define(eq=False)
class Client:
    """The holder of a nickname; all sessions of an account that use it are one client."""

    id: ClientId
    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    role: str
    signon: Timestamp
    #: When it last sent a message, for the idle time of WHOIS.
    active: Timestamp
    away: str | None = None
    modes: set[str] = field(factory=set)
    sessions: dict[SessionId, str | None] = field(factory=dict)
    channels: dict[str, Channel] = field(factory=dict)

    @property
    def source(self) -> str:
        """``nick!user@host``."""
        return f"{self.nick}!{self.username}@{self.host}"

    @property
    def actor(self) -> Actor:
        """Who an event of this client was done by."""
        return Actor(self.id, self.source, self.account)

    @property
    def is_operator(self) -> bool:
        """Whether the client has user mode +o."""
        return modes.USER_OPERATOR in self.modes


@define(eq=False)
class Channel:
    """A channel; ``ranks`` are the prefix letters that accounts have here, present or not."""

    name: str
    created: Timestamp
    topic: TopicRecord | None = None
    modes: dict[str, str] = field(factory=dict)
    lists: dict[str, dict[str, ListEntry]] = field(factory=dict)
    ranks: dict[str, str] = field(factory=dict)
    members: dict[Client, str] = field(factory=dict)
    invited: set[ClientId] = field(factory=set)

    @property
    def is_permanent(self) -> bool:
        """Whether the channel stays when its last member leaves."""
        return modes.PERMANENT in self.modes

    def record(self) -> ChannelRecord:
        """Return what a checkpoint keeps."""
        return ChannelRecord(
            self.name,
            self.created,
            self.topic,
            dict(self.modes),
            {letter: tuple(masks.values()) for letter, masks in self.lists.items() if masks},
            dict(self.ranks),
        )

    @classmethod
    def from_record(cls, record: ChannelRecord) -> Channel:
        """Return the channel of ``record``, with no members."""
        return cls(
            record.name,
            record.created,
            record.topic,
            dict(record.modes),
            {
                letter: {ascii_fold(entry.mask): entry for entry in entries}
                for letter, entries in record.lists.items()
            },
            dict(record.ranks),
        )


class Network:
    """All clients, channels and sessions; the fold of the log's events."""

    def __init__(self, fold: Casefold = ascii_fold) -> None:
        self.fold = fold
        self.clients: dict[ClientId, Client] = {}
        self.channels: dict[str, Channel] = {}
        self.sessions: dict[SessionId, Client] = {}
        self.most_clients = 0
        self._nicks: dict[str, Client] = {}
        self._touched: set[str] = set()

    def client(self, nick: str) -> Client | None:
        """Return who has the nickname ``nick``."""
        return self._nicks.get(self.fold(nick))

    def channel(self, name: str) -> Channel | None:
        """Return the channel ``name``."""
        return self.channels.get(self.fold(name))

    def restore(self, records: Iterable[ChannelRecord]) -> None:
        """Fill an empty network with the channels of a checkpoint."""
        for record in records:
            self.channels[self.fold(record.name)] = Channel.from_record(record)

    def take_touched(self) -> tuple[list[ChannelRecord], list[str]]:
        """Return permanent channels changed, and names gone, since the last call."""
        changed, removed = [], []
        for name in self._touched:
            channel = self.channels.get(name)
            if channel is not None and channel.is_permanent:
                changed.append(channel.record())
            else:
                removed.append(name)
        self._touched = set()
        return changed, removed

    def touch(self, names: Iterable[str]) -> None:
        """Have these channels in the result of the next `take_touched`."""
        self._touched.update(map(self.fold, names))

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
        client.sessions[event.session] = event.device
        self.sessions[event.session] = client
        yield Change(Welcomed(client), (event.session,))
        for channel in client.channels.values():
            yield Change(
                events.Joined(client.actor, channel.name, client.realname), (event.session,)
            )
            yield Change(Entered(client, channel), (event.session,))

    def _session_ended(self, entry: Entry, event: events.SessionEnded) -> Iterator[Change]:
        client = self.sessions.pop(event.session, None)
        if client is None:
            return
        del client.sessions[event.session]
        if not client.sessions:
            yield self._quit(client, event.reason)

    def _killed(self, entry: Entry, event: events.Killed) -> Iterator[Change]:
        client = self.clients.get(event.client)
        if client is None:
            return
        yield Change(
            SessionsClosed(f"Killed ({event.actor.source.partition('!')[0]} ({event.reason}))"),
            tuple(client.sessions),
        )
        for session in client.sessions:
            del self.sessions[session]
        client.sessions.clear()
        yield self._quit(client, f"Killed ({event.reason})")

    def _quit(self, client: Client, reason: str) -> Change:
        change = Change(ClientQuit(client.source, reason), self._peers(client))
        for channel in list(client.channels.values()):
            self._remove(client, channel)
        del self.clients[client.id], self._nicks[self.fold(client.nick)]
        return change

    def _nick_changed(self, entry: Entry, event: events.NickChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is None:
            return
        if self.client(event.nick) not in (None, client):
            if entry.origin is not None:
                yield Change(NicknameTaken(event.nick), (entry.origin,))
            return
        del self._nicks[self.fold(client.nick)]
        client.nick = event.nick
        self._nicks[self.fold(event.nick)] = client
        yield Change(event, self._peers(client))

    def _account_changed(self, entry: Entry, event: events.AccountChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.account = event.account
            yield Change(event, self._peers(client))

    def _away_changed(self, entry: Entry, event: events.AwayChanged) -> Iterator[Change]:
        client = self.clients.get(event.actor.client)
        if client is not None:
            client.away = event.message
            yield Change(event, self._peers(client))

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
                channel.ranks[account] = modes.OPERATOR
            self.channels[name] = channel
            self._touched.add(name)
        if client is None or client in channel.members:
            return
        if account is None:
            rank = "" if channel.members or channel.is_permanent else modes.OPERATOR
        else:
            rank = channel.ranks.get(account, "")
        channel.members[client] = rank
        channel.invited.discard(client.id)
        client.channels[name] = channel
        yield Change(event, self._audience(channel))
        yield Change(Entered(client, channel), tuple(client.sessions))

    def _parted(self, entry: Entry, event: events.Parted) -> Iterator[Change]:
        found = self._membership(event.actor.client, event.channel)
        if found is not None:
            client, channel = found
            yield Change(event, self._audience(channel))
            self._remove(client, channel)

    def _kicked(self, entry: Entry, event: events.Kicked) -> Iterator[Change]:
        found = self._membership(event.client, event.channel)
        if found is not None:
            client, channel = found
            yield Change(event, self._audience(channel))
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
        self._touched.add(self.fold(channel.name))
        yield Change(event, self._audience(channel))

    def _modes_changed(self, entry: Entry, event: events.ModesChanged) -> Iterator[Change]:
        channel = self.channel(event.channel)
        if channel is None:
            return
        for change in event.changes:
            self._change_mode(channel, change, entry, event)
        self._touched.add(self.fold(channel.name))
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
            self._touched.add(name)

    def _audience(self, channel: Channel) -> tuple[SessionId, ...]:
        return self._sessions(channel.members)

    def _peers(self, client: Client) -> tuple[SessionId, ...]:
        peers = {client: ""}
        for channel in client.channels.values():
            peers.update(channel.members)
        return self._sessions(peers)

    @staticmethod
    def _sessions(clients: Iterable[Client]) -> tuple[SessionId, ...]:
        return tuple(session for client in clients for session in client.sessions)


def _ranked(ranks: str, change: ModeChange) -> str:
    kept = ranks.replace(change.letter, "")
    return kept + change.letter if change.adding else kept


_BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.NodeStarted: Network._node_started,
    events.SessionRegistered: Network._session_registered,
    events.SessionEnded: Network._session_ended,
    events.Killed: Network._killed,
    events.NickChanged: Network._nick_changed,
    events.AccountChanged: Network._account_changed,
    events.AwayChanged: Network._away_changed,
    events.UserModesChanged: Network._user_modes_changed,
    events.Joined: Network._joined,
    events.Parted: Network._parted,
    events.Kicked: Network._kicked,
    events.Invited: Network._invited,
    events.TopicChanged: Network._topic_changed,
    events.ModesChanged: Network._modes_changed,
    events.MessageSent: Network._message_sent,
}
