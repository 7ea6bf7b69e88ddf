"""Which part of the log somebody wants to see: where, and relative to what.

Source: https://ircv3.net/specs/extensions/chathistory
"""

from __future__ import annotations

from enum import IntEnum

from attrs import frozen

from chat.network import events
from chat.network.ids import EventId, Timestamp

#: Before all that is stored.
EPOCH = Timestamp(0)


@frozen
class Room:
    """The history of a channel, from the moment ``since`` on."""

    name: str
    since: Timestamp = EPOCH


@frozen
class Conversation:
    """The direct messages between two accounts, or an account and a guest (`guest`)."""

    account: str
    other: str
    since: Timestamp = EPOCH


def guest(nick: str) -> str:
    """Return what stands for somebody without an account; no account has such a name."""
    return f"!{nick}"


Place = Room | Conversation
#: A message by its id, or a moment.
Reference = EventId | Timestamp


@frozen
class Span:
    """At most ``limit`` entries between two references, which do not belong to it.

    Counted from the older end, or with ``from_end`` from the newer one; they
    come oldest first in either case.
    """

    limit: int
    after: Reference | None = None
    before: Reference | None = None
    from_end: bool = False


@frozen
class Around:
    """About half of ``limit`` entries before ``reference``, the others from it on."""

    limit: int
    reference: Reference


@frozen
class Page:
    """What a part was answered with: ``entries``, oldest first.

    ``is_end``: in the direction of the part there is nothing beyond them;
    ``from_end``: that direction is back in time, or ``None``: it is both.
    """

    entries: tuple[events.Entry, ...]
    is_end: bool
    from_end: bool | None


@frozen
class Recent:
    """A place with the time of its latest message; ``name`` as people write it."""

    name: str
    time: Timestamp


class Layer(IntEnum):
    """To whom history shows an event."""

    #: To everybody who may see the place.
    MESSAGE = 0
    #: To those with event-playback: also that a message was taken back, which they may keep.
    EVENT = 1
    #: To nobody any more, but its id is still a reference.
    REDACTED = 2


#: What a page is of: messages, or with them the events that event-playback adds.
MESSAGES = (Layer.MESSAGE,)
PLAYBACK = (Layer.MESSAGE, Layer.EVENT)

_LAYERS: dict[type[events.Event], Layer] = {
    events.MessageSent: Layer.MESSAGE,
    events.MessageRelayed: Layer.MESSAGE,
    events.TagsSent: Layer.EVENT,
    events.Joined: Layer.EVENT,
    events.Parted: Layer.EVENT,
    events.Kicked: Layer.EVENT,
    events.TopicChanged: Layer.EVENT,
    events.ModesChanged: Layer.EVENT,
    events.MessageRedacted: Layer.EVENT,
    events.Tombstone: Layer.REDACTED,
}


def layer_of(event: events.Event) -> Layer | None:
    """Return the layer of an event, ``None`` where it is no history.

    A message to the operators of a room alone is none: a page is the same for all members.
    """
    if isinstance(event, events.MessageSent) and event.rank:
        return None
    return _LAYERS.get(type(event))
