"""What every scenario is: a command with the same options, and a report at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import click
from attrs import frozen

from bench import report
from bench.networks import DATABASES
from bench.report import Report
from bench.rivals import RIVALS
from bench.writing import write

P = ParamSpec("P")


@frozen
class Setting:
    """What is said of every scenario."""

    repetitions: int
    databases: tuple[str, ...]
    rivals: tuple[str, ...]


def scenario(
    *,
    databases: Sequence[str] = ("sqlite", "mariadb"),
    rivals: Sequence[str] = tuple(RIVALS),
    repetitions: int = 3,
) -> Callable[[Callable[Concatenate[Setting, P], Report]], click.Command]:
    """Make a command of a function, whose name it gets; these are the defaults."""

    def decorate(run: Callable[Concatenate[Setting, P], Report]) -> click.Command:
        @wraps(run)
        def command(
            repetitions: int,
            databases: tuple[str, ...],
            rivals: tuple[str, ...],
            is_written: bool,
            *args: P.args,
            **kwargs: P.kwargs,
        ) -> None:
            begun = time.monotonic()
            where = report.surroundings()
            click.echo(f"{name}: {where}\n")
            setting = Setting(repetitions, databases, tuple(one for one in rivals if one != "none"))
            found = run(setting, *args, **kwargs)
            click.echo(f"{found}\n\n{name} took {time.monotonic() - begun:.0f} s\n")
            if found.faults:
                raise click.ClickException("\n".join(found.faults))
            if is_written:
                write(name, where, found)

        options = _options(databases, rivals, repetitions)
        name = run.__name__.replace("_", "-")
        wrapped: Any = command
        for option in reversed(options):
            wrapped = option(wrapped)
        return click.command(name)(wrapped)

    return decorate


def _options(databases: Sequence[str], rivals: Sequence[str], repetitions: int) -> list[Any]:
    common = [
        click.option("--repetitions", default=repetitions, show_default=True, help="Runs of each."),
        click.option(
            "--database",
            "databases",
            type=click.Choice(list(DATABASES)),
            multiple=True,
            default=databases,
            show_default=True,
            help="Where our log is; may be repeated.",
        ),
        click.option(
            "--write", "is_written", is_flag=True, help="Put what is found into the docs."
        ),
    ]
    against = click.option(
        "--against",
        "rivals",
        type=click.Choice([*rivals, "none"]),
        multiple=True,
        default=rivals,
        show_default=True,
        help="Servers beside it; may be repeated; skipped where they are not installed.",
        hidden=not rivals,
    )
    return [*common, against]
