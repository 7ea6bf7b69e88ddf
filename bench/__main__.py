"""``python -m bench``: runs the scenarios."""

from __future__ import annotations

import signal
import sys

import click

from bench.connect import connect
from bench.durability import durability
from bench.history import history

SCENARIOS = (history, durability, connect)


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure this checkout's server on this machine; without a SCENARIO, all of them.

    Everything runs on loopback and in temporary directories, which are removed at the end.
    MariaDB is a private server with its default durability (mariadbd must be installed).

    \b
    make bench
    make bench SCENARIO=history ARGS='--size 10000 --size 100000 --database sqlite'
    make bench SCENARIO=durability ARGS='--rate 1000 --rival inspircd'
    make bench SCENARIO=connect ARGS='--connections 10000 --rival none'
    """
    # So that servers and temporary directories go, whoever ends it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    if context.invoked_subcommand is None:
        for scenario in SCENARIOS:
            context.invoke(scenario)


for _scenario in SCENARIOS:
    main.add_command(_scenario)

if __name__ == "__main__":
    main(prog_name="python -m bench")
