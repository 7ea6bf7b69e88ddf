"""A hundred thousand messages at once."""

from __future__ import annotations

import click

from bench.comparing import number
from bench.report import Report, Table
from bench.scenario import Setting, scenario
from bench.servers import contest

_HEADS = (
    *("server", "drained s", "messages/s", "memory before MiB", "most MiB", "after MiB"),
    *("last echo s", "server CPU us/message"),
)


@scenario(rivals=(), repetitions=1)
@click.option("--messages", default=100_000, show_default=True, help="In all.")
@click.option("--clients", default=50, show_default=True, help="Who send them, and get echoes.")
def burst(setting: Setting, messages: int, clients: int) -> Report:
    """Fifty clients send a hundred thousand messages at once, as fast as they are taken.

    The server stores and echoes all of them, in order; its memory is looked at twenty times
    a second.  What it cannot take yet stays with the senders.
    """
    faults: list[str] = []
    rows: list[list[object]] = []
    each = messages // clients
    with contest(setting.databases) as servers:
        for server in servers:
            server.gather("b", clients, ("#b%d", clients), capabilities="echo-message")
        for _ in range(setting.repetitions):
            for server in servers:
                before = server.memory()
                with server.watched() as most:
                    run = server.load.checked(
                        faults, "talk", group="b", room="#b%d",
                        messages=each, window=each, size=64, limit=300,
                    )  # fmt: skip
                    figures = [before / 1024, most() / 1024, server.memory() / 1024]
                row: list[float] = [run.seconds, run.delivered / run.seconds, *figures]
                row += [run.latency.max / 1000, 1e6 * run.server_cpu / run.delivered]
                rows.append([server.name, *map(number, row)])
    title = f"{messages:,} messages of {clients} clients"
    return Report([Table(title, _HEADS, rows)], faults=faults)
