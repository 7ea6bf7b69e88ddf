"""mIRC formatting codes, and other characters that a terminal must not see.

Source: Modern IRC, "Formatting"; https://modern.ircdocs.horse/formatting
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from attrs import evolve, frozen

_COLOUR = r"\x03(?:(\d{1,2})(?:,(\d{1,2}))?)?"
_CODES = re.compile(
    rf"{_COLOUR}|\x04(?:[0-9A-Fa-f]{{6}}(?:,[0-9A-Fa-f]{{6}})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
#: What switches on and off, by its code.  Monospace (0x11) is what a terminal has anyway.
_TOGGLES = {
    "\x02": "bold",
    "\x16": "reverse",
    "\x1d": "italic",
    "\x1e": "strike",
    "\x1f": "underline",
}


@frozen
class Format:
    """How some text is to look; colours are mIRC's numbers 0 to 98, or ``None``."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False
    colour: int | None = None
    background: int | None = None


PLAIN = Format()


def strip_formatting(text: str) -> str:
    """Return ``text`` without formatting codes and control or direction characters."""
    return text if text.isprintable() else _printable(_CODES.sub("", text))


def parse_formatting(text: str) -> Iterator[tuple[Format, str]]:
    """Yield the pieces of ``text`` with their formats; together they are `strip_formatting`'s.

    Colours in hexadecimal (0x04) are taken out, and mean nothing.
    """
    if text and text.isprintable():
        yield PLAIN, text
        return
    form, start = PLAIN, 0
    for code in _CODES.finditer(text):
        piece = _printable(text[start : code.start()])
        if piece:
            yield form, piece
        form, start = _changed(form, code), code.end()
    piece = _printable(text[start:])
    if piece:
        yield form, piece


def _changed(form: Format, code: re.Match[str]) -> Format:
    kind = code[0][0]
    if kind == "\x0f":
        return PLAIN
    if kind == "\x03":
        if code[1] is None:
            return evolve(form, colour=None, background=None)
        background = form.background if code[2] is None else _number(code[2])
        return evolve(form, colour=_number(code[1]), background=background)
    name = _TOGGLES.get(kind)
    return evolve(form, **{name: not getattr(form, name)}) if name is not None else form


def _number(digits: str) -> int | None:
    """Return a colour, or ``None`` for 99, which is the reader's own."""
    return None if digits == "99" else int(digits)


def _printable(text: str) -> str:
    # What is printable to Python has no character of these categories, nor of others.
    if text.isprintable():
        return text
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in ("Cc", "Cf") or character == "\u200d"
    )
