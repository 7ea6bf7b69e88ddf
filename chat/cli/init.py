"""``securechat init``: make a directory a network."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import click

from chat.cli.config_template import render
from chat.cli.network import with_store
from chat.cli.passphrase import new_passphrase
from chat.pki.bundles import network_files
from chat.pki.errors import ExistsError
from chat.pki.files import remove_made, write_files
from chat.pki.layout import Layout
from chat.store.store import Store
from chat.store.url import SQLiteURL, parse_url

DEFAULT_HOSTS = ("localhost", "127.0.0.1", "::1")
_SERVER_NAME = re.compile(r"(?=.{3,63}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The directory to make a network; the current one by default.",
)
@click.option("--network", default="securechat", show_default=True, help="The network's name.")
@click.option("--server", help="The server's name in IRC; the first host's name by default.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="A name or address that clients reach the server at; several times for several."
    f"  [default: {', '.join(DEFAULT_HOSTS)}]",
)
@click.option(
    "--database",
    default="sqlite:securechat.db",
    show_default=True,
    help="sqlite:PATH or mariadb://USER:PASSWORD@HOST:PORT/NAME.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line encrypts the authority's keys; the server will read it too.",
)
@click.option("--no-passphrase", is_flag=True, help="Do not encrypt the authority's keys.")
@click.option(
    "--root-out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the root's key in DIR alone, such as a USB stick, and never in keys/.",
)
def init(
    directory: Path,
    network: str,
    server: str | None,
    hosts: tuple[str, ...],
    database: str,
    passphrase_file: Path | None,
    no_passphrase: bool,
    root_out: Path | None,
) -> None:
    """Make a directory a network.

    Writes securechat.toml, keys/ with the network's authority and the server's
    certificate, and the database's schema.  What is there is never overwritten.

    \b
    Examples:
      securechat init
      securechat init --dir /srv/chat --network Lab --host chat.lab.example \\
          --passphrase-file /root/passphrase --root-out /media/stick/lab
    """  # noqa: D301
    names = list(hosts) or list(DEFAULT_HOSTS)
    config = directory / "securechat.toml"
    text = render(
        network=network,
        server=_server_name(server, names),
        database=_printable(database),
        passphrase_file=_lasting(passphrase_file),
    )
    sqlite = _sqlite_file(database, directory)
    files = [config, *([] if sqlite is None else [sqlite])]
    if root_out is not None:
        files += [Layout(root_out).root_key, Layout(root_out).root_certificate]
    _refuse_existing(files, directory)

    passphrase = new_passphrase(passphrase_file, none=no_passphrase)
    contents = network_files(
        Layout(directory / "keys"), network, names, passphrase, datetime.now(UTC), root_out
    )
    if sqlite is not None:
        contents[sqlite] = b""  # an empty file is an empty database, here with mode 0600
    made = write_files(contents)
    try:
        click.echo(f"Made the authority and the server's certificate in {directory / 'keys'}")
        if root_out is not None:
            click.echo(f"The root's key is in {root_out} alone: put it away")
        with_store(database, directory, _keep_as_it_is)
        click.echo("Made the database's schema")
        write_files({config: text.encode()})
    except BaseException:
        remove_made(made if sqlite is None else [*made, *_beside(sqlite)])
        raise
    click.echo(f"Wrote {config}")
    click.echo(f"{network} is ready for {', '.join(names)}.  What comes next:")
    option = "" if directory == Path() else f" --dir {directory}"
    click.echo(f"  securechat user add NAME{option}")
    click.echo(f"  securechat cert issue NAME{option}")
    click.echo(f"  twistd -n securechat --config {config}")


async def _keep_as_it_is(store: Store) -> None:
    """Do nothing more: opening the store made its schema."""


def _refuse_existing(files: list[Path], directory: Path) -> None:
    """Say what is there before anybody is asked for anything."""
    keys = Layout(directory / "keys")
    files = [*files, keys.root_certificate, keys.root_key, keys.server_key, *keys.issuing_keys]
    present = [str(path) for path in files if os.path.lexists(path)]
    if present:
        raise ExistsError(
            f"{directory.resolve()} already has {', '.join(present)}:"
            " nothing was changed, choose another --dir or move them away"
        )


def _server_name(server: str | None, hosts: list[str]) -> str:
    """Return the server's name in IRC, which has a dot so that no nickname is like it."""
    if server is not None:
        if _SERVER_NAME.fullmatch(server) is None:
            raise click.UsageError(
                f"--server: {server!r} is no server name: use a name with a dot,"
                " like irc.example.org, of at most 63 characters"
            )
        return server
    return next((host for host in hosts if _is_server_name(host)), "irc.localhost")


def _is_server_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return _SERVER_NAME.fullmatch(host) is not None
    return False


def _sqlite_file(database: str, directory: Path) -> Path | None:
    try:
        url = parse_url(database, directory)
    except ValueError as error:
        raise click.UsageError(f"--database: {error}") from error
    return url.path if isinstance(url, SQLiteURL) else None


def _beside(database: Path) -> list[Path]:
    """Return the files that SQLite keeps beside a database."""
    return [database.with_name(database.name + ending) for ending in ("-wal", "-shm")]


def _lasting(file: Path | None) -> str | None:
    """Return the file's absolute path; ``None`` for a pipe, which the server cannot read again."""
    return _printable(str(file.resolve())) if file is not None and file.is_file() else None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise click.UsageError(f"{text!r} has characters that no configuration can hold")
    return text
