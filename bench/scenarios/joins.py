"""What it costs to come into a large room, and to leave: linear in its members."""

from __future__ import annotations

import math

import click
from attrs import frozen

from bench.comparing import Figure, number
from bench.generator import Outcome
from bench.report import Report, Table
from bench.scenario import Setting, scenario
from bench.servers import Contestant, contest

#: CPU that grows with more than this power of the members is not linear any more.
_LIMIT = 1.35


@frozen
class _Crowd:
    """Microseconds of the server's CPU for each newcomer to a room of so many members."""

    members: int
    joins: Figure
    quits: Figure

    @property
    def row(self) -> list[object]:
        """A row of the table."""
        each = [number(figure.median / self.members) for figure in (self.joins, self.quits)]
        return [self.members, self.joins, self.quits, *each]


@scenario(databases=("sqlite",), rivals=("inspircd",))
@click.option(
    "--members",
    "sizes",
    type=click.IntRange(2),
    multiple=True,
    default=(500, 1000, 2000),
    show_default=True,
    help="In the room; may be repeated.",
)
@click.option("--newcomers", default=100, show_default=True, help="Who join and quit at once.")
def joins(setting: Setting, sizes: tuple[int, ...], newcomers: int) -> Report:
    """A hundred clients join a room at once, and quit at once; all members are told of each.

    Each newcomer gets the list of members, and each member a line, so the cost is at best
    linear in the members: the exponent is that of the server's CPU between the smallest and
    the largest room, 1 for linear and 2 for quadratic.  It fails well above 1.
    """
    faults: list[str] = []
    tables, remarks = [], []
    with contest(setting.databases, setting.rivals) as servers:
        for server in servers:
            crowds, members = [], 0
            for size in sorted(set(sizes)):
                server.gather("m", size - members)
                server.load.order("join", group="m", first=members, room="#m", limit=300)
                members = size
                crowds.append(_crowd(server, size, newcomers, setting.repetitions, faults))
            heads = ("members", "JOIN us", "QUIT us", "JOIN us/delivery", "QUIT us/delivery")
            title = f"{server.name}: server CPU for each of {newcomers} newcomers"
            tables.append(Table(title, heads, [crowd.row for crowd in crowds]))
            if len(crowds) > 1:
                powers = [_power(crowds[0], crowds[-1], kind) for kind in ("joins", "quits")]
                remarks.append(
                    f"{server.name}: JOIN grows with the power {number(powers[0])} of the "
                    f"members, QUIT with {number(powers[1])}."
                )
                if server.is_ours and max(powers) > _LIMIT:
                    faults.append(f"{server.name}: JOIN or QUIT is not linear")
    return Report(tables, remarks, faults)


def _crowd(
    server: Contestant, members: int, newcomers: int, repetitions: int, faults: list[str]
) -> _Crowd:
    coming, leaving = [], []
    for _ in range(repetitions):
        server.gather("m", newcomers)
        coming.append(server.load.checked(faults, "join", group="m", first=members, room="#m"))
        leaving.append(server.load.checked(faults, "quit", group="m", first=members))

    def cpu(runs: list[Outcome]) -> Figure:
        return Figure(tuple(1e6 * run.server_cpu / newcomers for run in runs))

    return _Crowd(members, cpu(coming), cpu(leaving))


def _power(small: _Crowd, large: _Crowd, kind: str) -> float:
    """Return how the cost grows: with this power of the members."""
    before, after = (getattr(crowd, kind).median for crowd in (small, large))
    return math.log(after / before) / math.log(large.members / small.members)
