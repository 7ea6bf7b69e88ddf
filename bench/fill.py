"""Fills a store by its own encoding: a log with messages, accounts, rooms."""

from __future__ import annotations

import sys
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256

import click

from chat.network.events import Actor, Entry, MessageSent
from chat.network.ids import ClientId, EventId, Timestamp
from chat.network.modes import PERMANENT
from chat.network.records import ChannelRecord, TopicRecord
from chat.server.passwords import hash_password
from chat.store.database import Cursor
from chat.store.event_table import append_rows, encode_row
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


async def fill_rooms(store: Store, count: int) -> None:
    """Write that many permanent rooms into the checkpoint."""
    now = Timestamp(milliseconds())
    topic = TopicRecord("what this room is about", "alice!alice@127.0.0.1", now)
    records = [
        ChannelRecord(f"#room{number}", now, topic, {PERMANENT: ""}, {}, {})
        for number in range(count)
    ]
    await store.checkpoints.save(0, records, [])


async def fill_accounts(store: Store, count: int) -> None:
    """Write that many accounts, all with the same password."""
    now, hashed = milliseconds(), hash_password("sesame", rounds=4)
    if count:
        await store.database.run_write(_insert_accounts, count, now, hashed)


def _insert_accounts(cursor: Cursor, count: int, now: int, hashed: bytes) -> None:
    rows = []
    for number in range(count):
        name = f"person{number}".encode()
        rows.append((name, name, hashed, b"user", now, b""))
    columns = "folded, name, password, role, created, scram"
    cursor.executemany(f"INSERT INTO account ({columns}) VALUES (?, ?, ?, ?, ?, ?)", rows)


def _insert(cursor: Cursor, first: int, count: int, size: int, now: int) -> None:
    rows = []
    for number in range(first, first + count):
        name = channel(number)
        text = f"message {number} of a long conversation about nothing much"
        event = MessageSent(_ACTOR, "PRIVMSG", name, text, channel=name)
        rows.append(encode_row(Entry(uid(number), moment(number, size, now), event)))
    append_rows(cursor, rows)


def milliseconds() -> int:
    """Return the time of day."""
    return int(datetime.now(UTC).timestamp() * 1000)
