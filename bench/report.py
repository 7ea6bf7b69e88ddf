"""What a scenario finds, and how it is printed: where it was measured, tables, remarks."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from shutil import which

from attrs import frozen

from bench.rivals import RIVALS


@frozen
class Table:
    """Rows below a title and heads."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __str__(self) -> str:
        cells = [[str(value) for value in row] for row in (self.heads, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([f"{self.title}:", "", *lines])


@frozen
class Bar:
    """One bar of the plot: a server's figure, among those with the same title."""

    title: str
    server: str
    value: float
    is_ours: bool


@frozen
class Report:
    """What one scenario found."""

    tables: Sequence[Table]
    remarks: Sequence[str] = ()
    #: What should not be; then the run fails.
    faults: Sequence[str] = ()
    bars: Sequence[Bar] = ()
    #: Where in the docs it belongs, where that is not the scenario's own place.
    place: str = ""

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.tables), *self.remarks])


def surroundings() -> str:
    """Return the date, the machine and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rivals = ", ".join(f"{rival.name} {rival.version()}" for rival in RIVALS.values())
    return (
        f"{date.today()}, {os.cpu_count()} CPUs ({_processor()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f} before it. "
        f"Python {platform.python_version()}, Twisted {version('twisted')}, "
        f"pyOpenSSL {version('pyopenssl')}, SQLite {sqlite3.sqlite_version}, "
        f"MariaDB {_mariadb()}, {rivals}."
    )


def _mariadb() -> str:
    path = which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        return "is not installed"
    done = subprocess.run([path, "--version"], capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
    return found[0] if found else "of an unknown version"


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def percentile(values: Sequence[float], share: float) -> float:
    """Return what ``share`` (0 to 1) of ``values`` stay below; NaN where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
