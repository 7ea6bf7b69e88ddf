"""``securechat.toml``: read, checked to the last key, and with its paths resolved.

An unknown key, a wrong type or value, or a missing file is a `ConfigError` that
names the file, the key, what was found and what was wanted.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

from attrs import evolve, field, fields, frozen
from cattrs import Converter, override, transform_error
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from chat.network.ids import Timestamp
from chat.network.settings import (
    AccountSettings,
    Bound,
    HistorySettings,
    Limits,
    Performance,
    Settings,
)
from chat.pki.passphrases import PREFIX
from chat.store.url import parse_url

#: The configuration's file in the directory of a network.
FILE_NAME = "securechat.toml"
_TAG = r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9][A-Za-z0-9-]*"
#: The token CLIENTTAGDENY (message-tags, "RPL_ISUPPORT Tokens"), or nothing.
_DENIED_TAGS = re.compile(rf"(?:\*(?:,-{_TAG})*|{_TAG}(?:,{_TAG})*)?")
_TLS_PATHS = ("certificate", "key", "authority", "revocations")


class ConfigError(Exception):
    """The configuration cannot be used; the text says where and why."""


@frozen
class NetworkSection:
    """Section ``[network]``: what people see; ``motd`` is a path, empty for none."""

    name: str
    server: str
    motd: str = ""
    #: How nicknames and channels are compared; not to be changed later.
    casemapping: Literal["ascii", "rfc1459", "precis"] = "ascii"
    description: str = "securechat server"
    #: Who runs the server: up to three lines for the command ADMIN.
    admin: tuple[str, ...] = ()
    #: Client-only tags that nobody gets to see: "typing", or "*" and "-reply" for all but one.
    denied_client_tags: tuple[str, ...] = ()


@frozen
class ListenSection:
    """Section ``[listen]``: where the server waits for clients."""

    tls: tuple[str, ...] = ("127.0.0.1:6697", "[::1]:6697")
    #: Where clients reach it, where that is none of ``tls`` nor the certificate's first name.
    address: str = ""
    websocket: tuple[str, ...] = ()
    #: Of which web pages the scripts may connect to ``websocket``; no page by default.
    websocket_origins: tuple[str, ...] = ()


@frozen
class TLSSection:
    """Section ``[tls]``: paths, the oldest version of TLS, whether sessions are resumed."""

    certificate: str
    key: str
    authority: str
    revocations: str
    minimum: Literal["1.3", "1.2"] = "1.3"
    resumption: bool = False


@frozen
class DatabaseSection:
    """Section ``[database]``; the URL may hold a password."""

    url: str = field(default="sqlite:securechat.db", repr=False)


@frozen
class AuthoritySection:
    """Section ``[authority]``: the built-in authority, whose lists the server re-signs daily."""

    #: Empty where the authority is somebody else's.
    directory: str = ""
    #: A path, or ``credential:NAME`` for what systemd gives to the service.
    passphrase_file: str = ""
    #: How long the certificate of a device is valid.
    device_days: int = 30
    #: For how long after its end a certificate may renew itself, once.
    grace_days: int = 7


@frozen
class Config:
    """The whole file; relative paths are relative to ``directory``."""

    network: NetworkSection
    tls: TLSSection
    listen: ListenSection = field(factory=ListenSection)
    database: DatabaseSection = field(factory=DatabaseSection)
    accounts: AccountSettings = field(factory=AccountSettings)
    limits: Limits = field(factory=Limits)
    history: HistorySettings = field(factory=HistorySettings)
    performance: Performance = field(factory=Performance)
    operators: dict[str, str] = field(factory=dict, repr=False)
    authority: AuthoritySection = field(factory=AuthoritySection)
    directory: Path = Path()

    def path(self, name: str) -> Path:
        """Return a path of the file, resolved against the file's directory."""
        return self.directory / name

    def motd(self) -> tuple[str, ...]:
        """Return the lines of the message of the day."""
        if not self.network.motd:
            return ()
        return tuple(self.path(self.network.motd).read_text().splitlines())


def load(path: Path) -> Config:
    """Return the configuration in the file ``path``."""
    try:
        found = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file: make a network with `securechat init`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None
    try:
        config = evolve(_converter().structure(found, Config), directory=path.resolve().parent)
        _check(config)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except Exception as error:
        wrong = transform_error(error, path="", format_exception=_explain)
        first, _, key = wrong[0].rpartition(" @ ")
        raise ConfigError(f"{path}: {key.removeprefix('.') or 'the file'}: {first}") from None
    return config


def parse_address(address: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:6697`` or ``[::1]:6697``; `ValueError` if neither."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([0-9A-Za-z.-]+)):([0-9]{1,5})", address)
    if match is None or int(match[3]) > 65535:
        raise ValueError(f"{address!r} is not an address: wanted host:port or [IPv6]:port")
    return match[1] or match[2], int(match[3])


_KINDS: dict[type, str] = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number above 0",
    float: "a number above 0",
}


def parse_origin(origin: str) -> str:
    """Return ``https://chat.lab.example`` as it came; `ValueError` if no browser writes it so.

    Source: HTML, "ASCII serialization of an origin", which RFC 6454 (6.2) had first.
    """
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::[0-9]+)?", origin):
        return origin
    raise ValueError(f"{origin!r} is not an origin: wanted https://host or https://host:port")


class _WrongError(ValueError):
    """One value is wrong; the text says what was found and what was wanted."""

    def __init__(self, found: object, wanted: str) -> None:
        shown = "a section" if isinstance(found, dict) else json.dumps(found, default=str)
        super().__init__(f"found {shown}, wanted {wanted}")


def _scalar(kind: type) -> Callable[[Any, object], Any]:
    def structure(found: Any, _: object) -> Any:
        value = float(found) if kind is float and type(found) is int else found
        is_number = kind in (int, float)
        if type(value) is not kind or (is_number and cast(float, value) <= 0):
            raise _WrongError(found, _KINDS[kind])
        return value

    return structure


def _bound(found: Any, _: object) -> int:
    if type(found) is not int or found < 0:
        raise _WrongError(found, "a whole number, 0 for no bound")
    return found


def _choice(found: object, kind: Any) -> object:
    if found not in get_args(kind):
        raise _WrongError(found, " or ".join(map(json.dumps, get_args(kind))))
    return found


def _list(found: object, _: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise _WrongError(found, "a list of texts in quotes")
    return tuple(found)


def _explain(error: BaseException, kind: object) -> str:
    """Say in words what cattrs found wrong."""
    match error:
        case _WrongError():
            return str(error)
        case ForbiddenExtraKeysError():
            names = (field.name for field in fields(error.cl))
            known = ", ".join(name for name in names if name != "directory")
            return f"unknown {', '.join(sorted(error.extra_fields))}, wanted {known}"
        case KeyError():
            return "found nothing, and there is no default"
        case _:
            return "found something else, wanted a section"


def _converter() -> Converter:
    # Strict throughout: a value that is coerced is a mistake that nobody sees.
    converter = Converter(forbid_extra_keys=True)
    for kind in _KINDS:
        converter.register_structure_hook(kind, _scalar(kind))
    converter.register_structure_hook_func(lambda kind: kind is Bound, _bound)
    converter.register_structure_hook_func(
        lambda kind: cast(object, get_origin(kind)) is Literal, _choice
    )
    converter.register_structure_hook_func(
        lambda kind: cast(object, get_origin(kind)) is tuple, _list
    )
    # Where the file is, the file does not say.
    whole = make_dict_structure_fn(Config, converter, directory=override(omit=True))
    converter.register_structure_hook(Config, whole)
    return converter


def _check(config: Config) -> None:
    """Raise `ConfigError` where a value has the right type and is wrong all the same."""
    for key in ("tls", "websocket"):
        for address in getattr(config.listen, key):
            _must(f"listen.{key}", parse_address, address)
    if config.listen.address:
        _must("listen.address", parse_address, config.listen.address)
    for origin in config.listen.websocket_origins:
        _must("listen.websocket_origins", parse_origin, origin)
    _must("database.url", lambda url: parse_url(url, config.directory), config.database.url)
    denied = config.network.denied_client_tags
    if _DENIED_TAGS.fullmatch(",".join(denied)) is None:
        wanted = 'tags without "+", or "*" and then each exception with a "-"'
        raise ConfigError(f"network.denied_client_tags: found {list(denied)}, wanted {wanted}")
    for name, hashed in config.operators.items():
        if re.fullmatch(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", hashed) is None:
            wanted = "a bcrypt hash: `securechat password-hash` makes one"
            raise ConfigError(f"operators.{name}: found something else, wanted {wanted}")
    paths = {f"tls.{name}": getattr(config.tls, name) for name in _TLS_PATHS}
    paths["network.motd"] = config.network.motd
    if not config.authority.passphrase_file.startswith(PREFIX):
        paths["authority.passphrase_file"] = config.authority.passphrase_file
    for key, path in paths.items():
        if path and not config.path(path).is_file():
            raise ConfigError(f"{key}: found {path!r}, wanted a file that is there")


def _must(key: str, parse: Callable[[str], object], value: str) -> None:
    try:
        parse(value)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from None


def make_settings(config: Config, now: datetime) -> Settings:
    """Return what handlers may know of the configuration."""
    return Settings(
        config.network.name,
        config.network.server,
        f"securechat-{version('securechat')}",
        Timestamp(int(now.timestamp() * 1000)),
        config.motd(),
        config.network.casemapping,
        config.network.description,
        config.network.admin,
        config.network.denied_client_tags,
        config.accounts,
        config.limits,
        config.history,
    )
