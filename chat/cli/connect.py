"""``securechat connect``: the console client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    from chat.client.profile import Profile

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--dir",
        "directory",
        metavar="PROFILE",
        help="The profile: a directory, or the name of one in the configuration directory.",
    ),
    click.option(
        "--cert", "certificate", type=_FILE, help="Certificate and key, in place of a profile."
    ),
    click.option("--ca", "authority", type=_FILE, help="The authority that signed the server."),
    click.option("--account", metavar="NAME", help="The account, if not the certificate's."),
    click.option("--password-file", type=_FILE, help="A file with the password in its first line."),
)


def profile_options(command: _Function) -> _Function:
    """Give a command the arguments that `Choice` has."""
    return click.argument("host", required=False, metavar="[HOST[:PORT]]")(_with_options(command))


def profile_flags(command: _Function) -> _Function:
    """Give a command whose arguments are its own what `Choice` has, as options."""
    help_text = "The server, if not the profile's."
    return click.option("--host", metavar="HOST[:PORT]", help=help_text)(_with_options(command))


def _with_options(command: _Function) -> _Function:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@profile_options
@click.option("--plain", is_flag=True, help="Lines only, in place of the full screen.")
def connect(plain: bool, **choice: Any) -> None:
    """Chat on the network of a profile, from the terminal or a script.

    \b
    Example:
      securechat connect --dir alice-laptop
      echo "/msg bob the build is green" | securechat connect chat.example.org
    """  # noqa: D301
    from chat.client.profile import Choice, ProfileError, choose, profiles_directory

    try:
        profile = choose(Choice(**choice), profiles_directory())
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    talk(profile, plain=plain)


def talk(profile: Profile, *, plain: bool) -> None:
    """Run the console until its end; one that is not normal is an error for the user."""
    reactor = install_reactor()

    from chat.console.run import run_console

    rejection = run_console(profile, reactor, plain=plain)
    if rejection is not None:
        raise click.ClickException(rejection)


def install_reactor() -> AsyncioSelectorReactor:
    """Return the reactor, before anything imports it: Textual needs asyncio's event loop."""
    import asyncio

    from twisted.internet.asyncioreactor import AsyncioSelectorReactor
    from twisted.internet.main import installReactor

    reactor = AsyncioSelectorReactor(asyncio.SelectorEventLoop())
    installReactor(reactor)
    return reactor
