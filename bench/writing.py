"""Results in docs/performance.md: each scenario has its place there, between two marks."""

from __future__ import annotations

import re
from pathlib import Path

import click

from bench.plot import plot
from bench.report import Report
from tests.cli.programs import ROOT

_PAGE = ROOT / "docs" / "performance.md"
_PLOT = ROOT / "docs" / "performance.svg"


def write(scenario: str, where: str, found: Report, page: Path = _PAGE) -> None:
    """Replace what stands in the scenario's place, and the plot where there are bars."""
    name = found.place or scenario
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    place = rf"(?s){re.escape(begin)}.*?{re.escape(end)}"
    fresh = f"{begin}\n\n{where}\n\n{found}\n\n{end}"
    text, count = re.subn(place, lambda _: fresh, page.read_text())
    if count != 1:
        raise click.ClickException(f"{page} has no place for {name}: wanted\n{begin}\n{end}")
    page.write_text(text)
    if found.bars:
        _PLOT.write_text(plot(found.bars))
