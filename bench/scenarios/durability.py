"""What it costs that an echo means stored: how many a second, and how long each takes."""

from __future__ import annotations

import json
import re

import click
from attrs import frozen

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.networks import operator
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest
from chat.network.events import MessageSent
from tests.live.databases import Stored
from tests.live.irc import IRC

_SIZE = 64


@frozen
class _Commits:
    """What STATS t says of the log."""

    commits: int
    entries: int
    p50: float
    p99: float

    @classmethod
    def ask(cls, client: IRC) -> _Commits:
        """Ask the server."""
        answer = "\n".join(client.exchange("STATS t"))
        counts = re.search(r"commits (\d+), entries (\d+)", answer)
        spread = re.search(r"commit ms p50 ([\d.]+), p99 ([\d.]+)", answer)
        if counts is None or spread is None:
            raise click.ClickException(f"STATS t answers otherwise:\n{answer}")
        return cls(int(counts[1]), int(counts[2]), float(spread[1]), float(spread[2]))


@frozen
class _Run:
    """What came of one rate; of a rival there are no commits."""

    outcome: Outcome
    before: _Commits | None = None
    after: _Commits | None = None

    @property
    def batch(self) -> float:
        """Messages of one commit."""
        if self.before is None or self.after is None:
            return float("nan")
        commits = self.after.commits - self.before.commits
        return (self.after.entries - self.before.entries) / max(1, commits)

    @property
    def database_cpu(self) -> float:
        """CPU seconds of a database in a process of its own."""
        return sum(self.outcome.cpu[1:]) if len(self.outcome.cpu) > 1 else float("nan")

    def each(self, seconds: float) -> float:
        """Return microseconds a message."""
        return 1e6 * seconds / max(1, self.outcome.delivered)


_COLUMNS = (
    Column[_Run]("echoed/s", lambda run: run.outcome.delivered / run.outcome.seconds),
    Column[_Run]("echo p50 ms", lambda run: run.outcome.latency.p50, min),
    Column[_Run]("p99 ms", lambda run: run.outcome.latency.p99, min),
    Column[_Run]("messages/commit", lambda run: run.batch),
    Column[_Run]("commit p50 ms", lambda run: run.after.p50 if run.after else float("nan")),
    Column[_Run]("p99 ms", lambda run: run.after.p99 if run.after else float("nan")),
    Column[_Run]("server CPU us/message", lambda run: run.each(run.outcome.server_cpu), min),
    Column[_Run]("database CPU", lambda run: run.each(run.database_cpu)),
)


@scenario(rivals=("inspircd", "ergo"))
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(1),
    multiple=True,
    default=(1000, 10_000),
    show_default=True,
    help="Messages offered in a second; may be repeated.",
)
@click.option("--seconds", default=2.0, show_default=True, help="How long, each time.")
@click.option("--clients", default=20, show_default=True, help="Senders, each in its own room.")
def durability(setting: Setting, rates: tuple[int, ...], seconds: float, clients: int) -> Report:
    """The latency of an echo by the rate that is offered, and commits and their batches.

    Messages of 64 bytes come at that rate whatever the server does, and the time until an
    echo counts from when its message was due.  Afterwards the log is compared with what was
    said: each message is stored exactly once, and in order; otherwise the exit code is 1.
    """
    faults: list[str] = []
    tables = []
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            server.gather("e", clients, ("#own%d", clients), capabilities="echo-message")
        said: list[int] = []
        for rate in rates:
            count = max(1, int(rate * seconds / clients))

            def run(server: Contestant, rate: int = rate, count: int = count) -> _Run:
                return _offer(server, rate, count, faults)

            said += [count] * setting.repetitions
            title = f"{clients} clients, {rate:,} messages a second"
            tables.append(rounds(servers, setting.repetitions, run).table(title, _COLUMNS))
        for server in servers:
            if server.network is not None:
                found = _faults(server.network.stored, clients, said)
                faults += [f"{server.name}: {fault}" for fault in found]
    remark = "Every message that was echoed is in its log, once and in order."
    return Report(tables, [] if faults else [remark], faults)


def _offer(server: Contestant, rate: int, count: int, faults: list[str]) -> _Run:
    talk = {"group": "e", "room": "#own%d", "rate": rate, "messages": count, "size": _SIZE}
    if server.network is None:
        return _Run(server.load.checked(faults, "talk", **talk))
    with operator(server.port, server.network.stored) as client:
        before = _Commits.ask(client)
        outcome = server.load.checked(faults, "talk", **talk)
        return _Run(outcome, before, _Commits.ask(client))


def _faults(stored: Stored, clients: int, said: list[int]) -> list[str]:
    """Compare the log with what each client said: so many messages each time."""
    kind = f"X'{MessageSent.__name__.encode().hex()}'"
    rows = stored.query(f"SELECT payload FROM event WHERE kind = {kind} ORDER BY sequence")
    logged: list[list[str]] = [[] for _ in range(clients)]
    for (payload,) in rows:
        text = json.loads(payload)["text"]  # type: ignore[arg-type]
        logged[int(text[1:6])].append(text)
    wanted = [number for count in said for number in range(count)]
    return [
        f"the log is not what client {client} said"
        for client in range(clients)
        if logged[client] != [_text(client, number) for number in wanted]
    ]


def _text(sender: int, number: int) -> str:
    """Return what ``bench/load/tally.go`` lets a client say."""
    return f"s{sender:05}.{number:07}.".ljust(_SIZE, "x")
