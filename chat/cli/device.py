"""``securechat device``: one's own devices, over a connection of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chat.cli.connect import profile_options
from chat.irc.formatting import strip_formatting

if TYPE_CHECKING:
    from chat.console.errand import Answer


@click.group()
def device() -> None:
    """Add, list and remove the devices of your account.

    \b
    Example:
      securechat device add phone
    """  # noqa: D301


@device.command()
@click.argument("name")
@click.option("--expires", default="15m", show_default=True, metavar="TIME", help="At most 1d.")
@profile_options
def add(name: str, expires: str, **choice: Any) -> None:
    """Print a code that makes one more device, NAME, yours, once.

    On that device run "securechat join" and type it.

    \b
    Examples:
      securechat device add phone
      securechat device add laptop --expires 12h --dir lab
    """  # noqa: D301
    from chat.cli.picture import show_picture
    from chat.client.events import DeviceInvited

    for answer in _ask(choice, "INVITE", name, expires):
        if isinstance(answer, DeviceInvited):
            show_picture(answer.code)
            click.echo(strip_formatting(answer.code))
        click.echo(strip_formatting(answer.text), err=True)


@device.command("list")
@profile_options
def list_(**choice: Any) -> None:
    """List your devices: when they were last here, until when their certificates are valid.

    \b
    Example:
      securechat device list
    """  # noqa: D301
    *devices, _end = _ask(choice)
    for answer in devices:
        click.echo(strip_formatting(answer.text))


@device.command()
@click.argument("name")
@click.option("--confirm", is_flag=True, help="Also if it is your last one.")
@profile_options
def remove(name: str, confirm: bool, **choice: Any) -> None:
    """End the sessions of the device NAME, and have it let in no more.

    \b
    Example:
      securechat device remove phone
    """  # noqa: D301
    for answer in _ask(choice, "REMOVE", name, *["CONFIRM"] * confirm):
        click.echo(strip_formatting(answer.text))


def _ask(choice: dict[str, Any], *words: str) -> list[Answer]:
    """Return what the server answers to DEVICES with ``words``."""
    from chat.cli.connect import install_reactor
    from chat.client.profile import Choice, ProfileError, choose, profiles_directory
    from chat.console.errand import ErrandError
    from chat.irc.message import Message

    for word in words:
        if word.split() != [word] or word.startswith(":"):
            raise click.UsageError(f"{word!r} is no name or time: write one word")
    try:
        profile = choose(Choice(**choice), profiles_directory())
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    reactor = install_reactor()

    from chat.console.run import run_errand

    try:
        return run_errand(profile, Message("DEVICES", words), reactor)
    except ErrandError as error:
        raise click.ClickException(str(error)) from error
