"""What opens above the conversation: a list to choose from, a question, a password."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from chat.console.model.buffer import Buffer
from chat.console.wrapping import clip

#: Rows that a list offers at once; who looks for another one types more letters.
_OFFERS = 200
#: Rows that are seen at once, those of the terminal that others need, and those of a page.
_SEEN, _AROUND, _PAGE = 20, 6, 10

_Result = TypeVar("_Result")
_Row = TypeVar("_Row")


class Dialog(ModalScreen[_Result]):
    """What Esc closes without an answer."""

    DEFAULT_CSS = """
    Dialog Input {
        border: none; height: 1; padding: 0; color: ansi_default; background: ansi_default;
    }
    Dialog Letters:ansi > .input--cursor {
        color: ansi_default; background: ansi_default; text-style: reverse;
    }
    Rows { height: auto; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss", show=False),
        Binding("ctrl+l", "app.redraw", show=False),
        Binding("ctrl+q", "app.quit", show=False),
    ]


class Letters(Input):
    """Where letters are typed that what is looked for has."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+backspace", "delete_left_word", show=False),
        Binding("alt+b", "cursor_left_word", show=False),
        Binding("alt+f", "cursor_right_word", show=False),
    ]

    def __init__(self, hint: str) -> None:
        super().__init__(placeholder=hint, compact=True)


class Rows(Widget, can_focus=False):
    """Rows of which one is marked, around which they are seen."""

    class Clicked(Message):
        """A row was clicked on, and is the marked one."""

    def __init__(self) -> None:
        super().__init__()
        self._titles: list[str] = []
        #: The marked one.
        self.at = 0
        self._top = 0

    def show(self, titles: Iterable[str]) -> None:
        """Show these, the first one marked."""
        self._titles = list(titles)
        self.at = self._top = 0
        self.refresh(layout=True)

    def move(self, by: int) -> None:
        """Mark another row, as far as there are rows."""
        self.at = max(0, min(self.at + by, len(self._titles) - 1))
        self._top = max(self.at + 1 - self.size.height, min(self._top, self.at))
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many rows are seen at once (Textual calls this)."""
        return min(len(self._titles), _SEEN, max(1, viewport.height - _AROUND))

    def render_line(self, y: int) -> Strip:
        """Return one row (Textual calls this)."""
        number, width = self._top + y, self.size.width
        if number >= len(self._titles):
            return Strip.blank(width, Style())
        is_marked = number == self.at
        text = clip(f"{'>' if is_marked else ' '} {self._titles[number]}", width)
        style = Style(reverse=True) if is_marked else Style()
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def on_click(self, event: events.Click) -> None:
        """Mark what is pointed at (Textual calls this)."""
        if self._top + event.y < len(self._titles):
            self.at = self._top + event.y
            self.refresh()
            self.post_message(self.Clicked())

    def on_mouse_scroll_up(self) -> None:
        """Mark the row above (Textual calls this)."""
        self.move(-1)

    def on_mouse_scroll_down(self) -> None:
        """Mark the row below (Textual calls this)."""
        self.move(1)


class Choose(Dialog[_Row | None], Generic[_Row]):
    """Offers rows by the letters that are typed, and answers with the chosen one.

    ``find`` returns the rows that have some letters, the best first; ``title`` how one is
    called, which is safe to print.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("down,ctrl+n,ctrl+r", "move(1)", show=False),
        Binding("pageup", f"move({-_PAGE})", show=False),
        Binding("pagedown", f"move({_PAGE})", show=False),
    ]

    def __init__(
        self, find: Callable[[str], Sequence[_Row]], title: Callable[[_Row], str], hint: str
    ) -> None:
        super().__init__()
        self._find = find
        self._title = title
        self._letters_hint = hint
        self._rows: Sequence[_Row] = ()

    def compose(self) -> ComposeResult:
        """Make the letters and the list (Textual calls this)."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Up Down  Enter: this one  Esc: none"
            yield Letters(self._letters_hint)
            yield Rows()

    def on_mount(self) -> None:
        """Offer what there is (Textual calls this)."""
        self._offer("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what has these letters (Textual calls this)."""
        self._offer(event.value)

    def on_input_submitted(self) -> None:
        """Answer with the row that is marked (Textual calls this)."""
        at = self.query_one(Rows).at
        self.dismiss(self._rows[at] if self._rows else None)

    def on_rows_clicked(self) -> None:
        """Answer with the row that was clicked on (Textual calls this)."""
        self.on_input_submitted()

    def action_move(self, by: int) -> None:
        """Mark another row."""
        self.query_one(Rows).move(by)

    def _offer(self, letters: str) -> None:
        self._rows = self._find(letters)[:_OFFERS]
        self.query_one(Rows).show(map(self._title, self._rows))


class Jump(Choose[Buffer]):
    """Asks for letters of a room's name; the first room that has them is the one."""

    def __init__(self, find: Callable[[str], list[Buffer]]) -> None:
        super().__init__(find, lambda buffer: buffer.title, "some letters of the room's name")


class Ask(Dialog[bool]):
    """A question that Enter or Y answers with yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "dismiss(True)", show=False),
        Binding("escape,ctrl+c,n", "dismiss(False)", show=False),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Make the question (Textual calls this)."""
        with Vertical(classes="dialog"):
            yield Static(Text(f"{self._question}\n\nEnter or Y: yes    Esc or N: no"))


class Password(Dialog[str | None]):
    """Asks for the password of an account, which is neither shown nor told in messages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+u", "clear", show=False),
        Binding("backspace,ctrl+h", "drop", show=False),
        Binding("enter", "answer", show=False),
    ]

    def __init__(self, account: str) -> None:
        super().__init__()
        self._account = account
        self._typed: list[str] = []

    def compose(self) -> ComposeResult:
        """Make the question (Textual calls this)."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Enter: go on  Esc: do without"
            yield Static(Text(f"Password of {self._account}:"))
            yield Static("", id="typed")

    def on_key(self, event: events.Key) -> None:
        """Take a character (Textual calls this)."""
        if event.is_printable and event.character:
            event.stop()
            self._take(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Take what is pasted, of several lines the first one (Textual calls this)."""
        event.stop()
        self._take("".join(event.text.splitlines()[:1]))

    def action_drop(self) -> None:
        """Take the last character back."""
        del self._typed[-1:]
        self._take("")

    def action_clear(self) -> None:
        """Take all back."""
        self._typed.clear()
        self._take("")

    def action_answer(self) -> None:
        """Answer with what is typed."""
        self.dismiss("".join(self._typed))

    def _take(self, text: str) -> None:
        self._typed.extend(text)
        self.query_one("#typed", Static).update("*" * len(self._typed))
