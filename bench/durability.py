"""What it costs that an echo means stored: commits, batches, and how long an echo takes."""

from __future__ import annotations

import json
import re
from typing import Any

import click
from attrs import frozen

from bench import report
from bench.generator import Load, Outcome, text
from bench.networks import network, on_databases, operator, running
from bench.process import talking
from bench.rival import inspircd
from chat.network.events import MessageSent
from tests.live.databases import Stored
from tests.live.irc import IRC
from tests.support.servers import Home, make_home

_HEADS = (
    *("server", "offered /s", "echoed /s", "echo p50 ms", "p99", "ratio of p50"),
    *("commits /s", "batch", "commit p50 ms", "p99", "server CPU us/message", "generator CPU %"),
)


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


@click.command()
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(1),
    multiple=True,
    default=(100, 1000, 5000),
    show_default=True,
    help="Messages offered in a second; may be repeated.",
)
@click.option("--seconds", default=10.0, show_default=True, help="How long each rate is offered.")
@click.option("--clients", default=20, show_default=True, help="Senders, each in its own channel.")
@click.option(
    "--rival",
    type=click.Choice(["inspircd", "none"]),
    default="inspircd",
    show_default=True,
    help="A server that stores nothing, offered the same; skipped where it is not installed.",
)
@on_databases
def durability(
    rates: tuple[int, ...], seconds: float, clients: int, rival: str, databases: tuple[str, ...]
) -> None:
    """Commits a second, batches, and the latency of an echo, by the rate that is offered.

    Messages of 64 bytes come at that rate whatever the server does, and the time until an echo
    counts from when its message was due.  Afterwards the log is compared with the echoes: each
    echoed message is stored exactly once, and in order; otherwise the exit code is 1.
    The generator is one Python process on the same CPUs: near 100 % it is what is measured.
    """
    report.surroundings()
    rows: list[list[Any]] = []
    wrong: list[str] = []
    for rate in rates:
        offer = _Offer(rate, seconds, clients)
        theirs = _rival(offer) if rival == "inspircd" else None
        for database in databases:
            with network(database) as stored:
                if stored is not None:
                    row, faults = _ours(stored, database, offer, theirs)
                    rows.append(row)
                    wrong += [f"{database} at {rate}/s: {fault}" for fault in faults]
        if theirs is not None:
            rows.append(_row("InspIRCd", offer, theirs, ("-",) * 4, 1.0))
    report.table(f"{clients} clients, {seconds:g} s of each rate", _HEADS, rows)
    if wrong:
        raise click.ClickException("\n".join(wrong))
    click.echo("\nEvery echoed message is in its log, once and in order.")


@frozen
class _Offer:
    """What every server is offered."""

    rate: int
    seconds: float
    clients: int

    def load(self, home: Home, port: int, pid: int) -> Load:
        """Return the load for a server, with a device of the network."""
        device = home.device("alice")
        return Load(
            port, pid, str(device.ca), str(device.pem), self.clients, self.rate, self.seconds
        )


def _rival(offer: _Offer) -> Outcome | None:
    home = make_home()
    with inspircd(home) as rival:
        if rival is None:
            return None
        with talking("bench.generator", offer.load(home, rival.port, rival.pid)) as tell:
            return Outcome(**tell("begin"))


def _ours(
    stored: Stored, name: str, offer: _Offer, theirs: Outcome | None
) -> tuple[list[Any], list[str]]:
    """Return a line of the table, and what is wrong with the log."""
    with running(stored) as server, operator(server) as client:
        assert server.process is not None
        load = offer.load(stored.home, server.port, server.process.pid)
        with talking("bench.generator", load) as tell:
            before = _Commits.ask(client)
            outcome = Outcome(**tell("begin"))
            after = _Commits.ask(client)
    count = after.commits - before.commits
    commits = (
        count / outcome.seconds,
        (after.entries - before.entries) / max(1, count),
        after.p50,
        after.p99,
    )
    ratio = outcome.p50 / theirs.p50 if theirs is not None else "-"
    return _row(name, offer, outcome, commits, ratio), _faults(stored, outcome)


def _row(
    name: str, offer: _Offer, outcome: Outcome, commits: tuple[Any, ...], ratio: float | str
) -> list[Any]:
    count = sum(outcome.echoed)
    cpu = (1e6 * outcome.server_cpu / max(1, count), 100 * outcome.own_cpu / outcome.seconds)
    echoed = count / outcome.seconds
    return [name, offer.rate, echoed, outcome.p50, outcome.p99, ratio, *commits, *cpu]


def _faults(stored: Stored, outcome: Outcome) -> list[str]:
    """Compare the log with the echoes."""
    kind = f"X'{MessageSent.__name__.encode().hex()}'"
    rows = stored.query(f"SELECT payload FROM event WHERE kind = {kind} ORDER BY sequence")
    logged: list[list[str]] = [[] for _ in outcome.echoed]
    for (payload,) in rows:
        said = json.loads(payload)["text"]  # type: ignore[arg-type]
        logged[int(said.split(".")[1])].append(said)
    faults = [] if outcome.in_order else ["echoes came out of order"]
    for client, count in enumerate(outcome.echoed):
        wanted = [text(client, number) for number in range(count)]
        if logged[client][:count] != wanted or len(set(logged[client])) != len(logged[client]):
            faults.append(f"the log is not what client {client} saw echoed")
    if sum(outcome.echoed) != outcome.sent:
        faults.append(f"{outcome.sent - sum(outcome.echoed)} messages had no echo in time")
    return faults
