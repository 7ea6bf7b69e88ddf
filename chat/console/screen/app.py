"""The full-screen console as Textual sees it: the panels, and what the keys do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from twisted.internet.defer import Deferred

from chat.client.events import Said
from chat.console.commands import entries
from chat.console.completion import Completion
from chat.console.model.buffer import Buffer
from chat.console.model.model import Model
from chat.console.model.typing import Completer
from chat.console.screen.dialogs import Ask, Choose, Jump, Password
from chat.console.screen.driver import TerminalDriver
from chat.console.screen.entry import Entry
from chat.console.screen.help import Help
from chat.console.screen.panels import Members, Panel, RoomList, Status, Talk, Topic
from chat.console.settings.keys import KEYS, Key
from chat.console.settings.settings import Settings

#: The least width of the terminal at which each side panel shows itself.
_ROOMS_FROM, _MEMBERS_FROM = 70, 100

_Widget = TypeVar("_Widget", bound=Widget)


class Receiver(Protocol):
    """What is told of what somebody does."""

    settings: Settings

    def enter(self, text: str) -> None:
        """Deal with what was typed."""

    def edited(self, text: str) -> None:
        """Take note of what stands in the input by now."""

    def completions(self, before: str) -> Iterable[Completion]:
        """Return what the text up to the cursor may become."""

    def drawn(self, *, wants_older: bool) -> None:
        """Take note that the current room was drawn, near the oldest that is here or not."""

    def wants_older(self) -> None:
        """Fetch what is older than all that is here."""

    def leave(self) -> None:
        """End."""


class ChatApp(App[None], inherit_bindings=False):
    """Draws a `Model`, and hands what is typed to the console."""

    # The terminal's own colours, light or dark.
    CSS = """
    Screen { background: ansi_default; }
    #topic { height: 1; }
    #middle { height: 1fr; }
    #rooms { width: 20; border-right: solid ansi_default; }
    #members { width: 20; border-left: solid ansi_default; }
    #talk { width: 1fr; height: 100%; }
    #rooms, #members { height: 100%; }
    #status { height: 1; }
    #entry { height: auto; max-height: 6; background: ansi_default; }
    ModalScreen { align: center middle; background: ansi_default; }
    .dialog {
        width: 90%; max-width: 90; height: auto; max-height: 95%;
        border: solid ansi_default; padding: 0 1; background: ansi_default;
    }
    """
    ENABLE_COMMAND_PALETTE = False
    TITLE = "securechat"

    def __init__(
        self,
        model: Model,
        to: Receiver,
        now: Callable[[], datetime],
        keys: Sequence[Key] = KEYS,
    ) -> None:
        super().__init__(driver_class=TerminalDriver, ansi_color=True)
        self.theme = "ansi-dark"
        self.model = model
        #: Where what stands in the input was typed.
        self._typed_in = model.shown
        #: What went wrong in here, if anything did.
        self.failure: Exception | None = None
        self._to = to
        self._now = now
        self._keys = keys
        #: What a key has shown or hidden, by panel; otherwise a setting decides, or the width.
        self._wanted: dict[str, bool] = {}

    def compose(self) -> ComposeResult:
        """Make the panels (Textual calls this)."""
        yield Topic(self.model, id="topic")
        with Horizontal(id="middle"):
            yield RoomList(self.model, id="rooms")
            yield Talk(self.model, id="talk")
            yield Members(self.model, id="members")
        yield Status(self.model, self._now, id="status")
        yield Entry(Completer(self._to.completions), self._hint, self._keys, id="entry")

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
        self._change_draft()
        for panel in self.screen_stack[0].query(Panel):
            panel.redraw()
        size = self.talk_size
        if size[1] > 0:
            self._to.drawn(wants_older=self.model.shown.scrollback.is_near_top(*size))

    def write(self, text: str) -> None:
        """Write to the terminal as it is: a bell, for example."""
        if self._driver is not None:
            self._driver.write(text)

    def ask_password(self, account: str, network: str) -> Deferred[str | None]:
        """Fire with what somebody gives as the password."""
        answered: Deferred[str | None] = Deferred()
        self.call_later(self.push_screen, Password(f"{account} on {network}"), answered.callback)
        return answered

    def offer(self, found: Sequence[Said], title: Callable[[Said], str]) -> Deferred[Said | None]:
        """Fire with which of these messages somebody chooses, if one."""
        chosen: Deferred[Said | None] = Deferred()
        titles = [(title(said), said) for said in found]

        def find(letters: str) -> list[tuple[str, Said]]:
            words = letters.casefold().split()
            return [row for row in titles if all(word in row[0].casefold() for word in words)]

        def answer(row: tuple[str, Said] | None) -> None:
            chosen.callback(row[1] if row is not None else None)

        dialog = Choose(find, lambda row: row[0], f"{len(found)} found: letters narrow them down")
        self.call_later(self.push_screen, dialog, answer)
        return chosen

    def reveal(self, number: int) -> None:
        """Show a message of the current room, as the chosen one."""
        self.model.reveal(number, self.talk_size)
        self.refresh_all()

    def follow(self) -> None:
        """Do as the settings say by now."""
        self._wanted.clear()
        if self.is_running:
            self._arrange(self.size.width)

    # What the terminal tells.

    def on_app_focus(self) -> None:
        """Take note that somebody looks (Textual calls this)."""
        self.model.focus(is_focused=True)
        self.refresh_all()

    def on_app_blur(self) -> None:
        """Take note that nobody looks (Textual calls this)."""
        self.model.focus(is_focused=False)

    # What was typed.

    def on_entry_edited(self, edited: Entry.Edited) -> None:
        """Have others know that somebody types (Textual calls this)."""
        self._to.edited(edited.text)

    def on_entry_entered(self, entered: Entry.Entered) -> None:
        """Send it (Textual calls this)."""
        self.model.typed()
        shown = self.model.shown
        for text in entries(entered.text):
            self._to.enter(text)
        shown.newest()
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
        self._to.leave()

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
        if by < 0:
            self._to.wants_older()

    def action_first_unread(self) -> None:
        """Go to the first message that was new."""
        self.model.first_unread(self.talk_size)
        self.refresh_all()

    def action_newest(self) -> None:
        """Go to the newest line, and follow what comes."""
        self.model.newest()
        self.refresh_all()

    def action_select(self, by: int) -> None:
        """Choose a message."""
        self.model.select(by, self.talk_size)
        if self.model.shown.chosen() is not None:
            self._hint("/reply  /react  /redact are about the chosen message;  Esc: none")
        self.refresh_all()

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(Help(self._keys))

    def action_close(self) -> None:
        """Choose no message any more; else show the help."""
        if self.model.shown.chosen() is None:
            self.action_help()
        else:
            self.model.newest()
            self.refresh_all()

    def action_redraw(self) -> None:
        """Draw all anew, over whatever else wrote on the terminal."""
        self.refresh_all()
        self.refresh(layout=True)

    def action_side(self, panel: str) -> None:
        """Show a side panel that is hidden, hide one that is shown."""
        self._wanted[panel] = not self.screen_stack[0].query_one(f"#{panel}").display
        self._arrange(self.size.width)

    def action_no_quit(self) -> None:
        """Say how one leaves."""
        self._hint("Ctrl+Q or /quit leaves")

    async def action_quit(self) -> None:
        """Leave, when all that was sent is answered."""
        self._to.leave()

    def _change_draft(self) -> None:
        """Keep what is typed with its room, also over a visit to another one."""
        left, shown = self._typed_in, self.model.shown
        if shown is left:
            return
        self._typed_in = shown
        entry = self._main(Entry)
        if left in self.model.buffers():
            left.draft = entry.change(shown.draft)
        elif not entry.text:  # else it comes along: its room is gone
            entry.change(shown.draft)

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
            name = str(widget.id)
            is_set = {"on": True, "off": False}.get(getattr(self._to.settings, name))
            usual = width >= least if is_set is None else is_set
            widget.display = self._wanted.get(name, usual)
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
