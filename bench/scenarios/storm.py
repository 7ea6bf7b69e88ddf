"""How soon everybody is back after a crash."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

_COLUMNS = (
    Column[Outcome]("all back s", lambda run: run.seconds, min),
    Column[Outcome]("half of them s", lambda run: run.taken.p50 / 1000),
    Column[Outcome]("server CPU s", lambda run: run.server_cpu, min),
    Column[Outcome]("generator CPU s", lambda run: run.own_cpu),
    Column[Outcome]("turned away", lambda run: run.turned_away),
)


@scenario(repetitions=2)
@click.option("--clients", default=300, show_default=True, help="Who come back.")
def storm(setting: Setting, clients: int) -> Report:
    """Clients lose a server that is killed, and try again four times a second.

    All of them make full handshakes, since the new process has new keys for tickets.  The
    time counts from when the server takes connections again until the last one is
    registered.  A client that is turned away before it is registered is a fault of ours.
    """
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            server.load.order("storm", group="s", count=clients)
            server.load.order("calm")

        def run(server: Contestant) -> Outcome:
            server.restart()
            return server.load.order("calm", processes=server.processes)

        runs = rounds(servers, setting.repetitions, run)
    faults = [
        f"{name} turned away {one.turned_away}"
        for name in runs.ours
        for one in runs.taken[name]
        if one.turned_away
    ]
    return Report([runs.table(f"{clients} clients", _COLUMNS)], faults=faults)
