"""How events on channels, and messages, change the state.

One function for each event: total, and without policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from chat.irc.modes import ModeChange, ModeKind
from chat.network import events, metadata_branches, modes
from chat.network.changes import Change, Entered, InvitedByAnother, Renamed
from chat.network.entities import Channel
from chat.network.events import Entry, Event
from chat.network.records import (
    ChannelRecord,
    ListEntry,
    RecordKey,
    TopicRecord,
)

if TYPE_CHECKING:
    from chat.network.state import Network


def _joined(network: Network, entry: Entry, event: events.Joined) -> Iterator[Change]:
    client = network.clients.get(event.actor.client)
    name = network.fold(event.channel)
    channel = network.channels.get(name)
    account = event.actor.account
    if channel is None:
        # On replay only kept clients are there, but a channel with an owner lasts.
        is_owned = account is not None and event.is_first
        if client is None and not is_owned:
            return
        channel = Channel(event.channel, entry.time)
        channel.modes = dict.fromkeys(modes.INITIAL_MODES, "")
        if account is not None and is_owned:
            channel.modes[modes.PERMANENT] = ""
            channel.ranks[account] = modes.OPERATOR
        network.channels[name] = channel
        network.touch([RecordKey(ChannelRecord, name)])
    if client is None or client in channel.members:
        return
    if account is None:
        rank = "" if channel.members or channel.is_permanent else modes.OPERATOR
    else:
        rank = channel.ranks.get(account, "")
    network.enter(client, channel, rank, entry.time)
    channel.invited.discard(client.id)
    yield Change(event, network.witnesses(client, channel))
    yield Change(Entered(client, channel), tuple(client.sessions))
    yield from metadata_branches.begins(network, client.sessions, channel)
    yield from metadata_branches.joined(network, client, channel)
    if client.away is not None:
        others = tuple(
            session
            for session in network.witnesses(client, channel)
            if session not in client.sessions
        )
        yield Change(events.AwayChanged(client.actor, client.away), others)


def _parted(network: Network, entry: Entry, event: events.Parted) -> Iterator[Change]:
    found = network.membership(event.actor.client, event.channel)
    if found is not None:
        client, channel = found
        yield Change(event, network.witnesses(client, channel))
        network.remove(client, channel)


def _kicked(network: Network, entry: Entry, event: events.Kicked) -> Iterator[Change]:
    found = network.membership(event.client, event.channel)
    if found is not None:
        client, channel = found
        yield Change(event, network.witnesses(client, channel))
        network.remove(client, channel)


def _invited(network: Network, entry: Entry, event: events.Invited) -> Iterator[Change]:
    client = network.clients.get(event.client)
    channel = network.channel(event.channel)
    if client is None:
        return
    yield Change(event, tuple(client.sessions))
    if channel is not None:
        channel.invited.add(client.id)
        told = InvitedByAnother(event.actor.source, event.nick, channel.name)
        hosts = (
            member
            for member, ranks in channel.members.items()
            if modes.at_least(ranks, modes.HALF_OPERATOR) or member.id == event.actor.client
        )
        yield Change(told, network.sessions_of(hosts))


def _topic_changed(network: Network, entry: Entry, event: events.TopicChanged) -> Iterator[Change]:
    channel = network.channel(event.channel)
    if channel is None:
        return
    channel.topic = TopicRecord(event.text, event.actor.source, entry.time) if event.text else None
    network.touch([RecordKey(ChannelRecord, network.fold(channel.name))])
    yield Change(event, network.audience(channel))


def _channel_renamed(
    network: Network, entry: Entry, event: events.ChannelRenamed
) -> Iterator[Change]:
    old, new = network.fold(event.channel), network.fold(event.name)
    channel = network.channels.get(old)
    if channel is None or network.channels.get(new) not in (None, channel):
        return
    del network.channels[old]
    channel.name = event.name
    network.channels[new] = channel
    network.touch([RecordKey(ChannelRecord, old), RecordKey(ChannelRecord, new)])
    for member in channel.members:
        del member.channels[old]
        member.channels[new] = channel
        network.touch_client(member)
    for member in channel.members:
        yield Change(Renamed(event, member, channel), tuple(member.sessions))


def _modes_changed(network: Network, entry: Entry, event: events.ModesChanged) -> Iterator[Change]:
    channel = network.channel(event.channel)
    if channel is None:
        return
    for change in event.changes:
        _change_mode(network, channel, change, entry, event)
    network.touch([RecordKey(ChannelRecord, network.fold(channel.name))])
    yield Change(event, network.audience(channel))
    network.drop_if_over(network.fold(channel.name), channel)


def _change_mode(
    network: Network, channel: Channel, change: ModeChange, entry: Entry, event: events.ModesChanged
) -> None:
    letter, argument = change.letter, change.argument or ""
    match modes.CHANNEL_MODES[letter]:
        case ModeKind.LIST:
            masks = channel.lists.setdefault(letter, {})
            if change.adding:
                entries = ListEntry(argument, event.actor.source, entry.time)
                masks.setdefault(network.fold(argument), entries)
            else:
                masks.pop(network.fold(argument), None)
        case ModeKind.PREFIX:
            account = event.accounts.get(argument)
            if account is not None:
                channel.ranks[account] = _ranked(channel.ranks.get(account, ""), change)
                if not channel.ranks[account]:
                    del channel.ranks[account]
            member = network.client(argument)
            if member is not None and member in channel.members:
                channel.members[member] = _ranked(channel.members[member], change)
        case _ if change.adding:
            channel.modes[letter] = argument
        case _:
            channel.modes.pop(letter, None)


def _message_sent(network: Network, entry: Entry, event: events.MessageSent) -> Iterator[Change]:
    sender = network.clients.get(event.actor.client)
    if sender is not None:
        sender.active = entry.time
    if event.channel is not None:
        channel = network.channel(event.channel)
        if channel is None:
            return
        if event.rank:
            audience = network.sessions_of(
                member
                for member, ranks in channel.members.items()
                if member is sender or modes.at_least(ranks, event.rank)
            )
        else:
            audience = network.audience(channel)
        yield Change(event, audience)
        return
    receiver = network.clients.get(event.client) if event.client is not None else None
    if sender is not None and receiver is not None:
        network.accept(sender, receiver.id)  # whom one writes to may answer
    parties = dict.fromkeys(party for party in (receiver, sender) if party is not None)
    yield Change(event, network.sessions_of(parties))
    if sender is receiver and entry.origin is not None:
        # Who writes to itself is a receiver too, whether it wants an echo or not.
        yield Change(event, (entry.origin,), is_delivery=True)


def _message_redacted(
    network: Network, entry: Entry, event: events.MessageRedacted
) -> Iterator[Change]:
    channel = network.channel(event.channel) if event.channel is not None else None
    if channel is not None:
        yield Change(event, network.audience(channel))
        return
    ids = [event.actor.client, *([event.client] if event.client is not None else [])]
    parties = [network.clients[each] for each in dict.fromkeys(ids) if each in network.clients]
    yield Change(event, network.sessions_of(parties))


def _nothing(network: Network, entry: Entry, event: events.Tombstone) -> Iterator[Change]:
    return iter(())


def _message_relayed(
    network: Network, entry: Entry, event: events.MessageRelayed
) -> Iterator[Change]:
    channel = network.channel(event.channel)
    if channel is not None:
        yield Change(event, network.audience(channel))


def _ranked(ranks: str, change: ModeChange) -> str:
    kept = ranks.replace(change.letter, "")
    return kept + change.letter if change.adding else kept


BRANCHES: dict[type[Event], Callable[[Network, Entry, Any], Iterator[Change]]] = {
    events.Joined: _joined,
    events.Parted: _parted,
    events.Kicked: _kicked,
    events.Invited: _invited,
    events.TopicChanged: _topic_changed,
    events.ChannelRenamed: _channel_renamed,
    events.ModesChanged: _modes_changed,
    events.MessageSent: _message_sent,
    events.TagsSent: _message_sent,
    events.TypingSent: _message_sent,
    events.MessageRelayed: _message_relayed,
    events.MessageRedacted: _message_redacted,
    events.Tombstone: _nothing,
}
