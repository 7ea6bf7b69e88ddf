"""``python -m bench``: runs the scenarios."""

from __future__ import annotations

import signal
import sys
import time

import click

from bench.scenarios.burst import burst
from bench.scenarios.bystanders import bystanders
from bench.scenarios.connect import connect
from bench.scenarios.console import console
from bench.scenarios.direct import direct
from bench.scenarios.durability import durability
from bench.scenarios.e2e import e2e
from bench.scenarios.fanout import fanout
from bench.scenarios.history import history
from bench.scenarios.idle import idle
from bench.scenarios.joins import joins
from bench.scenarios.latency import latency
from bench.scenarios.login import login
from bench.scenarios.slow_reader import slow_reader
from bench.scenarios.startup import startup
from bench.scenarios.storm import storm

SCENARIOS: tuple[click.Command, ...] = (
    *(fanout, latency, direct, durability, history),
    *(connect, login, storm, idle, startup),
    *(joins, slow_reader, burst, bystanders, console),
)


@click.group(invoke_without_command=True)
@click.option("--write", is_flag=True, help="Put what is found into docs/performance.md.")
@click.pass_context
def main(context: click.Context, write: bool) -> None:
    """Measure this checkout's server on this machine; without a SCENARIO, all of them.

    Everything runs on loopback and in temporary directories, which are removed at the end.
    MariaDB is a private server with its default durability (mariadbd must be installed).

    \b
    make bench
    make bench SCENARIO=fanout ARGS='--repetitions 5 --write'
    make bench SCENARIO=history ARGS='--messages 10000000 --database mariadb'
    make bench SCENARIO=connect ARGS='--against none'
    """
    # So that servers and temporary directories go, whoever ends it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    if context.invoked_subcommand is not None:
        return
    begun, faults = time.monotonic(), []
    for scenario in SCENARIOS:
        try:
            context.invoke(scenario, is_written=write)
        except click.ClickException as error:
            error.show()
            faults.append(scenario.name)
    click.echo(f"All took {time.monotonic() - begun:.0f} s")
    if faults:
        raise click.ClickException(f"failed: {', '.join(map(str, faults))}")


# Of the client alone, with no server to compare.
main.add_command(e2e)
for _scenario in SCENARIOS:
    main.add_command(_scenario)

if __name__ == "__main__":
    main(prog_name="python -m bench")
