"""A line that is being typed, edited at its end: what a terminal does by itself.

We do it in its place to know what stands there when something else is to be printed.
"""

from __future__ import annotations

import codecs
import re

from chat.console.wrapping import columns

#: What a key without a character sends, as far as it came, and all of it.
_BEGUN = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)?")
_WORD = re.compile(r"\S*\s*\Z")


class TypedLine:
    """Backspace, Ctrl+W and Ctrl+U take back; other keys without a character do nothing."""

    def __init__(self) -> None:
        #: What stands there now.
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escape = ""

    def take(self, data: bytes) -> tuple[str, list[str | None]]:
        """Return what to show of what was typed, and the lines that it ends.

        ``None`` among them is the end of input, which Ctrl+D is in an empty line.
        """
        shown: list[str] = []
        lines: list[str | None] = []
        for character in self._decoder.decode(data):
            if self._is_of_a_key(character):
                continue
            match character:
                case "\r" | "\n":
                    lines.append(self.text)
                    self.text = ""
                    shown.append("\n")
                case "\x7f" | "\b":
                    shown.append(self._cut(self._last()))
                case "\x17":
                    found = _WORD.search(self.text.rstrip())
                    shown.append(self._cut(found.start() if found is not None else 0))
                case "\x15":
                    shown.append(self._cut(0))
                case "\x04":
                    if not self.text:
                        lines.append(None)
                case _:
                    character = " " if character == "\t" else character
                    if character.isprintable():
                        self.text += character
                        shown.append(character)
        return "".join(shown), lines

    def _is_of_a_key(self, character: str) -> bool:
        """Return whether a character belongs to a key that has none of its own."""
        if self._escape:
            is_going_on = _BEGUN.fullmatch(self._escape + character) is not None
            self._escape = self._escape + character if is_going_on else ""
            return True
        if character == "\x1b":
            self._escape = character
            return True
        return False

    def _last(self) -> int:
        """Return where the last character begins, with what is drawn onto it."""
        at = len(self.text) - 1
        while at > 0 and not columns(self.text[at]):
            at -= 1
        return max(at, 0)

    def _cut(self, at: int) -> str:
        """Keep what is before ``at``, and return what takes the rest off the terminal."""
        before, self.text = self.text, self.text[:at]
        return "\b \b" * (columns(before) - columns(self.text))
