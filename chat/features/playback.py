"""What CHATHISTORY, SEARCH and REPLAY share: whose history one may see, and entries as lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chat.features.feature import Effects, ReadTargets, Request, Viewer
from chat.features.rendering import render
from chat.irc.message import Message, serialize_limited, size_at_most
from chat.irc.names import looks_like_channel
from chat.network.events import Entry
from chat.network.history import Place, Room, guest
from chat.network.ids import Timestamp
from chat.network.retention import of_network, visible_room, visible_talk


def place_of(request: Request, target: str) -> Place | None:
    """Return what the client may see of a channel, or of its messages with somebody.

    ``None`` where nothing is kept; raises LookupError for a channel that it is not on.
    """
    client, history = request.client, request.settings.history
    if looks_like_channel(target):
        channel = request.network.channel(target)
        if channel is None or client not in channel.members:
            raise LookupError("Only members may read a channel's history")
        return visible_room(channel, client, history, request.now)
    if client.account is None:
        return None
    other = request.network.client(target)
    account = target if other is None else other.account or guest(other.nick)
    return visible_talk(client.account, account, history, request.now)


def rooms(request: Request) -> tuple[Room, ...]:
    """Return what the client may see of the channels that it is on."""
    client, history = request.client, request.settings.history
    return tuple(
        visible_room(channel, client, history, request.now) for channel in client.channels.values()
    )


def targets(request: Request, after: Timestamp, before: Timestamp, limit: int) -> ReadTargets:
    """Return the question where the client's messages between two moments are."""
    since = of_network(request.settings.history).since(request.now)
    return ReadTargets(request.client.account, rooms(request), since, after, before, limit)


def show(request: Request, entries: Iterable[Entry]) -> list[list[Message]]:
    """Return the lines of each entry, as the session sees them."""
    viewer = Viewer(
        request.session.capabilities,
        False,
        request.client.nick,
        request.network,
        request.settings,
        request.features,
    )
    return [list(render(request.features, entry, entry.event, viewer)) for entry in entries]


def fitting(
    request: Request, shown: Sequence[list[Message]], *, from_end: bool | None, pages: int = 1
) -> Sequence[list[Message]]:
    """Return as many entries as half of what may wait for the client holds, at least one.

    A page that its outbox cannot hold would cost a slow client its connection; where
    there are several ``pages`` they share it.  What is left out is at the older end
    with ``from_end``, or at both with ``None``.
    """
    room = request.settings.limits.sendq // 2 // pages
    if sum(size_at_most(line) for lines in shown for line in lines) <= room:
        return shown
    sizes = [sum(len(serialize_limited(line)) for line in lines) for lines in shown]
    first, behind, total = 0, len(shown), sum(sizes)
    while total > room and behind - first > 1:
        if from_end or (from_end is None and first <= len(shown) - behind):
            total -= sizes[first]
            first += 1
        else:
            behind -= 1
            total -= sizes[behind]
    return shown[first:behind]


def batch(
    request: Request,
    reference: str,
    kind: Sequence[str],
    lines: Iterable[Message],
    tags: Mapping[str, str],
) -> Effects:
    """Yield the lines, within a batch for who knows batches."""
    if "batch" not in request.session.capabilities:
        yield from lines
        return
    yield Message("BATCH", (f"+{reference}", *kind), tags=tags)
    for line in lines:
        # A multiline message is a batch within the batch.
        yield line if "batch" in line.tags else line.tagged({"batch": reference})
    yield Message("BATCH", (f"-{reference}",))
