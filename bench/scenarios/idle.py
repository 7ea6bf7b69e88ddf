"""What memory a client takes that only listens."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest


@scenario(databases=("sqlite",))
@click.option("--clients", default=300, show_default=True, help="Registered, each time.")
def idle(setting: Setting, clients: int) -> Report:
    """Resident memory of the server, for each client more.

    They are registered, in no room, and stay: the clients of the next round come on top.
    """
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            server.gather("warm", 20)
            server.load.order("close", group="warm")

        def run(server: Contestant) -> float:
            before = server.memory()
            server.gather("i", clients)
            return (server.memory() - before) / clients

        runs = rounds(servers, setting.repetitions, run)
        rest = {server.name: server.memory() / 1024 for server in servers}
    column = Column[float]("KiB/client", lambda value: value, min)
    table = runs.table(f"{clients} clients more, each time", [column])
    remark = ", ".join(f"{name} {size:.0f} MiB" for name, size in rest.items())
    return Report([table], [f"In all, at the end: {remark}."])
