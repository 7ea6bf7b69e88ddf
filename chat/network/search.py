"""What somebody looks for in history, and what was found.

Source: soju, doc/ext/search.md.
"""

from __future__ import annotations

from attrs import frozen

from chat.network.events import Entry, Event, MessageRelayed, MessageSent
from chat.network.history import EPOCH, Place
from chat.network.ids import Timestamp


@frozen
class Search:
    """Messages in ``places``, and in the conversations of ``account`` from ``since`` on.

    All that is given has to hold: ``text`` is in the message and ``sender`` is the
    nickname or account of who said it, both without case; ``after`` and ``before``
    belong to what is searched.  From ``after`` on where it is given, else back in time.
    """

    places: tuple[Place, ...]
    #: The most messages that are wanted, and that are looked at.
    limit: int
    rows: int
    account: str | None = None
    since: Timestamp = EPOCH
    text: str = ""
    sender: str = ""
    after: Timestamp | None = None
    before: Timestamp | None = None

    @property
    def is_forward(self) -> bool:
        """Whether it begins with the oldest."""
        return self.after is not None

    def matches(self, event: Event) -> bool:
        """Return whether text and sender are those of a message."""
        match event:
            case MessageSent():
                names = [event.actor.source.partition("!")[0], event.actor.account or ""]
            case MessageRelayed():
                names = [event.source.partition("!")[0]]
            case _:
                return False
        is_sender = self.sender.casefold() in ("", *(name.casefold() for name in names))
        return is_sender and self.text.casefold() in event.text.casefold()


@frozen
class Found:
    """The entries, oldest first; ``moment`` is where to go on if the search ended too early."""

    entries: tuple[Entry, ...]
    moment: Timestamp | None = None
