"""The plot in docs/performance.md: bars in SVG, without a library that draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from bench.comparing import number
from bench.report import Bar

_WIDTH, _LEFT, _RIGHT = 760, 190, 70
_BAR, _GAP, _HEAD = 18, 6, 44
#: Readable on white and on black, and for who does not tell red from green.
_OURS, _THEIRS, _INK = "#2f7ed8", "#9a9a9a", "#808080"


def plot(bars: Sequence[Bar]) -> str:
    """Return a picture with a group of bars for each title, each with a scale of its own."""
    shapes: list[str] = []
    top = 0
    for title, group in groupby(bars, lambda bar: bar.title):
        members = list(group)
        shapes += _group(title, members, top)
        top += _HEAD + len(members) * (_BAR + _GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 10}" '
            'font-family="sans-serif" font-size="13">',
            *shapes,
            "</svg>\n",
        ]
    )


def _group(title: str, bars: Sequence[Bar], top: int) -> Iterator[str]:
    yield _text(0, top + 30, title, 'font-weight="bold"')
    largest = max(bar.value for bar in bars) or 1.0
    for place, bar in enumerate(bars):
        y = top + _HEAD + place * (_BAR + _GAP)
        width = (_WIDTH - _LEFT - _RIGHT) * bar.value / largest
        colour = _OURS if bar.is_ours else _THEIRS
        yield _text(_LEFT - 10, y + 14, bar.server, 'text-anchor="end"')
        yield (f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>')
        yield _text(round(_LEFT + width + 8), y + 14, number(bar.value))


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="{_INK}" {more}>{escape(text)}</text>'
