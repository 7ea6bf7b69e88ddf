"""What a person sets in the console: ``/set NAME VALUE``, kept in ``console.toml``.

The fields of `Settings` are the one table: what there is, what is allowed and what it is for.
The listing, completion, every error and the table in docs/console.md come from it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from attrs import evolve, field, fields, frozen, resolve_types
from cattrs import Converter, transform_error
from cattrs.errors import ForbiddenExtraKeysError

from chat.console.settings.kinds import (
    Kind,
    Lines,
    Value,
    WrongError,
    kind_of,
    make_converter,
    text_of,
)
from chat.pki.files import write_files

#: What is typed in place of a value, for the one that holds when nothing is set.
DEFAULT = "default"


class SettingError(Exception):
    """A setting cannot be read, changed or kept; the text says why, and what would do."""


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@frozen
class Settings:
    """All that can be set; the defaults are what holds without a file."""

    notify: Literal["bell", "osc9", "desktop", "none"] = field(
        default="bell", metadata=_help("how you are told of a message")
    )
    notify_for: Literal["mentions", "all", "none"] = field(
        default="mentions", metadata=_help("of what: mentions and direct messages, or all messages")
    )
    highlight: tuple[str, ...] = field(
        default=(), metadata=_help("words that count as a mention, besides your nickname")
    )
    typing: bool = field(default=True, metadata=_help("let others see that you type"))
    read_markers: bool = field(
        default=True, metadata=_help("let your other devices know what you have read")
    )
    joins: Literal["all", "active", "none"] = field(
        default="active",
        metadata=_help("whose joins and parts are shown: active are those who spoke lately"),
    )
    history_lines: Lines = field(
        default=Lines(200), metadata=_help("how many stored lines a room shows at the start")
    )
    rooms: Literal["auto", "on", "off"] = field(
        default="auto", metadata=_help("the panel of rooms: auto shows it where there is space")
    )
    members: Literal["auto", "on", "off"] = field(
        default="auto", metadata=_help("the panel of members: auto shows it where there is space")
    )
    mouse: bool = field(
        default=True,
        metadata=_help("from the next start on, clicks and wheel are the console's"),
    )

    def with_value(self, name: str, text: str) -> Settings:
        """Return these settings with one changed to what was typed; raises `SettingError`."""
        setting = find(name)
        value: Any = setting.default
        if text.strip() != DEFAULT:
            try:
                found = setting.kind.typed(text.strip())
                value = _converter().structure(found, setting.annotation)
            except WrongError:
                shown = json.dumps(text, ensure_ascii=False)
                raise SettingError(f"{name}: found {shown}, wanted {setting.allowed}") from None
        return evolve(self, **{name: value})

    def text(self, name: str) -> str:
        """Return a value as one would type it, ``""`` for a list without words."""
        value: Value = getattr(self, find(name).name)
        return text_of(value)


@frozen
class Setting:
    """One row of the table."""

    name: str
    help: str
    default: Value
    kind: Kind = field(repr=False)
    #: The type of its field.
    annotation: Any = field(repr=False)

    @property
    def allowed(self) -> str:
        """What may be typed, in words."""
        return self.kind.allowed

    @property
    def words(self) -> tuple[str, ...]:
        """All that may be typed, where there are only so many ways: for completion."""
        return self.kind.words

    @property
    def default_text(self) -> str:
        """The default as one would type it."""
        return text_of(self.default)


def find(name: str) -> Setting:
    """Return the setting with that name; raises `SettingError`, with a similar one."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise SettingError(f"there is no setting {name}: {_remedy(name)}")
    return setting


def settings_path() -> Path:
    """Return where the settings are kept on this platform."""
    from platformdirs import user_config_path

    return user_config_path("securechat", appauthor=False) / "console.toml"


def read(path: Path) -> Settings:
    """Return what the file says, and the defaults besides; raises `SettingError`.

    There need not be a file.
    """
    try:
        found = tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{path}: is not TOML: {error}: mend that line") from None
    try:
        return _converter().structure(found, Settings)
    except Exception as error:
        wrong = transform_error(error, path="", format_exception=_explain)
        first, _, key = wrong[0].rpartition(" @ ")
        where = key.removeprefix(".")
        raise SettingError(f"{path}: {where}{': ' if where else ''}{first}") from None


def write(path: Path, name: str, value: Value) -> None:
    """Keep one value in the file, for this user alone, and leave all else as it stands there.

    On return it is on disk; whoever reads meanwhile sees the old or the new file.  Raises
    `SettingError`: then nothing was written.
    """
    import tomlkit
    from tomlkit.exceptions import ParseError
    from tomlkit.items import Array

    try:
        document = tomlkit.parse(_read(path))
    except ParseError as error:
        raise SettingError(f"{path}: is not TOML: {error}: mend that line") from None
    before = document.get(name)
    if isinstance(value, tuple) and isinstance(before, Array):
        # Word by word, for the sake of the comments between them.
        for word in before.unwrap():
            if word not in value:
                before.remove(word)
        before.extend(word for word in value if word not in before)
    else:
        document[name] = list(value) if isinstance(value, tuple) else value
    # A link is followed, for those who keep such files elsewhere.
    target = path.resolve()
    try:
        write_files({target: tomlkit.dumps(document).encode()}, replace=True)
    except OSError as error:
        remedy = f"see who may write in {target.parent}"
        raise SettingError(f"{path}: cannot be written: {error.strerror}: {remedy}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise SettingError(f"{path}: is not UTF-8: save it as UTF-8, or move it away") from None
    except OSError as error:
        remedy = "make it a file that you may read, or move it away"
        raise SettingError(f"{path}: cannot be read: {error.strerror}: {remedy}") from None


@cache
def _converter() -> Converter:
    return make_converter()


def _explain(error: BaseException, kind: object) -> str:
    """Say in words what cattrs found wrong."""
    match error:
        case ForbiddenExtraKeysError():
            name = sorted(error.extra_fields)[0]
            return f"there is no setting {name}: {_remedy(name)}"
        case _:
            return str(error)


def _remedy(name: str) -> str:
    near = get_close_matches(name.casefold(), SETTINGS, n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(SETTINGS)}"


def _rows() -> Iterator[Setting]:
    for attribute in fields(resolve_types(Settings)):
        default: Any = attribute.default
        kind = kind_of(attribute.type)
        yield Setting(attribute.name, attribute.metadata["help"], default, kind, attribute.type)


#: The table, by name, in the order in which it is listed.
SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _rows()}
