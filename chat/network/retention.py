"""How much history is kept: the network's bounds, and those of a room, which are stricter.

Source of mode +H: the module chanhistory of InspIRCd, and mode +H of UnrealIRCd.
"""

from __future__ import annotations

import re

from attrs import frozen

from chat.irc.durations import parse_duration
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.history import EPOCH, Conversation, Room
from chat.network.ids import Timestamp
from chat.network.settings import HistorySettings

_ARGUMENT = re.compile(r"(\d{1,9}):(\w{1,20})", re.ASCII)


@frozen
class Retention:
    """At most ``messages``, and none older than ``seconds``; 0 for no bound."""

    messages: int = 0
    seconds: int = 0

    def since(self, now: Timestamp) -> Timestamp:
        """Return the moment before which nothing is kept."""
        return Timestamp(max(EPOCH, now - self.seconds * 1000)) if self.seconds else EPOCH


def parse_retention(argument: str) -> Retention | None:
    """Return what ``1000:30d`` says, the argument of mode +H, or ``None``.

    A number alone is no duration: to some servers it is minutes, to others seconds.
    """
    found = _ARGUMENT.fullmatch(argument)
    if found is None:
        return None
    seconds = 0 if found[2] == "0" else parse_duration(found[2])
    return Retention(int(found[1]), seconds) if seconds is not None else None


def of_network(history: HistorySettings) -> Retention:
    """Return the bounds of every room and conversation."""
    return Retention(history.keep_messages, history.keep_days * 86_400)


def of_room(channel: Channel, history: HistorySettings) -> Retention:
    """Return the stricter of the network's bounds and the channel's own, each by itself."""
    network = of_network(history)
    own = parse_retention(channel.modes.get(modes.HISTORY, "")) or Retention()
    return Retention(_least(network.messages, own.messages), _least(network.seconds, own.seconds))


def _least(*bounds: int) -> int:
    return min(filter(None, bounds), default=0)


def visible_room(
    channel: Channel, member: Client, history: HistorySettings, now: Timestamp
) -> Room:
    """Return what ``member`` may see of a channel's history.

    With mode +J nobody sees what was said before they joined, not even operators.
    """
    since = of_room(channel, history).since(now)
    if modes.HISTORY_FROM_JOIN in channel.modes:
        since = max(since, channel.since[member])
    return Room(channel.name, since)


def visible_talk(
    account: str, other: str, history: HistorySettings, now: Timestamp
) -> Conversation:
    """Return what ``account`` may see of its messages with ``other``."""
    return Conversation(account, other, of_network(history).since(now))
