"""What opens above the conversation: the help, the way to a room, a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chat.console.commands import COMMANDS
from chat.console.entry import KEYS
from chat.console.model import Buffer

#: Rooms that the way to a room offers at once.
_OFFERS = 8


class Help(ModalScreen[None]):
    """All keys and all commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "close", show=False)
    ]

    def compose(self) -> ComposeResult:
        """Make the list (Textual calls this)."""
        with VerticalScroll(classes="dialog"):
            yield Static(help_text())


class Jump(ModalScreen[Buffer | None]):
    """Asks for letters of a room's name; the first room that has them is the one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "dismiss", "close", show=False)
    ]

    def __init__(self, find: Callable[[str], list[Buffer]]) -> None:
        super().__init__()
        self._find = find

    def compose(self) -> ComposeResult:
        """Make the input and its answer (Textual calls this)."""
        with Vertical(classes="dialog"):
            yield Input(placeholder="some letters of the room's name, Enter goes there")
            yield Static(self._found(""), id="found")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show where one would go (Textual calls this)."""
        self.query_one("#found", Static).update(self._found(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go there (Textual calls this)."""
        self.dismiss(next(iter(self._find(event.value)), None))

    def _found(self, letters: str) -> Text:
        return Text("\n".join(buffer.title for buffer in self._find(letters)[:_OFFERS]))


class Ask(ModalScreen[bool]):
    """A question that Enter answers with yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss(True)", "yes", show=False),
        Binding("escape,ctrl+c", "dismiss(False)", "no", show=False),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Make the question (Textual calls this)."""
        with Vertical(classes="dialog"):
            yield Static(Text(f"{self._question}\n\nEnter: yes    Esc: no"))


def help_text() -> Text:
    """Return the help: every key, every command."""
    keys = [f"{key.shown:<18} {key.help}" for key in KEYS if key.shown]
    commands = [f"{command.usage:<36} {command.help}" for command in COMMANDS.values()]
    return Text("\n".join(keys + commands))
