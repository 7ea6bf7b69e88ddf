"""Servers take turns; medians, spreads and ratios of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Generic, TypeVar

from attrs import frozen

from bench.report import Table
from bench.servers import Contestant

T = TypeVar("T")


@frozen
class Figure:
    """The median of several, and the smallest and largest."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(self.values) if self.values else float("nan")

    def __str__(self) -> str:
        low, high = (number(end(self.values)) for end in (min, max)) if self.values else "--"
        spread = f" ({low}..{high})" if low != high else ""
        return f"{number(self.median)}{spread}"


@frozen
class Column(Generic[T]):
    """What is read of each run; ``best`` says of what a ratio to the rivals is shown."""

    head: str
    value: Callable[[T], float]
    #: ``min`` or ``max``; ``None`` for no ratio.
    best: Callable[[Iterable[float]], float] | None = None


@frozen
class Runs(Generic[T]):
    """What each server did in each round."""

    taken: dict[str, list[T]]
    ours: frozenset[str]

    def figure(self, name: str, value: Callable[[T], float]) -> Figure:
        """Return what a server reached."""
        return Figure(tuple(value(one) for one in self.taken[name]))

    def ratio(self, name: str, column: Column[T]) -> Figure:
        """Return a server's figures by those of the best rival of the same round."""
        rivals = [runs for other, runs in self.taken.items() if other not in self.ours]
        if column.best is None or not rivals:
            return Figure(())
        best = [column.best(map(column.value, round_)) for round_ in zip(*rivals, strict=True)]
        own = map(column.value, self.taken[name])
        return Figure(tuple(a / b for a, b in zip(own, best, strict=True) if b))

    def table(self, title: str, columns: Sequence[Column[T]]) -> Table:
        """Return a table of them, a server a row."""
        heads = ["server"]
        for column in columns:
            heads += [column.head, "ratio"] if column.best else [column.head]
        rows = []
        for name in self.taken:
            row: list[object] = [name]
            for column in columns:
                row.append(self.figure(name, column.value))
                if column.best is not None:
                    ratio = self.ratio(name, column)
                    row.append(number(ratio.median) if ratio.values else "-")
            rows.append(row)
        return Table(title, heads, rows)


def rounds(
    servers: Sequence[Contestant], repetitions: int, run: Callable[[Contestant], T]
) -> Runs[T]:
    """Let each server run once, then each again: what else the machine does, meets all."""
    taken: dict[str, list[T]] = {server.name: [] for server in servers}
    for _ in range(repetitions):
        for server in servers:
            taken[server.name].append(run(server))
    return Runs(taken, frozenset(server.name for server in servers if server.is_ours))


def number(value: float) -> str:
    """Return a number with about three digits that count."""
    if value != value:  # not a number
        return "-"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 10_000:
        return f"{value / 1000:.0f}k"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:.{digits}f}"
