"""``securechat invitations``: what was given out, and how it is taken back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from chat.cli.network import directory_option, load_config, with_store
from chat.network.records import Invited
from chat.store.store import Store

#: Hexadecimal digits of an invitation's id that are shown.
_SHOWN = 8


@click.group()
def invitations() -> None:
    """List and withdraw invitations.

    \b
    Example:
      securechat invitations list
    """  # noqa: D301


@invitations.command("list")
@directory_option
def list_(directory: Path) -> None:
    """List the invitations; one that is over is removed a while later.

    \b
    Example:
      securechat invitations list --dir /srv/chat
    """  # noqa: D301
    config = load_config(directory)

    async def work(store: Store) -> list[Invited]:
        return await store.invitations.all()

    table = Table("id", "account", "device", "until (UTC)", "state", box=None, pad_edge=False)
    for each in with_store(config.database.url, config.directory, work):
        until = datetime.fromtimestamp(each.expires / 1000, UTC)
        table.add_row(
            _name(each), each.account, each.device, f"{until:%Y-%m-%d %H:%M}", _state(each)
        )
    Console().print(table)


@invitations.command()
@click.argument("name", metavar="ID")
@directory_option
def withdraw(name: str, directory: Path) -> None:
    """Withdraw the invitation ID, as "list" shows it: its code is worth nothing then.

    \b
    Example:
      securechat invitations withdraw 1f09a2bc
    """  # noqa: D301
    config = load_config(directory)

    async def work(store: Store) -> list[Invited]:
        found = [each for each in await store.invitations.all() if _name(each) == name.lower()]
        for each in found:
            await store.invitations.withdraw(each.id)
        return found

    found = with_store(config.database.url, config.directory, work)
    if not found:
        raise click.ClickException(
            f"there is no invitation {name}: `securechat invitations list` shows them"
        )
    for each in found:
        device = f"{each.account}/{each.device}"
        used = each.used is not None
        click.echo(
            f"Withdrew the invitation of {device}"
            + (f"; it was used: `securechat revoke {device}` takes the device out" if used else "")
        )


def _name(invited: Invited) -> str:
    return invited.id.hex()[:_SHOWN]


def _state(invited: Invited) -> str:
    if invited.used is not None:
        return f"used {datetime.fromtimestamp(invited.used / 1000, UTC):%Y-%m-%d %H:%M}"
    return "expired" if invited.expires <= time.time_ns() // 1_000_000 else "open"
