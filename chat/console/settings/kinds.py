"""The kinds of values that a setting has: what is allowed, as it is typed and as a file has it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal, NewType, cast, get_args, get_origin

from attrs import frozen
from cattrs import Converter

#: How many lines: a whole number from `LEAST_LINES` to `MOST_LINES`.
Lines = NewType("Lines", int)
LEAST_LINES, MOST_LINES = 50, 2000
Value = bool | int | str | tuple[str, ...]

_WORDS, _WORD_LENGTH = 50, 50


class WrongError(ValueError):
    """One value is wrong; the text says what was found and what was wanted."""

    def __init__(self, found: object, wanted: str) -> None:
        shown = json.dumps(found, default=str, ensure_ascii=False)
        super().__init__(f"found {shown}, wanted {wanted}")


@frozen
class Kind:
    """What is allowed, in words, where it is typed and where it stands in a file."""

    allowed: str
    allowed_in_file: str
    #: All that may be typed, where there are only so many ways.
    words: tuple[str, ...]
    #: Returns what was typed as it would stand in a file, if it can.
    typed: Callable[[str], object]
    #: Whether a value may stand in a file.
    allows: Callable[[object], bool]


def kind_of(annotation: Any) -> Kind:
    """Return the kind of a field, from its type."""
    if annotation is bool:
        return Kind("on or off", "true or false", ("on", "off"), _switch, _is_switch)
    if annotation is Lines:
        allowed = f"a whole number from {LEAST_LINES} to {MOST_LINES}"
        return Kind(allowed, allowed, (), _number, _is_lines)
    if get_origin(annotation) is tuple:
        return Kind(
            f"up to {_WORDS} words, a comma between two, each of at most {_WORD_LENGTH} characters;"
            " a comma alone for none",
            f"a list of up to {_WORDS} words in quotes, each of at most {_WORD_LENGTH} characters,"
            " none with a comma",
            (),
            lambda text: [word.strip() for word in text.split(",") if word.strip()],
            _is_list,
        )
    words: tuple[str, ...] = get_args(annotation)
    return Kind(
        _either(words),
        _either(tuple(map(json.dumps, words))),
        words,
        str.casefold,
        lambda found: isinstance(found, str) and found in words,
    )


def text_of(value: Value) -> str:
    """Return a value as one would type it, ``""`` for a list without words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def make_converter() -> Converter:
    """Return what makes values of what stands in a file; raises `WrongError` for each."""
    # Strict throughout: a value that is coerced is a mistake that nobody sees.
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(bool, _structure)
    converter.register_structure_hook_func(
        lambda kind: kind is Lines or cast(object, get_origin(kind)) in (tuple, Literal),
        _structure,
    )
    return converter


def _structure(found: Any, annotation: Any) -> Any:
    kind = kind_of(annotation)
    if not kind.allows(found):
        raise WrongError(found, kind.allowed_in_file)
    return tuple(dict.fromkeys(found)) if isinstance(found, list) else found


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _switch(text: str) -> object:
    return {"on": True, "off": False}.get(text.casefold(), text)


def _number(text: str) -> object:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text


def _is_switch(found: object) -> bool:
    return isinstance(found, bool)


def _is_lines(found: object) -> bool:
    return type(found) is int and LEAST_LINES <= found <= MOST_LINES


def _is_list(found: object) -> bool:
    return isinstance(found, list) and len(found) <= _WORDS and all(map(_is_word, found))


def _is_word(found: object) -> bool:
    return (
        isinstance(found, str)
        and 0 < len(found) <= _WORD_LENGTH
        and found == found.strip()
        and found.isprintable()
        and "," not in found
    )
