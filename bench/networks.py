"""Temporary networks of ours, on either database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import SkipTest

import click
from attrs import frozen

from chat.server.config import load
from chat.server.passwords import hash_password
from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import IRC
from tests.support.mariadb import MariaDBServer
from tests.support.servers import Home, make_home

#: On ``memory`` it is SQLite in a file system without a disk: the same work, no durability.
DATABASES = {"sqlite": "SQLite", "mariadb": "MariaDB", "memory": "no disk"}
#: What an installation has by default, where the tests' server is as small as possible.
_MARIADB = ("--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M")
_MEMORY = Path("/dev/shm")
_OPERATOR = "root sesame"
#: Without the rules that stand for people, and the limits against them.
_SECTIONS = {
    "accounts": 'login = "optional"\nidentity = "any"\npassword = "optional"\nnickname = "any"',
    "limits": "flood = false\nhalf_open_per_address = 10000\nconnections_per_address = 10000",
    "tls": (
        'certificate = "keys/server.crt"\nkey = "keys/server.key"\nauthority = "keys/ca.crt"\n'
        'revocations = "keys/revocations.pem"\nresumption = true'
    ),
}


@frozen
class Network:
    """A network, and the process of its database, if it has one."""

    stored: Stored
    processes: tuple[int, ...] = ()

    @property
    def url(self) -> str:
        """The URL of the database."""
        return load(self.stored.home.directory / "securechat.toml").database.url


@contextmanager
def network(database: str) -> Iterator[Network | None]:
    """Give a network without accounts' rules and flood control; ``None`` without mariadbd."""
    name, password = _OPERATOR.split()
    sections: dict[str, Any] = {
        **_SECTIONS,
        "operators": f'{name} = "{hash_password(password, rounds=4).decode()}"',
    }
    match database:
        case "sqlite":
            yield Network(on_sqlite(**sections))
        case "memory":
            home = make_home(**sections)
            with _in_memory(home):
                yield Network(Stored(home, _unasked))
        case _:
            try:
                server = MariaDBServer(*_MARIADB)
            except SkipTest as missing:
                click.echo(f"Skipped MariaDB: {missing}", err=True)
                yield None
                return
            try:
                server.start()
                yield Network(on_mariadb(server, **sections), (server.pid,))
            finally:
                server.remove()


def _unasked(sql: str) -> list[tuple[object, ...]]:
    raise NotImplementedError(sql)


@contextmanager
def _in_memory(home: Home) -> Iterator[None]:
    """Move a network's database where there is no disk."""
    directory = Path(tempfile.mkdtemp(prefix="sc-", dir=_MEMORY))
    try:
        shutil.copy(home.directory / "securechat.db", directory)
        home.configure(database=f'url = "sqlite:{directory}/securechat.db"')
        yield
    finally:
        shutil.rmtree(directory)


@contextmanager
def operator(port: int, stored: Stored, capabilities: str = "") -> Iterator[IRC]:
    """Give a connection to a running server that is logged in as an operator."""
    client = IRC.login(port, stored.home.device("alice"), capabilities)
    try:
        client.exchange(f"OPER {_OPERATOR}")
        yield client
    finally:
        client.close()
