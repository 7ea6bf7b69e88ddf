"""Which part of the log somebody wants to see: where, and relative to what.

Source: https://ircv3.net/specs/extensions/chathistory
"""

from __future__ import annotations

from attrs import frozen

from chat.network import events
from chat.network.ids import EventId, Timestamp


@frozen
class Room:
    """The history of a channel."""

    name: str


@frozen
class Conversation:
    """The direct messages between two accounts, or an account and a guest (`guest`)."""

    account: str
    other: str


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
class Recent:
    """A place with the time of its latest message; ``name`` as people write it."""

    name: str
    time: Timestamp


#: The events that are history for everybody, and those that event-playback adds.
MESSAGES: tuple[type[events.Event], ...] = (events.MessageSent, events.MessageRelayed)
PLAYBACK: tuple[type[events.Event], ...] = (
    *MESSAGES,
    events.TagsSent,
    events.Joined,
    events.Parted,
    events.Kicked,
    events.TopicChanged,
    events.ModesChanged,
)
