"""Fills a log with messages, by the store's own encoding and its own insert."""

from __future__ import annotations

import sys
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256

import click

from chat.network.events import Actor, Entry, MessageSent
from chat.network.ids import ClientId, EventId, Timestamp
from chat.store.database import Cursor
from chat.store.event_table import encode_row, insert_rows
from chat.store.store import Store

#: Channels that take turns, so that a page is not one piece of the table.
CHANNELS = 10
#: Milliseconds between two messages.
_STEP = 20_000
_BATCH = 10_000
_ACTOR = Actor(ClientId("bench"), "alice!alice@127.0.0.1", "alice")


def channel(number: int) -> str:
    """Return where the message of that number is; numbers begin at 1."""
    return f"#bench{number % CHANNELS}"


def uid(number: int) -> EventId:
    """Return the id of a message: as random as real ones, and the same every time."""
    digest = sha256(number.to_bytes(8, "big")).digest()[:16]
    return EventId(urlsafe_b64encode(digest).decode().rstrip("="))


def moment(number: int, size: int, now: int) -> Timestamp:
    """Return the time of a message: the last of ``size`` is at ``now``, in milliseconds."""
    return Timestamp(now - (size - number) * _STEP)


async def fill(store: Store, size: int, now: int) -> None:
    """Write ``size`` messages to a new log, and a checkpoint behind them."""
    begun = time.perf_counter()
    numbers, hidden = range(1, size + 1, _BATCH), not sys.stderr.isatty()
    with click.progressbar(numbers, label="Filling", file=sys.stderr, hidden=hidden) as firsts:
        for first in firsts:
            count = min(_BATCH, size + 1 - first)
            await store.database.run_write(_insert, first, count, size, now)
    await store.checkpoints.save(size, [], [])
    click.echo(f"{size:,} messages written in {time.perf_counter() - begun:.0f} s", err=True)


def _insert(cursor: Cursor, first: int, count: int, size: int, now: int) -> None:
    rows = []
    for number in range(first, first + count):
        name = channel(number)
        text = f"message {number} of a long conversation about nothing much"
        event = MessageSent(_ACTOR, "PRIVMSG", name, text, channel=name)
        rows.append(encode_row(Entry(uid(number), moment(number, size, now), event)))
    insert_rows(cursor, first - 1, rows)


def milliseconds() -> int:
    """Return the time of day."""
    return int(datetime.now(UTC).timestamp() * 1000)
