"""How long a page of history takes, by how much there is."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import click
from attrs import frozen

from bench.comparing import Column, Figure, rounds
from bench.fill import CHANNELS, channel, fill, milliseconds, moment, uid
from bench.generator import Outcome
from bench.networks import Network
from bench.report import Report, Table, percentile
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest
from bench.store import with_store
from chat.features.server_time import iso8601
from chat.network.history import MESSAGES, Room, Span
from chat.network.ids import Timestamp
from chat.store.store import Store

_PAGE = 100
#: More messages than that take long to fill in: their results have a place of their own.
_LARGE = 1_000_000
_LATEST, _BEFORE, _BETWEEN = _KINDS = ("LATEST", "BEFORE a msgid", "BETWEEN two times")
_CAPABILITIES = "batch draft/chathistory message-tags server-time"
_COLUMNS = (
    Column[Outcome]("p50 ms", lambda run: run.asked.p50, min),
    Column[Outcome]("p99 ms", lambda run: run.asked.p99, min),
    Column[Outcome]("server CPU us/page", lambda run: 1e6 * run.server_cpu / run.answers, min),
)


@frozen
class _Log:
    """A log of so many messages, the last of them at ``now``."""

    size: int
    now: int

    def pages(self, kind: str, count: int) -> list[Span]:
        """Return pages of a kind, each a full one in the channel that is read."""
        chance = random.Random(self.size)
        found = []
        for _ in range(count):
            # Message 0 modulo CHANNELS is in the channel that is read.
            number = CHANNELS * chance.randint(_PAGE + 1, self.size // CHANNELS - _PAGE)
            start = moment(number, self.size, self.now)
            end = moment(number + CHANNELS * (_PAGE + 1), self.size, self.now)
            match kind:
                case "LATEST":
                    found.append(Span(_PAGE, from_end=True))
                case "BEFORE a msgid":
                    found.append(Span(_PAGE, before=uid(number), from_end=True))
                case _:
                    found.append(Span(_PAGE, after=start, before=end))
        return found


@scenario(rivals=("ergo",))
@click.option(
    "--messages",
    "sizes",
    type=click.IntRange(10_000, 100_000_000),
    multiple=True,
    default=(10_000, 200_000),
    show_default=True,
    help="In the log; may be repeated.",
)
@click.option("--requests", default=100, show_default=True, help="Pages of each kind, each time.")
def history(setting: Setting, sizes: tuple[int, ...], requests: int) -> Report:
    """The latency of a CHATHISTORY page of 100 messages, by the size of the log.

    Three kinds of pages: LATEST, BEFORE a random msgid, BETWEEN two timestamps with just over
    100 messages, in one of ten rooms, as a conversation is spread over a table.  "The query
    alone" is asked in this process; else it is a client's question over TLS until the batch
    has ended, from a server with nothing else to do.  Ergo keeps 2,048 messages in memory.
    """
    tables = []
    for size in sorted(set(sizes)):
        log = _Log(size, milliseconds())
        rows: list[list[object]] = []

        def prepare(
            name: str, place: Network, log: _Log = log, rows: list[list[object]] = rows
        ) -> None:
            async def fill_and_read(store: Store) -> None:
                await fill(store, log.size, log.now)
                for kind in _KINDS:
                    taken = await _from_store(store, log.pages(kind, requests), setting)
                    rows.append([name, kind, *taken])

            with_store(place.url, place.stored.home.directory, fill_and_read)

        with contest(setting.databases, setting.rivals, prepare) as servers:
            for server in servers:
                if not server.is_ours:
                    server.gather("w", 2, (channel(0), 2))
                    talk = {"group": "w", "room": channel(0), "senders": 1, "window": 1}
                    server.load.order("talk", messages=2 * _PAGE, size=64, **talk)
                server.gather("h", 1, (channel(0), 1), capabilities=_CAPABILITIES)
            for kind in _KINDS:
                # Only ours has the messages whose ids and times are known.
                able = [one for one in servers if one.is_ours or kind == _LATEST]
                questions = [_question(span) for span in log.pages(kind, requests)]

                def run(server: Contestant, questions: list[str] = questions) -> Outcome:
                    return _ask(server, questions)

                runs = rounds(able, setting.repetitions, run)
                tables.append(runs.table(f"{kind}, {size:,} messages", _COLUMNS))
        heads = ["server", "page", "p50 ms", "p99 ms"]
        tables.append(Table(f"The query alone, {size:,} messages", heads, rows))
    return Report(tables, place="history-large" if max(sizes) > _LARGE else "")


def _ask(server: Contestant, questions: Sequence[str]) -> Outcome:
    outcome = server.load.order(
        "ask", group="h", lines=questions, answered="BATCH -", rows=" PRIVMSG "
    )
    if outcome.rows != _PAGE * len(questions):
        raise click.ClickException(
            f"{server.name}: {len(questions)} pages had {outcome.rows} messages"
        )
    return outcome


async def _from_store(
    store: Store, pages: Sequence[Span], setting: Setting
) -> tuple[Figure, Figure]:
    p50, p99 = [], []
    for _ in range(setting.repetitions):
        taken = []
        for span in pages:
            begun = time.perf_counter()
            page = await store.history.read(Room(channel(0)), span, MESSAGES)
            taken.append(1000 * (time.perf_counter() - begun))
            if page is None or len(page.entries) != _PAGE:
                raise click.ClickException(f"the store has no full page for {span}")
        p50.append(percentile(taken, 0.5))
        p99.append(percentile(taken, 0.99))
    return Figure(tuple(p50)), Figure(tuple(p99))


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
