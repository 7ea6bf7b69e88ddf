"""The names of keys: as Textual has them, as a person writes them, as a terminal sends them."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterator


def _long(character: str) -> str:
    """Return Textual's name of a character."""
    if character.isalnum():
        return character
    name = unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")
    return _RENAMED.get(name, name)


_RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_PUNCTUATION = {_long(character): character for character in string.punctuation}
_SYNONYMS = {
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup",
    "pgdn": "pagedown", "bs": "backspace",
}  # fmt: skip
_SHOWN = {"pageup": "PgUp", "pagedown": "PgDn", "escape": "Esc"}
#: Keys that terminals tell apart with any of Alt, Ctrl and Shift.
_MOVING = (
    {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"}
    | {f"f{number}" for number in range(1, 13)}
)  # fmt: skip
_WHOLE = {"enter", "tab", "backspace", "escape", "shift+tab", "alt+enter", "alt+backspace",
          "alt+space"}  # fmt: skip
#: What terminals send for Ctrl and these is another key.
_SAME = {"h": "backspace", "i": "tab", "m": "enter", "left_square_bracket": "escape"}
_WITH_CONTROL = {*string.ascii_lowercase} | {
    "backslash", "right_square_bracket", "circumflex_accent", "underscore",
}  # fmt: skip
#: With Alt, these begin what terminals send for other keys.
_BEGIN_OTHERS = ("alt+left_square_bracket", "alt+shift+o")


def key_named(text: str) -> str:
    """Return Textual's name of a key that a person wrote; raises `ValueError`.

    ``Alt+/`` and ``alt+slash`` are the same key, so are ``Alt+A`` and ``alt+a``.
    """
    *modifiers, base = text.strip().replace("++", "+plus").split("+")
    modifiers = [modifier.strip().lower() for modifier in modifiers]
    base = base.strip().lower()
    base = _long(base) if base in _PUNCTUATION.values() else _SYNONYMS.get(base, base)
    name = "+".join((*sorted({*modifiers}), base))
    cause = _why_not({*modifiers}, base, name)
    if cause:
        raise ValueError(f"{text!r} {cause}")
    return name


def _why_not(modifiers: set[str], base: str, name: str) -> str:
    """Return why a key cannot be bound, or ``""``."""
    is_character = base in _PUNCTUATION or base in {*string.ascii_lowercase, *string.digits}
    if not modifiers <= {"alt", "ctrl", "shift"} or not (
        is_character or base in _MOVING | _WHOLE | {"space"}
    ):
        return "is no key: write such as alt+a, ctrl+x, alt+/, f5, shift+up, pageup"
    if base in _MOVING or name in _WHOLE:
        return ""
    if is_character and modifiers <= {"shift"}:
        return f"would no longer be typed: write alt+{_PUNCTUATION.get(base, base)}"
    if modifiers == {"ctrl"} and base in _SAME:
        return f"is {_SAME[base]} for a terminal: write {_SAME[base]}"
    if name in _BEGIN_OTHERS:
        return "begins what a terminal sends for other keys: take another one"
    is_known = (
        (modifiers == {"ctrl"} and base in _WITH_CONTROL)
        or (modifiers == {"alt"} and is_character)
        or (modifiers == {"alt", "shift"} and base in string.ascii_lowercase)
    )
    return "" if is_known else "is not told apart by most terminals: take another one"


_ON_SHIFT = {
    _long(plain): _long(shifted)
    for plain, shifted in zip("`1234567890-=[]\\;',./", '~!@#$%^&*()_+{}|:"<>?', strict=True)
}


def canonical(pressed: str) -> str:
    """Return the name in the table of a key that was pressed.

    Terminals with Kitty's keyboard protocol tell the key below a sign, and Shift: that
    is the sign, as an American keyboard has it.
    """
    modifiers, _, base = pressed.rpartition("+")
    if modifiers in ("alt+shift", "ctrl+shift") and base in _ON_SHIFT:
        return f"{modifiers.removesuffix('shift')}{_ON_SHIFT[base]}"
    return pressed


def alt_sequences() -> Iterator[tuple[str, str]]:
    """Yield what a terminal sends for each character with Alt, and the key's name."""
    for character in string.ascii_letters + string.digits + string.punctuation:
        shift = "shift+" if character.isupper() else ""
        name = f"alt+{shift}{_long(character.lower())}"
        if name not in _BEGIN_OTHERS:
            yield f"\x1b{character}", name
    for sent, base in (
        ("\r", "enter"),
        ("\x7f", "backspace"),
        ("\x08", "backspace"),
        (" ", "space"),
    ):
        yield f"\x1b{sent}", f"alt+{base}"


def shown(key: str) -> str:
    """Return a key as the help writes it."""
    return "+".join(
        _PUNCTUATION.get(part) or _SHOWN.get(part) or part.capitalize() for part in key.split("+")
    )
