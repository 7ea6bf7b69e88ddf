"""``securechat ca rotate-issuing``, ``retire`` and ``move-root``: the two tiers themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509

from chat.cli.authority import (
    BuiltIn,
    passphrase_option,
    root_option,
    root_passphrase_option,
    tell_of_reload,
)
from chat.cli.network import directory_option
from chat.pki import rotation
from chat.pki.authority import key_id, short_key_id, title
from chat.pki.files import read_certificates
from chat.pki.lists import issuing_authorities


@click.command("rotate-issuing")
@root_option
@root_passphrase_option
@click.option("--no-passphrase", is_flag=True, help="Do not encrypt it, where no key is here.")
@directory_option
@passphrase_option
def rotate_issuing(
    root_directory: Path | None,
    root_passphrase_file: Path | None,
    no_passphrase: bool,
    directory: Path,
    passphrase_file: Path | None,
) -> None:
    """Have a new issuing authority sign from now on.

    Needs the root's key.  The new issuing key gets the passphrase of the one
    before.  What the authority before it signed stays valid, until that one is
    retired (securechat ca retire).

    \b
    Examples:
      securechat ca rotate-issuing
      securechat ca rotate-issuing --root /media/stick/lab
    """  # noqa: D301
    network = BuiltIn.of(directory, passphrase_file)
    passphrase = network.passphrase_for_new_key(none=no_passphrase)
    root = network.root(root_directory, root_passphrase_file, passphrase)
    report(network, rotation.rotate(network.layout, root, passphrase, datetime.now(UTC)))


@click.command()
@click.argument("authority", required=False)
@click.option("--force", is_flag=True, help="Also while certificates of it are valid.")
@directory_option
def retire(authority: str | None, force: bool, directory: Path) -> None:
    """Stop trusting an earlier issuing authority.

    Its key is removed.  AUTHORITY is as "securechat ca doctor" names it; without
    it, all whose devices' certificates are over.  With --force whoever has a
    certificate of it is locked out until a new one is issued.

    \b
    Examples:
      securechat ca retire
      securechat ca retire 4f6a12bc --force
    """  # noqa: D301
    network = BuiltIn.of(directory)
    layout = network.layout
    (current, *_) = read_certificates(layout.issuing_certificate)
    earlier = [each for each in issuing_authorities(layout) if key_id(each) != key_id(current)]
    if authority is not None:
        chosen = [each for each in earlier if _qualifier(each) == authority]
        if not chosen:
            known = ", ".join(map(_qualifier, earlier)) or "there is none"
            raise click.ClickException(f"{authority!r} is no earlier issuing authority: {known}")
    else:
        chosen = earlier
    done = 0
    for each in chosen:
        valid = rotation.valid_devices(layout, each, datetime.now(UTC))
        if valid and not force:
            text = (
                f"{_qualifier(each)} certified {len(valid)} devices that get in, the last one"
                f" until {valid[-1].ends:%Y-%m-%d}: wait, or lock them out with --force"
            )
            if authority is not None:
                raise click.ClickException(text)
            click.echo(text)
            continue
        rotation.retire(layout, each)
        click.echo(f"Retired {_qualifier(each)}: nothing that it signed gets in, its key is gone")
        done += 1
    if done:
        tell_of_reload()
    elif not chosen:
        click.echo("Nothing to do: one issuing authority is trusted, and it is in use")


@click.command("move-root")
@click.argument("target", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@directory_option
def move_root(target: Path, directory: Path) -> None:
    """Move the root's key off this machine.

    DIR is for example on a USB stick.  The key is needed once in two years, and
    whoever has it can be anybody.  What was on a disk can often be read from it
    after it was removed: a root that has never been there is better (securechat
    init --root-out).

    \b
    Example:
      securechat ca move-root /media/stick/lab
    """  # noqa: D301
    network = BuiltIn.of(directory)
    rotation.move_root(network.layout, target)
    click.echo(f"The root's key is in {target} now, and no more in {network.layout.directory}")


def report(network: BuiltIn, installed: rotation.Installed) -> None:
    """Say what came of an installation."""
    issuing = installed.issuing
    click.echo(
        f"{title(issuing.subject)} signs from now on, until {issuing.not_valid_after_utc:%Y-%m-%d}"
    )
    if installed.server is not None:
        end = installed.server.not_valid_after_utc
        click.echo(f"Wrote {network.layout.server_certificate}: valid until {end:%Y-%m-%d}")
    click.echo("What the one before signed stays valid: see securechat ca retire")
    tell_of_reload()


def _qualifier(authority: x509.Certificate) -> str:
    return short_key_id(authority.public_key())
