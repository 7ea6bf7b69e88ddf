"""The help: all keys as they are bound, and all commands."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import ClassVar

from attrs import frozen
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static

from chat.console.commands import SUBJECTS
from chat.console.screen.dialogs import Dialog, Letters
from chat.console.settings.key_names import shown
from chat.console.settings.keys import Key

#: Columns from which keys and commands stand beside each other, and the most that are used.
_WIDE, _WIDEST = 110, 170
#: Columns of the longest key or command that a text stands beside, and of the least text.
_LONGEST, _NARROWEST = 28, 10


@frozen
class Section:
    """What the help has under one heading: what to type, and what it does."""

    title: str
    rows: tuple[tuple[str, str], ...]

    def with_letters(self, letters: str) -> Section:
        """Return the rows in which these letters are, upper or lower case."""
        folded = letters.casefold()
        rows = (row for row in self.rows if folded in " ".join(row).casefold())
        return Section(self.title, tuple(rows))


def key_sections(keys: Sequence[Key]) -> list[Section]:
    """Return the keys as they are bound; an action that has none is left out."""
    return [
        Section(title, tuple(_rows(list(of_section))))
        for title, of_section in groupby(keys, lambda key: key.section)
    ]


def command_sections() -> list[Section]:
    """Return the commands, and what is no command."""
    sections = [
        Section(subject.title, tuple((one.usage, one.help) for one in subject.commands))
        for subject in SUBJECTS
    ]
    return [*sections, Section("Text", (("//TEXT", "say text that begins with a slash"),))]


def _rows(keys: list[Key]) -> Iterator[tuple[str, str]]:
    """Yield a row for each action; those that do the same share one."""
    for text, same in groupby(keys, lambda key: key.help):
        bound = ["  ".join(map(shown, key.keys)) for key in same if key.keys]
        if bound:
            yield bound[0] if len(bound) == 1 else f"{bound[0]} ... {bound[-1]}", text


class Help(Dialog[None]):
    """All keys and all commands; letters that are typed leave the rows that have them."""

    DEFAULT_CSS = """
    Help VerticalScroll {
        height: auto; max-height: 100%; margin-top: 1;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "dismiss", show=False),
        Binding("up", "go('scroll_up')", show=False),
        Binding("down", "go('scroll_down')", show=False),
        Binding("pageup", "go('scroll_page_up')", show=False),
        Binding("pagedown", "go('scroll_page_down')", show=False),
    ]

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__()
        self._sections = (key_sections(keys), command_sections())

    def compose(self) -> ComposeResult:
        """Make the letters and the rows (Textual calls this)."""
        with Vertical(classes="dialog") as dialog:
            dialog.styles.max_width = _WIDEST
            dialog.border_title = "Keys and commands"
            dialog.border_subtitle = "Up Down PgUp PgDn: scroll  Esc: close"
            yield Letters("type some letters to find a key or a command")
            with VerticalScroll(can_focus=False):
                yield _Rows(*self._sections)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what has these letters (Textual calls this)."""
        self.query_one(_Rows).show(event.value.strip())

    def on_input_submitted(self) -> None:
        """Close (Textual calls this)."""
        self.dismiss()

    def action_go(self, how: str) -> None:
        """Scroll."""
        getattr(self.query_one(VerticalScroll), how)(animate=False)


class _Rows(Static):
    """The sections as far as they have some letters, beside each other where there is room."""

    def __init__(self, left: Sequence[Section], right: Sequence[Section]) -> None:
        super().__init__()
        self._left = left
        self._right = right
        self._letters = ""

    def show(self, letters: str) -> None:
        """Show the rows that have these letters."""
        self._letters = letters
        width = self.size.width
        left, right = (
            [found for section in sections if (found := section.with_letters(letters)).rows]
            for sections in (self._left, self._right)
        )
        if width >= _WIDE and left and right:
            half = width // 2
            beside = zip_longest(_lines(left, half - 2), _lines(right, half), fillvalue=Text())
            lines = [Text.assemble(one, " " * (half - len(one)), other) for one, other in beside]
        else:
            lines = [*_lines([*left, *right], width)]
        self.update(Text("\n").join(lines))

    def on_resize(self) -> None:
        """Use the width (Textual calls this)."""
        self.show(self._letters)


def _lines(sections: Sequence[Section], width: int) -> Iterator[Text]:
    """Yield the lines of sections; what is longer than its column has a line of its own."""
    longest = max((len(typed) for section in sections for typed, _ in section.rows), default=0)
    column = min(longest, _LONGEST) + 2
    for number, section in enumerate(sections):
        if number:
            yield Text()
        yield Text(section.title, "bold underline")
        for typed, text in section.rows:
            begin = Text(typed.ljust(column), "bold")
            if len(typed) > column - 2:
                yield Text(typed, "bold")
                begin = Text(" " * column)
            for line in textwrap.wrap(text, max(_NARROWEST, width - column)):
                yield Text.assemble(begin, line)
                begin = Text(" " * column)
