"""The address of a database, as ``securechat.toml`` has it.

``sqlite:PATH``, ``mariadb://USER:PASSWORD@HOST:PORT/NAME`` or
``mariadb://USER:PASSWORD@/NAME?unix_socket=PATH``; the password may come from
a file with ``password_file=PATH``.  User, password and name are percent-decoded.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from attrs import field, frozen

_MARIADB = (
    "mariadb://user:password@host:port/name or mariadb://user:password@/name?unix_socket=/path"
)
_OPTIONS = ("unix_socket", "password_file")


@frozen
class SQLiteURL:
    """A file of SQLite."""

    path: Path


@frozen
class MariaDBURL:
    """A database of a MariaDB server, at ``unix_socket`` when it is set, else over TCP."""

    user: str
    password: str = field(repr=False)
    name: str
    host: str = "127.0.0.1"
    port: int = 3306
    unix_socket: Path | None = None


DatabaseURL = SQLiteURL | MariaDBURL


def parse_url(text: str, directory: Path) -> DatabaseURL:
    """Return what ``text`` names; relative paths are relative to ``directory``.

    Raises ValueError with what was found and what is wanted; its text never
    holds a password.
    """
    scheme, colon, rest = text.partition(":")
    if not colon:
        raise ValueError(f"found no scheme, wanted sqlite:PATH or {_MARIADB}")
    if scheme == "sqlite":
        if not rest or rest.startswith("//"):
            raise ValueError(f"found {text!r}, wanted sqlite:PATH, such as sqlite:securechat.db")
        return SQLiteURL(directory / rest)
    if scheme == "mariadb":
        return _parse_mariadb(text, directory)
    raise ValueError(f"found the scheme {scheme!r}, wanted sqlite:PATH or {_MARIADB}")


def _parse_mariadb(text: str, directory: Path) -> MariaDBURL:
    """Return the parts of a ``mariadb:`` URL, or raise ValueError."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        # The driver's text may quote a part of a password that was not percent-encoded.
        raise ValueError(
            f"found a host or a port that cannot be read, wanted {_MARIADB}, with '/', ':', '@', "
            "'?' and '#' of a password percent-encoded"
        ) from None
    options = _options(url)
    if not url.username:
        raise ValueError(f"found no user, wanted {_MARIADB}")
    name = unquote(url.path.removeprefix("/"))
    if not name or "/" in name:
        raise ValueError(f"found the database name {name!r}, wanted {_MARIADB}")
    socket = options.get("unix_socket")
    if socket and (url.hostname or port):
        raise ValueError("found a host and a unix_socket, wanted one of them")
    if not socket and not url.hostname:
        raise ValueError(f"found neither a host nor a unix_socket, wanted {_MARIADB}")
    return MariaDBURL(
        user=unquote(url.username),
        password=_password(url, options.get("password_file"), directory),
        name=name,
        host=url.hostname or "127.0.0.1",
        port=port or 3306,
        unix_socket=directory / socket if socket else None,
    )


def _options(url: SplitResult) -> dict[str, str]:
    """Return the query's options, or raise ValueError for one that is not known."""
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    for key, value in options.items():
        if key not in _OPTIONS:
            raise ValueError(f"found the option {key!r}, wanted {' or '.join(_OPTIONS)}")
        if not value:
            raise ValueError(f"found no path at {key}=, wanted {key}=PATH")
    if url.fragment:
        raise ValueError("found a '#', which is written %23")
    return options


def _password(url: SplitResult, file: str | None, directory: Path) -> str:
    """Return the password, from the URL or from the first line of ``file``."""
    if file is None:
        return unquote(url.password or "")
    if url.password:
        raise ValueError("found a password and a password_file, wanted one of them")
    path = directory / file
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(
            f"found no password at {path} ({reason}), wanted password_file=PATH of a readable file"
        ) from None
