"""What is printed: where it was measured, tables, percentiles."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import click


def surroundings() -> None:
    """Print the date, the machine and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    click.echo(
        f"{date.today()}, {os.cpu_count()} CPUs ({_processor()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, load {os.getloadavg()[0]:.1f}"
    )
    click.echo(
        f"Python {platform.python_version()}, Twisted {version('twisted')}, "
        f"pyOpenSSL {version('pyopenssl')}, SQLite {sqlite3.sqlite_version}, "
        f"MariaDB {_version('mariadbd')}, InspIRCd {_version('inspircd')}"
    )


def _version(program: str) -> str:
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
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


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table as Markdown has it."""
    cells = [[_cell(value) for value in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    click.echo(f"\n{title}\n")
    for number, row in enumerate(cells):
        click.echo("| " + " | ".join(map(str.ljust, row, widths)) + " |")
        if number == 0:
            click.echo("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)
