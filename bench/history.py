"""How long a page of history takes, by how much there is."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import click
from attrs import frozen

from bench import report
from bench.fill import CHANNELS, channel, fill, milliseconds, moment, uid
from bench.networks import database_url, network, on_databases, operator, running
from bench.store import with_store
from chat.features.server_time import iso8601
from chat.network.history import MESSAGES, Room, Span
from chat.network.ids import Timestamp
from chat.store.store import Store
from tests.live.databases import Stored
from tests.live.irc import IRC

_PAGE = 100
_KINDS = ("LATEST", "BEFORE a msgid", "BETWEEN two times")
_CAPABILITIES = "batch draft/chathistory message-tags server-time"
_WARM_UP = 30

#: By kind of page, the seconds that each took.
Taken = dict[str, list[float]]


@frozen
class _Size:
    """A log of so many messages, the last of them at ``now``."""

    size: int
    now: int

    def pages(self, count: int) -> Iterator[tuple[str, Span]]:
        """Yield kinds of pages in turn, each in a channel with a full page there."""
        chance = random.Random(self.size)
        for turn in range(count * len(_KINDS)):
            kind = _KINDS[turn % len(_KINDS)]
            # Message 0 modulo CHANNELS is in the channel that is read.
            number = CHANNELS * chance.randint(_PAGE + 1, self.size // CHANNELS - _PAGE)
            start = moment(number, self.size, self.now)
            end = moment(number + CHANNELS * (_PAGE + 1), self.size, self.now)
            match kind:
                case "LATEST":
                    yield kind, Span(_PAGE, from_end=True)
                case "BEFORE a msgid":
                    yield kind, Span(_PAGE, before=uid(number), from_end=True)
                case _:
                    yield kind, Span(_PAGE, after=start, before=end)


@click.command()
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(10_000, 10_000_000),
    multiple=True,
    default=(10_000, 1_000_000),
    show_default=True,
    help="Messages in the log; may be repeated, the ratio is of the largest to the smallest.",
)
@click.option("--requests", default=300, show_default=True, help="Pages of each kind.")
@on_databases
def history(sizes: tuple[int, ...], requests: int, databases: tuple[str, ...]) -> None:
    """The latency of a CHATHISTORY page of 100 messages, by the size of the log.

    Three kinds of pages in turn: LATEST, BEFORE a random msgid, BETWEEN two timestamps with just
    over 100 messages.  "store" is the query alone, in this process and with its thread; "wire" is
    a client's question over TLS until the batch has ended, from a server with nothing else to do.
    The messages are spread over 10 channels, as a conversation is over a table.
    """
    report.surroundings()
    for database in databases:
        taken: dict[int, tuple[Taken, Taken]] = {}
        for size in sorted(set(sizes)):
            with network(database) as stored:
                if stored is None:
                    break
                taken[size] = _measure(stored, _Size(size, milliseconds()), requests)
        _print(database, taken)


def _measure(stored: Stored, log: _Size, requests: int) -> tuple[Taken, Taken]:
    async def fill_and_read(store: Store) -> Taken:
        await fill(store, log.size, log.now)
        return await _from_store(store, log, requests)

    alone = with_store(database_url(stored), stored.home.directory, fill_and_read)
    with running(stored) as server, operator(server, _CAPABILITIES) as client:
        client.exchange(f"JOIN {channel(0)}")
        return alone, _over_wire(client, log, requests)


async def _from_store(store: Store, log: _Size, requests: int) -> Taken:
    taken: Taken = {kind: [] for kind in _KINDS}
    for turn, (kind, span) in enumerate(log.pages(requests + _WARM_UP)):
        begun = time.perf_counter()
        page = await store.history.read(Room(channel(0)), span, MESSAGES)
        seconds = time.perf_counter() - begun
        assert page is not None, kind
        assert len(page.entries) == _PAGE, (kind, len(page.entries))
        if turn >= _WARM_UP * len(_KINDS):
            taken[kind].append(seconds)
    return taken


def _over_wire(client: IRC, log: _Size, requests: int) -> Taken:
    taken: Taken = {kind: [] for kind in _KINDS}
    for turn, (kind, span) in enumerate(log.pages(requests + _WARM_UP)):
        client.seen.clear()
        client._looked = 0
        begun = time.perf_counter()
        client.send(_question(span))
        client.expect(r"\S+ BATCH -")
        seconds = time.perf_counter() - begun
        count = sum(" PRIVMSG " in line for line in client.seen)
        assert count == _PAGE, (kind, count)
        if turn >= _WARM_UP * len(_KINDS):
            taken[kind].append(seconds)
    return taken


def _question(span: Span) -> str:
    match span.after, span.before:
        case None, None:
            return f"CHATHISTORY LATEST {channel(0)} * {_PAGE}"
        case None, str(before):
            return f"CHATHISTORY BEFORE {channel(0)} msgid={before} {_PAGE}"
        case int(after), int(before):
            first, last = (f"timestamp={iso8601(Timestamp(one))}" for one in (after, before))
            return f"CHATHISTORY BETWEEN {channel(0)} {first} {last} {_PAGE}"
    raise ValueError(span)


def _print(database: str, taken: dict[int, tuple[Taken, Taken]]) -> None:
    if not taken:
        return
    rows: list[list[Any]] = []
    for kind in _KINDS:
        lines = {
            size: [
                1000 * report.percentile(part[kind], share)
                for part in parts
                for share in (0.5, 0.99)
            ]
            for size, parts in taken.items()
        }
        rows += [[kind, f"{size:,}", *line] for size, line in lines.items()]
        if len(lines) > 1:
            least, most = lines[min(lines)], lines[max(lines)]
            rows.append([kind, "ratio", *(b / a for a, b in zip(least, most, strict=True))])
    heads = ["page", "messages", "store p50 ms", "p99", "wire p50 ms", "p99"]
    report.table(f"A page of {_PAGE} messages on {database}", heads, rows)
