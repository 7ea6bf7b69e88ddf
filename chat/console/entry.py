"""The line that is typed, which may be several."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from attrs import frozen
from textual import events
from textual.message import Message
from textual.widgets import TextArea

from chat.console.typing import Completer, History

#: More lines at once than this are asked about.
MANY = 3


@frozen
class Key:
    """One row of the table of keys: what Textual calls it, what it does, what help says.

    Without ``shown``, another row tells of it.
    """

    keys: str
    action: str
    shown: str
    help: str


#: All keys that the full-screen console has; the help is made of it.
KEYS = (
    Key("enter", "enter", "Enter", "send what is typed"),
    Key("alt+enter,ctrl+j", "newline", "Alt+Enter", "begin another line"),
    Key("tab", "complete(1)", "Tab", "complete a nickname, room or command; again: the next one"),
    Key("shift+tab", "complete(-1)", "Shift+Tab", "the completion before"),
    Key("up", "older", "Up", "the line typed before"),
    Key("down", "newer", "Down", "the line typed behind it"),
    Key("alt+up,ctrl+p", "app.step(-1)", "Alt+Up  Ctrl+P", "the room above"),
    Key("alt+down,ctrl+n", "app.step(1)", "Alt+Down  Ctrl+N", "the room below"),
    *(
        Key(
            f"alt+{number}",
            f"app.go_to({number})",
            "Alt+1 ... 9" * (number == 1),
            "a room by number",
        )
        for number in range(1, 10)
    ),
    Key("alt+a", "app.next_active", "Alt+A", "the next room with something unread"),
    Key("alt+slash", "app.last_room", "Alt+/", "the room before this one"),
    Key("ctrl+k", "app.jump", "Ctrl+K", "go to a room by some letters of its name"),
    Key("pageup", "app.page(-1)", "PgUp", "older lines"),
    Key("pagedown", "app.page(1)", "PgDn", "newer lines"),
    Key("f1,escape", "app.help", "F1  Esc", "this help"),
    Key("f2", "app.side('rooms')", "F2", "show or hide the rooms"),
    Key("f3", "app.side('members')", "F3", "show or hide who is here"),
    Key("ctrl+a,home", "cursor_line_start", "Ctrl+A  Home", "the line's beginning"),
    Key("ctrl+e,end", "cursor_line_end", "Ctrl+E  End", "the line's end"),
    Key("alt+b,ctrl+left", "cursor_word_left", "Alt+B", "a word back"),
    Key("alt+f,ctrl+right", "cursor_word_right", "Alt+F", "a word on"),
    Key("ctrl+b", "cursor_left", "Ctrl+B", "a character back"),
    Key("ctrl+f", "cursor_right", "Ctrl+F", "a character on"),
    Key("ctrl+w", "delete_word_left", "Ctrl+W", "delete the word before"),
    Key("alt+d", "delete_word_right", "Alt+D", "delete the word behind"),
    Key("ctrl+u", "delete_to_start_of_line", "Ctrl+U", "delete all before"),
    Key("alt+k", "delete_to_end_of_line", "Alt+K", "delete all behind"),
    Key("ctrl+d", "delete_or_leave", "Ctrl+D", "delete the character behind; on nothing: leave"),
    Key("ctrl+c", "app.no_quit", "Ctrl+C", "does nothing here, so that nobody leaves by accident"),
    Key("ctrl+q", "app.quit", "Ctrl+Q", "leave, as /quit does"),
    Key("left", "cursor_left", "", ""),
    Key("right", "cursor_right", "", ""),
    Key("backspace", "delete_left", "", ""),
    Key("delete", "delete_right", "", ""),
)
_ACTIONS = {name: key.action for key in KEYS for name in key.keys.split(",")}


class Entry(TextArea):
    """Where one types: readline's keys, completion, the lines typed before.

    The keys are no bindings of Textual's: those come later than the letters behind them,
    when both arrive at once.  ``hint`` shows a text until the next key.
    """

    class Entered(Message):
        """Something was typed, and Enter; it stands here no longer."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Many(Message):
        """So many lines stand here that one should be asked before they are sent."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    class EndOfInput(Message):
        """Nothing more will be typed."""

    def __init__(self, completer: Completer, hint: Callable[[str], None], *, id: str) -> None:  # noqa: A002
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            show_line_numbers=False,
        )
        self._completer = completer
        self._hint = hint
        self._history = History()

    async def _on_key(self, event: events.Key) -> None:
        self._hint("")
        action = _ACTIONS.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    def action_enter(self) -> None:
        """Send what stands here, or ask where it is long."""
        lines = len([line for line in self.text.splitlines() if line.strip()])
        if lines > MANY:
            self.post_message(self.Many(lines))
        elif lines:
            self.enter()

    async def _on_paste(self, event: events.Paste) -> None:
        """Put in what is pasted; nothing is sent before Enter."""
        event.stop()
        event.prevent_default()
        text = "\n".join(event.text.expandtabs(4).splitlines())
        self.insert("".join(c for c in text if c == "\n" or unicodedata.category(c) != "Cc"))

    def enter(self) -> None:
        """Send what stands here, and begin anew."""
        text = self.text
        self._history.add(text)
        self.text = ""
        self.post_message(self.Entered(text))

    def action_newline(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def action_complete(self, by: int) -> None:
        """Complete what stands before the cursor, in this line."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        completed = self._completer.complete(before, by)
        if completed is not None:
            self.replace(completed, (row, 0), (row, column))
            self.move_cursor((row, len(completed)))
            self._hint("  ".join(self._completer.offers()))

    def action_older(self) -> None:
        """Go up, and from the first line to the one that was typed before."""
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
        else:
            self._recall(self._history.older(self.text))

    def action_newer(self) -> None:
        """Go down, and from the last line to the one that was typed behind."""
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        else:
            self._recall(self._history.newer())

    def action_delete_or_leave(self) -> None:
        """Delete a character, or leave as a shell does."""
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.EndOfInput())

    def _recall(self, text: str | None) -> None:
        if text is not None:
            self.text = text
            self.move_cursor(self.document.end)
