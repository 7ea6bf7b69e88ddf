"""The full-screen console as Textual sees it: the panels, and what the keys do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from attrs import frozen
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from chat.console.dialogs import Ask, Help, Jump
from chat.console.driver import TerminalDriver
from chat.console.entry import Entry
from chat.console.model import Buffer, Model
from chat.console.panels import Members, Panel, RoomList, Status, Talk, Topic
from chat.console.plain import Input
from chat.console.typing import Completer

#: The least width of the terminal at which each side panel shows itself.
_ROOMS_FROM, _MEMBERS_FROM = 70, 100

_Widget = TypeVar("_Widget", bound=Widget)


@frozen
class _AltKey:
    """A key with Alt, in the form of Textual's table."""

    value: str


# Textual has no public way: it takes these for other keys.  The test in tmux would see it go.
ANSI_SEQUENCES_KEYS.update(  # type: ignore[attr-defined]
    {"\x1b\r": (_AltKey("alt+enter"),), "\x1b/": (_AltKey("alt+slash"),)}
    | {f"\x1b{number}": (_AltKey(f"alt+{number}"),) for number in range(1, 10)}
)


class ChatApp(App[None]):
    """Draws a `Model`, and hands what is typed to the console."""

    # The terminal's own colours, light or dark.
    CSS = """
    Screen { background: ansi_default; }
    #topic { height: 1; }
    #middle { height: 1fr; }
    #rooms { width: 20; border-right: solid ansi_bright_black; }
    #members { width: 20; border-left: solid ansi_bright_black; }
    #talk { width: 1fr; height: 100%; }
    #rooms, #members { height: 100%; }
    #status { height: 1; }
    #entry { height: auto; max-height: 6; background: ansi_default; }
    ModalScreen { align: center middle; background: ansi_default; }
    .dialog {
        width: 90%; max-width: 90; height: auto; max-height: 95%;
        border: solid ansi_bright_black; padding: 0 1; background: ansi_default;
    }
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "securechat"

    def __init__(self, model: Model, to: Input, now: Callable[[], datetime]) -> None:
        super().__init__(driver_class=TerminalDriver, ansi_color=True)
        self.theme = "ansi-dark"
        self.model = model
        #: What went wrong in here, if anything did.
        self.failure: Exception | None = None
        self._to = to
        self._now = now
        #: What a person wants shown, by panel; otherwise the width decides.
        self._wanted: dict[str, bool] = {}

    def compose(self) -> ComposeResult:
        """Make the panels (Textual calls this)."""
        yield Topic(self.model, id="topic")
        with Horizontal(id="middle"):
            yield RoomList(self.model, id="rooms")
            yield Talk(self.model, id="talk")
            yield Members(self.model, id="members")
        yield Status(self.model, self._now, id="status")
        yield Entry(Completer(self._to.completions), self._hint, id="entry")

    def on_mount(self) -> None:
        """Begin (Textual calls this)."""
        self._main(Entry).focus()
        self._arrange(self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Show what there is room for (Textual calls this)."""
        self._arrange(event.size.width)

    @property
    def talk_size(self) -> tuple[int, int]:
        """How many columns and rows the scrollback has."""
        width, height = self._main(Talk).size
        return width, height

    def refresh_all(self) -> None:
        """Draw what the model has by now."""
        for panel in self.screen_stack[0].query(Panel):
            panel.redraw()

    # What was typed.

    def on_entry_entered(self, entered: Entry.Entered) -> None:
        """Send it (Textual calls this)."""
        self.model.typed()
        lines = entered.text.splitlines()
        # Several are one message, unless there is a command among them.
        has_command = any(line.startswith("/") for line in lines)
        for text in lines if has_command else [entered.text]:
            self._to.enter(text)
        self.model.look()
        self.refresh_all()

    def on_entry_many(self, many: Entry.Many) -> None:
        """Ask first (Textual calls this)."""

        def answered(yes: bool | None) -> None:
            if yes:
                self._main(Entry).enter()

        self.push_screen(Ask(f"Send these {many.lines} lines?"), answered)

    def on_panel_moved(self) -> None:
        """Draw where one is now (Textual calls this)."""
        self.refresh_all()

    def on_entry_end_of_input(self) -> None:
        """Leave (Textual calls this)."""
        self._to.end_of_input()

    # What the keys do.

    def action_step(self, by: int) -> None:
        """Go on in the list of rooms."""
        self.model.step(by)
        self.refresh_all()

    def action_go_to(self, number: int) -> None:
        """Go to a room by its number."""
        self.model.go_to(number)
        self.refresh_all()

    def action_next_active(self) -> None:
        """Go to a room with something unread."""
        self.model.next_active()
        self.refresh_all()

    def action_last_room(self) -> None:
        """Go to the room before this one."""
        self.model.back()
        self.refresh_all()

    def action_jump(self) -> None:
        """Ask for a room."""

        def found(buffer: Buffer | None) -> None:
            if buffer is not None:
                self.model.go(buffer)
                self.refresh_all()

        self.push_screen(Jump(self.model.find), found)

    def action_page(self, by: int) -> None:
        """Go a page through the scrollback."""
        self._main(Talk).page(by)

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(Help())

    def action_side(self, panel: str) -> None:
        """Show a side panel that is hidden, hide one that is shown."""
        self._wanted[panel] = not self.screen_stack[0].query_one(f"#{panel}").display
        self._arrange(self.size.width)

    def action_no_quit(self) -> None:
        """Say how one leaves."""
        self._hint("Ctrl+Q or /quit leaves")

    def action_help_quit(self) -> None:
        """Say how one leaves, where something else has the keys."""
        self.action_no_quit()

    async def action_quit(self) -> None:
        """Leave, when all that was sent is answered."""
        self._to.end_of_input()

    def _hint(self, text: str) -> None:
        status = self._main(Status)
        if status.hint != text:
            status.hint = text
            status.redraw()

    def _arrange(self, width: int) -> None:
        if len(self.screen_stack[0].query(Panel)) == 0:
            return  # not composed yet
        for panel, least in ((RoomList, _ROOMS_FROM), (Members, _MEMBERS_FROM)):
            widget: Panel = self._main(panel)
            widget.display = self._wanted.get(widget.id or "", width >= least)
        self._main(Status).tells_unread = not self._main(RoomList).display
        self.refresh_all()

    def _main(self, kind: type[_Widget]) -> _Widget:
        """Return a part of the conversation, also while a dialog is in front of it."""
        return self.screen_stack[0].query_one(kind)

    def _fatal_error(self) -> None:
        """End without a word on the terminal (Textual calls this behind an exception).

        Its own way shows the values of all variables, passwords among them.
        """
        self.failure = self._exception
        self._close_messages_no_wait()
