"""How commands print tables: in the width of the terminal, and elsewhere whole."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

#: Columns where there is no terminal to fit: the lines are for other programs then.
_WIDE = 200


def print_table(table: Table) -> None:
    """Print ``table``, without colours where $NO_COLOR is set or nobody would see them."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=True)
