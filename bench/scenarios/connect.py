"""What a connection costs, with a full handshake and with a resumed one."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest


@scenario()
@click.option("--connections", default=300, show_default=True, help="Of each kind, each time.")
@click.option("--at-once", default=16, show_default=True, help="How many at the same time.")
def connect(setting: Setting, connections: int, at_once: int) -> Report:
    """Connections a second, from TCP until the server's first line, and their CPU.

    TLS 1.3 with a client's certificate, all from one address; each ends behind the answer
    to CAP LS.  Then each client offers the ticket that it got before; who gives none, or
    takes none, is left out there.
    """
    columns = (
        Column[Outcome]("connections/s", lambda run: connections / run.seconds, max),
        Column[Outcome](
            "server CPU us/connection", lambda run: 1e6 * run.server_cpu / connections, min
        ),
        Column[Outcome]("p50 ms", lambda run: run.taken.p50),
        Column[Outcome]("p99 ms", lambda run: run.taken.p99),
    )

    def run(server: Contestant, resume: bool) -> Outcome:
        return server.load.order(
            "dial", group="c", count=connections, in_flight=at_once, brief=True, resume=resume
        )

    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            run(server, resume=False)
        full = rounds(servers, setting.repetitions, lambda server: run(server, resume=False))
        # The first time brings the tickets.
        tried = {server.name: [run(server, resume=True) for _ in range(2)] for server in servers}
        able = [one for one in servers if tried[one.name][1].resumed == connections]
        resumed = rounds(able, setting.repetitions, lambda server: run(server, resume=True))
    faults = [
        f"{name} resumed a session that nobody offered"
        for name, runs in full.taken.items()
        if any(each.resumed for each in runs)
    ]
    faults += [f"{name} does not resume" for name in full.ours - set(resumed.taken)]
    title = f"{at_once} connections at a time"
    tables = [
        full.table(f"Full handshakes, {title}", columns),
        resumed.table(f"Resumed, {title}", columns),
    ]
    return Report(tables, faults=faults)
