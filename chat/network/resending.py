"""Messages that are sent again: the same message of the same account has the same id.

A client whose connection broke does not know whether its last messages were
stored.  It names each with the client-only tag `NAME_TAG`, unique in its account, and
sends what was not echoed again: the entry's id follows from the name, and the
log, in which an id stands once, answers with the first.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256

from chat.irc.casemap import ascii_fold
from chat.irc.message import NAME_TAG
from chat.network.events import Event, MessageSent
from chat.network.ids import EventId

#: Bytes of the digest that make an id: as many as a random one has.
_BYTES = 16


def named_id(event: Event) -> EventId | None:
    """Return the id of a message that its sender named, or ``None`` where it did not.

    It follows from account, name and receiver: one command may have several
    receivers.  Guests have no account, and so none of their messages is named.
    """
    if not isinstance(event, MessageSent) or not event.stored or event.actor.account is None:
        return None
    name = event.tags.get(NAME_TAG)
    if not name:
        return None
    parts = (ascii_fold(event.actor.account), ascii_fold(event.target), name)
    digest = sha256("\0".join(parts).encode()).digest()
    return EventId(urlsafe_b64encode(digest[:_BYTES]).rstrip(b"=").decode())
