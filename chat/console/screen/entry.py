"""The line that is typed, which may be several."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from rich.style import Style
from textual import events
from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from chat.console.model.typing import (
    Completer,
    History,
    blank_before,
    line_around,
    transposed,
    word_before,
    word_behind,
)
from chat.console.screen.dialogs import Choose
from chat.console.screen.editor import EditorError, edited
from chat.console.settings.key_names import canonical
from chat.console.settings.keys import KEYS, Key

#: More lines at once than this are asked about.
MANY = 3
#: Seen on light and dark terminals, and without colours.
_LOOK = TextAreaTheme(
    "reversed",
    cursor_style=Style(reverse=True),
    selection_style=Style(reverse=True, underline=True),
)


class Entry(TextArea, inherit_bindings=False):
    """Where one types: readline's keys, completion, the lines typed before.

    The keys are no bindings of Textual's: those come later than the letters behind them,
    when both arrive at once.  ``hint`` shows a text until the next key.
    """

    class Edited(Message):
        """A person changed what stands here; not told when it is sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

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

    def __init__(
        self,
        completer: Completer,
        hint: Callable[[str], None],
        keys: Sequence[Key] = KEYS,
        *,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            show_line_numbers=False,
        )
        self.register_theme(_LOOK)
        self.theme = _LOOK.name
        self._completer = completer
        self._hint = hint
        self._history = History()
        self._actions = {key: row.action for row in keys for key in row.keys}
        self._cut_last = ""
        #: Whether the key before cut something, so that one more cut is joined to it.
        self._is_cutting = self._was_cutting = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key in MODIFIER_FUNCTIONAL_KEYS:
            return  # with Kitty's protocol, Ctrl alone is a key
        self._hint("")
        self._was_cutting, self._is_cutting = self._is_cutting, False
        action = self._actions.get(canonical(event.key))
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
        self.insert(_clean(event.text))

    def enter(self) -> None:
        """Send what stands here, and begin anew."""
        text = self.text
        self._history.add(text)
        self.text = ""
        self.post_message(self.Entered(text))

    def change(self, text: str) -> str:
        """Have another text stand here, and return the one that stood here."""
        before, self.text = self.text, text
        self.move_cursor(self.document.end)
        return before

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

    def action_search_lines(self) -> None:
        """Ask for a line typed before, and put it in place of what stands here."""

        def found(line: str | None) -> None:
            if line is not None:
                self._put(line)

        hint = "some letters of a line typed before"
        self.app.push_screen(Choose(self._history.find, _on_one_line, hint), found)

    def action_editor(self) -> None:
        """Have the text written in a person's own editor; it comes back, and is not sent."""
        self.run_worker(self._write_elsewhere(), exclusive=True)

    # What readline has.

    def action_cursor_word_left(self, select: bool = False) -> None:
        """Go a word back."""
        self.move_cursor(self._location(word_before(self.text, self._at)), select=select)

    def action_cursor_word_right(self, select: bool = False) -> None:
        """Go a word on."""
        self.move_cursor(self._location(word_behind(self.text, self._at)), select=select)

    def action_cut_word_left(self) -> None:
        """Cut the word before the cursor."""
        self._cut(word_before(self.text, self._at))

    def action_cut_word_right(self) -> None:
        """Cut the word behind the cursor."""
        self._cut(word_behind(self.text, self._at))

    def action_cut_to_blank(self) -> None:
        """Cut what stands before the cursor, back to a blank."""
        self._cut(blank_before(self.text, self._at))

    def action_cut_before(self) -> None:
        """Cut back to the line's beginning, there the line's end before it."""
        start, _ = line_around(self.text, self._at)
        self._cut(start if start < self._at else max(0, start - 1))

    def action_cut_behind(self) -> None:
        """Cut to the line's end, there the line's end itself."""
        _, end = line_around(self.text, self._at)
        self._cut(end if end > self._at else min(len(self.text), end + 1))

    def action_put_back(self) -> None:
        """Put in what was cut last."""
        self.insert(self._cut_last)

    def action_transpose(self) -> None:
        """Exchange the characters around the cursor, and go on."""
        exchanged = transposed(self.text, self._at)
        if exchanged is not None:
            at, text = exchanged
            self.replace(text, self._location(at), self._location(at + 2))
            self.move_cursor(self._location(at + 2))

    # Its parts.

    def edit(self, edit: Edit) -> EditResult:
        """Change the text, and tell of it (`TextArea` calls this for all that is typed)."""
        result = super().edit(edit)
        if edit.text != result.replaced_text:
            self.post_message(self.Edited(self.text))
        return result

    def undo(self) -> None:
        """Undo the last changes, and tell of it."""
        before = self.text
        super().undo()
        if self.text != before:
            self.post_message(self.Edited(self.text))

    @property
    def _at(self) -> int:
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.text.split("\n")[:row]) + column

    def _location(self, at: int) -> tuple[int, int]:
        before = self.text[:at]
        return before.count("\n"), at - 1 - before.rfind("\n")

    def _cut(self, to: int) -> None:
        """Cut between the cursor and a place; cuts behind each other are put back as one."""
        at = self._at
        start, end = min(at, to), max(at, to)
        cut = self.text[start:end]
        before = self._cut_last if self._was_cutting else ""
        self._cut_last = cut + before if to < at else before + cut
        self._is_cutting = True
        self.history.checkpoint()
        self.delete(self._location(start), self._location(end), maintain_selection_offset=False)

    def _put(self, text: str) -> None:
        """Put a text in place of what stands here; it can be undone."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)

    async def _write_elsewhere(self) -> None:
        try:
            text = await edited(self.text, self.app.suspend)
        except EditorError as error:
            self._hint(str(error))
        else:
            self._put(_clean(text))

    def _recall(self, text: str | None) -> None:
        if text is not None:
            self.text = text
            self.move_cursor(self.document.end)
            self.post_message(self.Edited(text))


def _clean(text: str) -> str:
    """Return a text from elsewhere without what a terminal would take for a control."""
    lines = "\n".join(text.expandtabs(4).splitlines())
    return "".join(c for c in lines if c == "\n" or unicodedata.category(c) != "Cc")


def _on_one_line(text: str) -> str:
    return text.replace("\n", " / ")
