"""``securechat keys``: the keys of encrypted rooms, in a file under a recovery passphrase."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chat.cli.connect import profile_flags

if TYPE_CHECKING:
    from chat.e2e.engine import Engine

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def keys() -> None:
    """Back up and restore what decrypts the past of encrypted rooms.

    The console must not run meanwhile: one program has the keys at a time.
    """


@keys.command()
@click.argument("file", type=_FILE)
@profile_flags
def backup(file: Path, **choice: Any) -> None:
    """Write the keys of this device's rooms to FILE.

    A passphrase for the recovery is asked for: whoever has both reads all that this
    device can read now.  The device's own identity is not in it.

    \b
    Example:
      securechat keys backup rooms.keys
    """  # noqa: D301
    from chat.e2e.errors import E2eError
    from chat.pki.files import write_files

    if file.exists():
        raise click.ClickException(f"{file} is there already: name another file")
    try:
        with closing(_engine(choice)) as engine:
            words = click.prompt(
                "Recovery passphrase", hide_input=True, confirmation_prompt=True, err=True
            )
            write_files({file: engine.export_keys(words)})
    except E2eError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Wrote {file}: keep it, and the passphrase elsewhere")


@keys.command()
@click.argument("file", type=_FILE)
@profile_flags
def restore(file: Path, **choice: Any) -> None:
    """Take the keys in FILE in, so that this device reads what that one could.

    \b
    Example:
      securechat keys restore rooms.keys
    """  # noqa: D301
    from chat.e2e.errors import E2eError

    data = file.read_bytes()
    try:
        with closing(_engine(choice)) as engine:
            words = click.prompt("Recovery passphrase", hide_input=True, err=True)
            restored = engine.import_keys(data, words)
    except E2eError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{restored.sessions} keys were in it, {restored.new} of them new here")


def _engine(choice: dict[str, Any]) -> Engine:
    """Open the keys of the profile that is meant; raises `E2eError`."""
    from platformdirs import user_data_path

    from chat.client.profile import Choice, ProfileError, choose, profiles_directory
    from chat.client.unlocking import open_engine

    def ask(text: str) -> str:
        return str(click.prompt(text, hide_input=True, err=True))

    try:
        profile = choose(Choice(**choice), profiles_directory())
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    return open_engine(profile, user_data_path("securechat", appauthor=False), ask)
