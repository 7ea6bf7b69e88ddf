"""mIRC formatting codes, and other characters that a terminal must not see.

Source: Modern IRC, "Formatting"; https://modern.ircdocs.horse/formatting
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import category, east_asian_width

from attrs import evolve, frozen

_COLOUR = r"\x03(?:(\d{1,2})(?:,(\d{1,2}))?)?"
_CODES = re.compile(
    rf"{_COLOUR}|\x04(?:[0-9A-Fa-f]{{6}}(?:,[0-9A-Fa-f]{{6}})?)?|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
#: What has no width of its own, and is not seen but in an emoji: joiners, variation selectors,
#: skin tones, tags, and what else Unicode calls ignorable.
_UNSEEN = re.compile(
    "[\u034f\u17b4\u17b5\u180b-\u180f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
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
    """Return ``text`` without formatting codes, and without characters that do not show.

    Those are control and direction characters, and what joins emoji where it joins none.
    """
    return text if _is_safe(text) else "".join(piece for _, piece in parse_formatting(text))


def parse_formatting(text: str) -> Iterator[tuple[Format, str]]:
    """Yield the pieces of ``text`` with their formats; together they are `strip_formatting`'s.

    Colours in hexadecimal (0x04) are taken out, and mean nothing.
    """
    if text and _is_safe(text):
        yield PLAIN, text
        return
    form, start = PLAIN, 0
    for code in _CODES.finditer(text):
        piece = _safe(text[start : code.start()])
        if piece:
            yield form, piece
        form, start = _changed(form, code), code.end()
    piece = _safe(text[start:])
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


def _is_safe(text: str) -> bool:
    # What is printable to Python has no character of the categories Cc and Cf, nor of others.
    return text.isprintable() and (text.isascii() or _UNSEEN.search(text) is None)


def _safe(text: str) -> str:
    if _is_safe(text):
        return text
    joined = _joined(text) if _UNSEEN.search(text) else frozenset()
    return "".join(
        character
        for at, character in enumerate(text)
        if at in joined or not (_UNSEEN.match(character) or category(character) in ("Cc", "Cf"))
    )


def _joined(text: str) -> frozenset[int]:
    """Return where the characters of emoji stand that have several, as Unicode lists them.

    They are wide from their beginning: how wide others are, terminals disagree.
    """
    # It takes a moment to load: only when there is such a text.
    from emoji import emoji_list

    return frozenset(
        at
        for found in emoji_list(text)
        if _begins_wide(found["emoji"])
        for at in range(found["match_start"], found["match_end"])
    )


def _begins_wide(emoji: str) -> bool:
    return len(emoji) > 1 and (emoji[1] == "\ufe0f" or east_asian_width(emoji[0]) == "W")
