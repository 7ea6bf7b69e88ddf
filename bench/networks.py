"""Temporary networks on either database, and their running servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import SkipTest

import click

from chat.server.config import load
from chat.server.passwords import hash_password
from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import IRC
from tests.support.mariadb import MariaDBServer
from tests.support.servers import Server

DATABASES = ("sqlite", "mariadb")
#: The option of every scenario that says on which databases it runs.
on_databases = click.option(
    "--database",
    "databases",
    type=click.Choice(DATABASES),
    multiple=True,
    default=DATABASES,
    show_default=True,
    help="Where the log is; may be repeated.",
)
#: What an installation has by default, where the tests' server is as small as possible.
_MARIADB = ("--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M")
_OPERATOR = "root sesame"


@contextmanager
def network(database: str, **more: str) -> Iterator[Stored | None]:
    """Give a network without accounts' rules and flood control; ``None`` without mariadbd.

    ``more`` are other sections of its configuration.
    """
    name, password = _OPERATOR.split()
    sections: dict[str, Any] = {
        "accounts": 'login = "optional"\nidentity = "any"\npassword = "optional"\nnickname = "any"',
        "limits": "flood = false\nhalf_open_per_address = 1000",
        "operators": f'{name} = "{hash_password(password, rounds=4).decode()}"',
        **more,
    }
    if database == "sqlite":
        yield on_sqlite(**sections)
        return
    try:
        server = MariaDBServer(*_MARIADB)
    except SkipTest as missing:
        click.echo(f"\nSkipped on MariaDB: {missing}")
        yield None
        return
    try:
        server.start()
        yield on_mariadb(server, **sections)
    finally:
        server.remove()


@contextmanager
def running(stored: Stored) -> Iterator[Server]:
    """Run the network's server."""
    server = Server(stored.home)
    try:
        server.start()
        yield server
    finally:
        server.cleanup()


@contextmanager
def operator(server: Server, capabilities: str = "") -> Iterator[IRC]:
    """Give a connection that is logged in as an operator."""
    client = IRC.login(server.port, server.home.device("alice"), capabilities)
    try:
        client.exchange(f"OPER {_OPERATOR}")
        yield client
    finally:
        client.close()


def database_url(stored: Stored) -> str:
    """Return the URL of the network's database."""
    return load(stored.home.directory / "securechat.toml").database.url
