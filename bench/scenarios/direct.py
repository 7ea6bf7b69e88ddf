"""What a message from one to another costs."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

_COLUMNS = (
    Column[Outcome]("messages/s", lambda run: run.messages / run.seconds, max),
    Column[Outcome]("server CPU us/message", lambda run: 1e6 * run.server_cpu / run.messages, min),
    Column[Outcome]("round trip p50 ms", lambda run: run.latency.p50, min),
    Column[Outcome]("p99 ms", lambda run: run.latency.p99, min),
)


@scenario(databases=("sqlite", "mariadb", "memory"))
@click.option("--pairs", default=20, show_default=True, help="Who talk with each other.")
@click.option("--messages", default=100, show_default=True, help="Of each one.")
def direct(setting: Setting, pairs: int, messages: int) -> Report:
    """Pairs of people answer each other as fast as they can: messages a second, and their CPU.

    ``no disk`` is ours with its database in memory: the same work without durability.
    """
    faults: list[str] = []
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            server.gather("d", 2 * pairs)
            _run(server, 5, faults)
        runs = rounds(servers, setting.repetitions, lambda one: _run(one, messages, faults))
    return Report([runs.table(f"{pairs} pairs", _COLUMNS)], faults=faults)


def _run(server: Contestant, messages: int, faults: list[str]) -> Outcome:
    return server.load.checked(faults, "direct", group="d", messages=messages, size=64)
