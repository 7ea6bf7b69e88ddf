"""How soon a message is there, where people talk as people do."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

_COLUMNS = (
    Column[Outcome]("p50 ms", lambda run: run.latency.p50, min),
    Column[Outcome]("p99 ms", lambda run: run.latency.p99, min),
    Column[Outcome](
        "server CPU us/delivery", lambda run: 1e6 * run.server_cpu / run.delivered, min
    ),
)


@scenario()
@click.option("--clients", default=100, show_default=True, help="In the room.")
@click.option("--rate", default=50, show_default=True, help="Messages a second in all.")
@click.option("--seconds", default=2.0, show_default=True, help="How long each time.")
def latency(setting: Setting, clients: int, rate: int, seconds: float) -> Report:
    """The time from when a message is due until each one in the room has it.

    Ten people in turn say fifty messages a second.  Ours delivers behind the commit.
    """
    faults: list[str] = []
    senders = min(10, clients)
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            server.gather("l", clients, ("#l", clients))

        def run(server: Contestant) -> Outcome:
            count = max(1, int(rate * seconds / senders))
            talk = {"group": "l", "room": "#l", "senders": senders, "messages": count, "size": 64}
            return server.load.checked(faults, "talk", rate=rate, **talk)

        runs = rounds(servers, setting.repetitions, run)
    title = f"{clients} clients, {rate} messages a second"
    return Report([runs.table(title, _COLUMNS)], faults=faults)
