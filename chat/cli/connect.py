"""``securechat connect``: the console client."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import evolve

if TYPE_CHECKING:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    from chat.client.profile import Choice, Network, Problem

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)
_HOST = click.argument("host", required=False, metavar="[HOST[:PORT]]")
_FILES = (
    click.option(
        "--cert", "certificate", type=_FILE, help="Certificate and key, in place of a profile."
    ),
    click.option("--ca", "authority", type=_FILE, help="The authority that signed the server."),
    click.option("--account", metavar="NAME", help="The account, if not the certificate's."),
    click.option("--password-file", type=_FILE, help="A file with the password in its first line."),
)
_OPTIONS = (
    click.option(
        "--dir",
        "directory",
        metavar="PROFILE",
        help="The profile: a directory, or the name of one in the configuration directory.",
    ),
    *_FILES,
)


def profile_options(command: _Function) -> _Function:
    """Give a command the arguments that `Choice` has."""
    return _HOST(_with_options(_OPTIONS)(command))


def profile_flags(command: _Function) -> _Function:
    """Give a command whose arguments are its own what `Choice` has, as options."""
    help_text = "The server, if not the profile's."
    return click.option("--host", metavar="HOST[:PORT]", help=help_text)(
        _with_options(_OPTIONS)(command)
    )


def _with_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[_Function], _Function]:
    def give(command: _Function) -> _Function:
        for option in reversed(options):
            command = option(command)
        return command

    return give


@click.command()
@_HOST
@click.option(
    "--dir",
    "directories",
    metavar="PROFILE",
    multiple=True,
    help="A profile, as a directory or by its name; may be given several times.  [default: all]",
)
@_with_options(_FILES)
@click.option("--plain", is_flag=True, help="Lines only, in place of the full screen.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event, for programs.")
def connect(directories: tuple[str, ...], plain: bool, as_json: bool, **choice: Any) -> None:
    """Chat on your networks, from the terminal or a script.

    Without --dir the full screen opens all of your profiles.  Lines, with --plain,
    --json or where this is no terminal, are of one network.

    \b
    Example:
      securechat connect --dir alice-laptop
      echo "/msg bob the build is green" | securechat connect chat.example.org
    """  # noqa: D301
    from chat.client.profile import Choice, ProfileError, has_profiles, profiles_directory

    plain = plain or as_json or not on_terminal()
    profiles = profiles_directory()
    is_bare = not directories and not any(choice.values())
    if is_bare and on_terminal() and not has_profiles(profiles):
        from chat.cli.first_run import first_run

        first_run(plain=plain, json=as_json)
        return
    try:
        networks, problems = _chosen(directories, Choice(**choice), profiles, plain=plain)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    talk(networks, problems, plain=plain, json=as_json)


def _chosen(
    directories: tuple[str, ...], choice: Choice, profiles: Path, *, plain: bool
) -> tuple[Sequence[Network], Sequence[Problem]]:
    """Return the networks to open, and what is wrong with others; raises `ProfileError`."""
    from chat.client.profile import Choice, Network, choose, choose_several

    if len(directories) > 1 and plain:
        raise click.UsageError("lines are of one network: give one --dir")
    if len(directories) > 1 and choice != Choice():
        raise click.UsageError("HOST and the other options are for one network: give one --dir")
    if plain or choice != Choice():
        directory = next(iter(directories), None)
        profile = choose(evolve(choice, directory=directory), profiles)
        return (Network(Path(directory or profile.server_name).name, profile),), ()
    return choose_several(directories, profiles)


def talk(
    networks: Sequence[Network],
    problems: Sequence[Problem] = (),
    *,
    plain: bool,
    json: bool = False,
) -> None:
    """Run the console until its end; one that is not normal is an error for the user."""
    gc.disable()  # what is imported stays: the collector would look in vain, until it runs
    reactor = install_reactor()

    from chat.console.run import run_console

    rejection = run_console(networks, problems, reactor, plain=plain, json=json)
    if rejection is not None:
        raise click.ClickException(rejection)


def on_terminal() -> bool:
    """Return whether somebody reads and types here."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def install_reactor() -> AsyncioSelectorReactor:
    """Return the reactor, before anything imports it: Textual needs asyncio's event loop."""
    import asyncio

    from twisted.internet.asyncioreactor import AsyncioSelectorReactor
    from twisted.internet.main import installReactor

    reactor = AsyncioSelectorReactor(asyncio.SelectorEventLoop())
    installReactor(reactor)
    return reactor
