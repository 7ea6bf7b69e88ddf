"""What a log-in costs, with a certificate and with a password."""

from __future__ import annotations

import click

from bench.comparing import Column, rounds
from bench.generator import Outcome
from bench.report import Report
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest
from tests.support.servers import PASSWORD

_THEIR_PASSWORD = "correct-horse-battery-staple"


@scenario(rivals=("ergo",))
@click.option("--passwords", default=8, show_default=True, help="Log-ins with one, each time.")
@click.option("--certificates", default=100, show_default=True, help="Log-ins with one.")
def login(setting: Setting, passwords: int, certificates: int) -> Report:
    """Log-ins a second, from TCP until the welcome, sixteen at a time.

    With the certificate alone (SASL EXTERNAL), and with a password (SASL PLAIN), whose
    bcrypt hash has 12 rounds everywhere: they are the whole cost.
    """
    tables = []
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            if not server.is_ours:
                server.gather("account", 1)
                server.load.order(
                    "ask",
                    group="account",
                    lines=[f"REGISTER * * {_THEIR_PASSWORD}"],
                    answered="REGISTER SUCCESS",
                )
        for kind, count in (("certificate", certificates), ("password", passwords)):

            def run(server: Contestant, kind: str = kind, count: int = count) -> Outcome:
                password = PASSWORD if server.is_ours else _THEIR_PASSWORD
                dialled = server.load.order(
                    "dial",
                    group=kind,
                    count=count,
                    in_flight=16,
                    account="alice" if server.is_ours else "account0",
                    password=password if kind == "password" else "",
                )
                server.load.order("close", group=kind)
                return dialled

            runs = rounds(servers, setting.repetitions, run)
            tables.append(runs.table(f"With a {kind}", _columns(count)))
    return Report(tables)


def _columns(count: int) -> tuple[Column[Outcome], ...]:
    return (
        Column("log-ins/s", lambda run: count / run.seconds, max),
        Column("server CPU ms/log-in", lambda run: 1000 * run.server_cpu / count, min),
        Column("p50 ms", lambda run: run.taken.p50),
        Column("p99 ms", lambda run: run.taken.p99),
    )
