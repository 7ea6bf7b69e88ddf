"""What a message to a room costs, by how many hear it and how many speak."""

from __future__ import annotations

import click
from attrs import frozen

from bench.comparing import Column, Runs, rounds
from bench.generator import Outcome
from bench.report import Bar, Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

TAGS = (
    "account-tag batch echo-message labeled-response message-tags msgid server-time"
    " userhost-in-names extended-join"
)
_COLUMNS = (
    Column[Outcome]("server CPU us/delivery", lambda run: _each(run, run.server_cpu), min),
    Column[Outcome]("deliveries/s", lambda run: run.delivered / run.seconds, max),
    Column[Outcome]("p50 ms", lambda run: run.latency.p50),
    Column[Outcome]("p99 ms", lambda run: run.latency.p99),
    Column[Outcome]("deliveries/record", lambda run: run.delivered / run.records),
    Column[Outcome]("generator CPU us/delivery", lambda run: _each(run, run.own_cpu)),
)


def _each(run: Outcome, seconds: float) -> float:
    return 1e6 * seconds / run.delivered


@frozen
class _Shape:
    """Who hears, and how many speak with so many messages on the way."""

    title: str
    group: str
    clients: int
    senders: int
    window: int
    messages: int

    def run(self, server: Contestant, faults: list[str], messages: int = 0) -> Outcome:
        return server.load.checked(
            faults,
            "talk",
            group=self.group,
            count=self.clients,
            room=f"#{self.group}{self.clients}",
            senders=self.senders,
            window=self.window,
            messages=messages or self.messages,
            size=64,
        )


@scenario()
@click.option("--clients", default=100, show_default=True, help="In the room.")
@click.option("--more-clients", default=500, show_default=True, help="In the large room.")
@click.option("--messages", default=100, show_default=True, help="Of each of the ten senders.")
def fanout(setting: Setting, clients: int, more_clients: int, messages: int) -> Report:
    """The CPU of a delivery, and deliveries a second.

    Ten senders with four messages on the way let a server put many into one write; one
    sender with one message on the way does not.  A message is on the way until everybody
    has it.  With all tags, each line has msgid, server-time and account where the server
    knows them, and the sender gets an echo.  Ours delivers behind the commit; the others
    store nothing on disk.  The ratio is to the best of the others in the same round.
    """
    shapes = [
        _Shape(f"{clients} clients, 10 senders, window 4", "f", clients, 10, 4, messages),
        _Shape(f"{clients} clients, 1 sender, window 1", "f", clients, 1, 1, 2 * messages),
        _Shape(f"{more_clients} clients, 10 senders", "f", more_clients, 10, 4, messages // 3 + 1),
        _Shape(f"{clients} clients, all tags", "t", clients, 10, 4, messages),
    ]
    faults: list[str] = []
    tables, bars = [], []
    with contest(setting.databases, setting.rivals) as servers:
        tagged = []
        for server in servers:
            rooms = [(f"#f{size}", size) for size in (clients, more_clients)]
            server.gather("f", max(clients, more_clients), *rooms)
            with_tags = server.gather("t", clients, (f"#t{clients}", clients), capabilities=TAGS)
            if "message-tags" in with_tags.granted:
                tagged.append(server)
        for shape in shapes:
            able = tagged if shape.group == "t" else servers
            for server in able:
                shape.run(server, faults, messages=5)

            def run(server: Contestant, shape: _Shape = shape) -> Outcome:
                return shape.run(server, faults)

            runs = rounds(able, setting.repetitions, run)
            tables.append(runs.table(shape.title, _COLUMNS))
            bars += [bar for column in _COLUMNS[:2] for bar in _bars(shape, runs, column)]
    order = [_title(shape, column) for column in _COLUMNS[:2] for shape in shapes]
    bars.sort(key=lambda bar: order.index(bar.title))
    return Report(tables, faults=faults, bars=bars)


def _bars(shape: _Shape, runs: Runs[Outcome], column: Column[Outcome]) -> list[Bar]:
    return [
        Bar(_title(shape, column), name, runs.figure(name, column.value).median, name in runs.ours)
        for name in runs.taken
    ]


def _title(shape: _Shape, column: Column[Outcome]) -> str:
    better = "less" if column.best is min else "more"
    return f"{shape.title}: {column.head} ({better} is better)"
