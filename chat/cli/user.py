"""``securechat user``: the accounts of a network."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from chat.cli.network import directory_option, load_config, with_store
from chat.irc.names import is_account_name
from chat.network.events import AccountRemoved, Entry
from chat.network.ids import EventId, Timestamp
from chat.network.records import ROLES, Account
from chat.server.passwords import hash_account_password
from chat.store.interfaces import AccountExistsError
from chat.store.store import Store

_password_option: Callable[[Callable[..., None]], Callable[..., None]] = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line is the password; without it you are asked.",
)


@click.group()
def user() -> None:
    """Add, list and remove accounts, and set their passwords.

    \b
    Example:
      securechat user add alice
      securechat user list
    """  # noqa: D301


@user.command()
@click.argument("name")
@_password_option
@click.option("--role", type=click.Choice(ROLES), default="user", show_default=True)
@directory_option
def add(name: str, password_file: Path | None, role: str, directory: Path) -> None:
    """Add the account NAME.

    \b
    Example:
      securechat user add alice --role admin
    """  # noqa: D301
    config = load_config(directory)
    limit = config.limits.nick_length
    if not is_account_name(name, limit):
        raise click.UsageError(
            f"{name!r} cannot name an account: use a letter, then letters, digits, _ or -,"
            f" at most {limit} characters"
        )
    hashed, scram = hash_account_password(_password(password_file))
    account = Account(name, hashed, role, Timestamp(time.time_ns() // 1_000_000), scram)

    async def work(store: Store) -> bool:
        try:
            await store.accounts.add(account)
        except AccountExistsError:
            return False
        return True

    if not with_store(config.database.url, config.directory, work):
        raise click.ClickException(
            f"the account {name} exists: `securechat user passwd {name}` sets its password"
        )
    click.echo(f"Added {name}.  A device of theirs gets in with: securechat cert issue {name}")


@user.command("list")
@directory_option
def list_(directory: Path) -> None:
    """List the accounts.

    \b
    Example:
      securechat user list --dir /srv/chat
    """  # noqa: D301
    config = load_config(directory)

    async def work(store: Store) -> list[Account]:
        return await store.accounts.all()

    table = Table("account", "role", "since (UTC)", box=None, pad_edge=False)
    for account in with_store(config.database.url, config.directory, work):
        since = time.strftime("%Y-%m-%d %H:%M", time.gmtime(account.created / 1000))
        table.add_row(account.name, account.role, since)
    Console().print(table)


@user.command()
@click.argument("name")
@_password_option
@directory_option
def passwd(name: str, password_file: Path | None, directory: Path) -> None:
    """Set the password of the account NAME; sessions that are open stay so.

    \b
    Example:
      securechat user passwd alice
    """  # noqa: D301
    config = load_config(directory)
    hashed, scram = hash_account_password(_password(password_file))

    async def work(store: Store) -> bool:
        return await store.accounts.set_password(name, hashed, scram)

    if not with_store(config.database.url, config.directory, work):
        raise _no_account(name)
    click.echo(f"The password of {name} is changed")


@user.command()
@click.argument("name")
@directory_option
def remove(name: str, directory: Path) -> None:
    """Remove the account NAME, and what the network kept for it.

    \b
    Example:
      securechat user remove mallory
    """  # noqa: D301
    config = load_config(directory)
    now = Timestamp(time.time_ns() // 1_000_000)
    entry = Entry(EventId(secrets.token_urlsafe(16)), now, AccountRemoved(name))

    async def work(store: Store) -> bool:
        return await store.accounts.remove(name, entry)

    if not with_store(config.database.url, config.directory, work):
        raise _no_account(name)
    click.echo(
        f"Removed {name}; a server that runs ends their sessions before it stores anything else"
    )


def _no_account(name: str) -> click.ClickException:
    return click.ClickException(f"there is no account {name}: `securechat user list` shows them")


def _password(file: Path | None) -> str:
    if file is not None:
        password, *_ = [*file.read_text().splitlines(), ""]
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise click.ClickException(
            "there is no terminal to ask for a password on: give --password-file FILE"
        )
    if not password:
        raise click.ClickException("the password is empty: choose one")
    return password
