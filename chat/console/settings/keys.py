"""The keys of the full-screen console: what each does, and the file in which one changes that.

Keys have the names that Textual gives them; a person may write them otherwise (`key_names`).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen
from platformdirs import user_config_path

from chat.console.settings.key_names import key_named, shown


class KeysError(Exception):
    """The file of keys cannot be followed; the text says where, why, and what to write."""


@frozen
class Key:
    """One row of the table: an action, by the name that a person binds, and its keys."""

    section: str
    name: str
    keys: tuple[str, ...]
    action: str
    help: str


_TABLE = {
    "Rooms": (
        ("room_up", "alt+up ctrl+p", "app.step(-1)", "the room above"),
        ("room_down", "alt+down ctrl+n", "app.step(1)", "the room below"),
        *(
            (f"room_{number}", f"alt+{number}", f"app.go_to({number})", "a room by its number")
            for number in range(1, 10)
        ),
        ("next_active", "alt+a", "app.next_active", "the next room with something unread"),
        ("last_room", "alt+slash", "app.last_room", "the room before this one"),
        ("jump", "ctrl+k", "app.jump", "a room by some letters of its name"),
    ),
    "Reading": (
        ("page_up", "pageup", "app.page(-1)", "older lines"),
        ("page_down", "pagedown", "app.page(1)", "newer lines"),
        ("first_unread", "alt+u", "app.first_unread", "the first message that is unread"),
        ("newest", "ctrl+end alt+greater_than_sign", "app.newest", "the newest line"),
        ("select_up", "shift+up", "app.select(-1)", "choose the message above, to answer it"),
        ("select_down", "shift+down", "app.select(1)", "choose the message below"),
    ),
    "Writing": (
        ("send", "enter", "enter", "send what is typed"),
        ("newline", "alt+enter ctrl+j", "newline", "begin another line"),
        ("complete", "tab", "complete(1)", "complete a nickname, room or command; then the next"),
        ("complete_back", "shift+tab", "complete(-1)", "the completion before"),
        ("older_line", "up", "older", "the line typed before"),
        ("newer_line", "down", "newer", "the line typed behind it"),
        ("search_lines", "ctrl+r", "search_lines", "search the lines typed before"),
        ("editor", "ctrl+x", "editor", "write in your editor ($VISUAL or $EDITOR)"),
    ),
    "Editing": (
        ("left", "left ctrl+b", "cursor_left", "a character back"),
        ("right", "right ctrl+f", "cursor_right", "a character on"),
        ("word_left", "ctrl+left alt+b", "cursor_word_left", "a word back"),
        ("word_right", "ctrl+right alt+f", "cursor_word_right", "a word on"),
        ("line_start", "home ctrl+a", "cursor_line_start", "the line's beginning"),
        ("line_end", "end ctrl+e", "cursor_line_end", "the line's end"),
        ("mark_left", "shift+left", "cursor_left(True)", "mark text"),
        ("mark_right", "shift+right", "cursor_right(True)", "mark text"),
        ("mark_line_start", "shift+home", "cursor_line_start(True)", "mark text"),
        ("mark_line_end", "shift+end", "cursor_line_end(True)", "mark text"),
        ("delete_left", "backspace", "delete_left", "delete the character before"),
        ("delete_right", "delete", "delete_right", "delete the character behind"),
        ("delete_or_leave", "ctrl+d", "delete_or_leave", "the same; on nothing: leave"),
        ("cut_to_blank", "ctrl+w", "cut_to_blank", "cut all back to a blank"),
        ("cut_word_left", "alt+backspace", "cut_word_left", "cut the word before"),
        ("cut_word_right", "alt+d", "cut_word_right", "cut the word behind"),
        ("cut_before", "ctrl+u", "cut_before", "cut the line before the cursor"),
        ("cut_behind", "alt+k", "cut_behind", "cut the line behind the cursor"),
        ("put_back", "ctrl+y", "put_back", "put in what was cut last"),
        ("transpose", "ctrl+t", "transpose", "exchange two characters"),
        ("undo", "ctrl+underscore", "undo", "undo a change"),
    ),
    "The program": (
        ("help", "f1", "app.help", "this help"),
        ("close", "escape", "app.close", "close what is open; choose no message; this help"),
        ("rooms_panel", "f2", "app.side('rooms')", "show or hide the rooms"),
        ("members_panel", "f3", "app.side('members')", "show or hide who is here"),
        ("redraw", "ctrl+l", "app.redraw", "draw the screen anew"),
        ("suspend", "ctrl+z", "app.suspend_process", "stop, and go on with the shell's fg"),
        ("no_quit", "ctrl+c", "app.no_quit", "say how one leaves, and not leave by accident"),
        ("quit", "ctrl+q", "app.quit", "leave, as /quit does"),
    ),
}
#: The keys while nobody changes them, in the order of the help.
KEYS = tuple(
    Key(section, name, tuple(keys.split()), action, help_text)
    for section, rows in _TABLE.items()
    for name, keys, action, help_text in rows
)


def keys_path() -> Path:
    """Return where the file is in which a person binds keys."""
    return user_config_path("securechat", appauthor=False) / "keys.toml"


def read_keys(path: Path) -> tuple[Key, ...]:
    """Return the keys as a file binds them, which need not be there; raises `KeysError`."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return KEYS
    except OSError as error:
        raise KeysError(f"{path}: {error.strerror}: make it readable, or remove it") from error
    except UnicodeDecodeError as error:
        raise KeysError(f"{path}: is not UTF-8: save it as UTF-8") from error
    try:
        return rebound(KEYS, text)
    except KeysError as error:
        raise KeysError(f"{path}: {error}") from error


def rebound(table: Sequence[Key], text: str) -> tuple[Key, ...]:
    """Return a table with the keys that a TOML text binds; raises `KeysError`.

    The text has a list of keys by action.  They take the place of the action's own, and
    no other action keeps one of them; ``[]`` leaves the action without a key.
    """
    try:
        lists = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KeysError(f'{error}: write lines such as next_active = ["alt+a", "f5"]') from error
    chosen = _chosen(lists, [key.name for key in table])
    taken = {key for keys in chosen.values() for key in keys}
    return tuple(
        evolve(row, keys=chosen.get(row.name, tuple(key for key in row.keys if key not in taken)))
        for row in table
    )


def _chosen(lists: Mapping[str, object], names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {}
    owners: dict[str, str] = {}
    for name, keys in lists.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise KeysError(f"there is no action {name}: {remedy}")
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise KeysError(f'{name} needs a list of keys: {name} = ["f5"], or [] for none')
        chosen[name] = tuple(_named(name, key) for key in keys)
        for key in chosen[name]:
            if key in owners:
                raise KeysError(
                    f"{shown(key)} is given twice, to {owners[key]} and {name}: drop one"
                )
            owners[key] = name
    return chosen


def _named(action: str, text: str) -> str:
    try:
        return key_named(text)
    except ValueError as error:
        raise KeysError(f"{action}: {error}") from error
