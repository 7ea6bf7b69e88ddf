"""The kinds of identifier, each its own type so that they cannot be mixed up."""

from __future__ import annotations

from typing import NewType

#: One connection, unique over the life of the network.
SessionId = NewType("SessionId", str)
#: One nickname's holder: the id of the first of its sessions.
ClientId = NewType("ClientId", str)
#: An entry of the log; for a message it is also the ``msgid`` that clients see.
EventId = NewType("EventId", str)
#: Position in the log: dense, from 1.
Sequence = NewType("Sequence", int)
#: Milliseconds since 1970-01-01T00:00:00Z.
Timestamp = NewType("Timestamp", int)
