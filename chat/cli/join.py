"""``securechat join``: from an invitation's code to the first message."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

if TYPE_CHECKING:
    from cryptography import x509

    from chat.pki.bundles import DeviceFiles
    from chat.pki.enrolment import Terms


@click.command()
@click.argument("code", required=False)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the profile goes; by default among yours, under the network's name.",
)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line is the password to choose; without it you are asked.",
)
@click.option("--no-connect", is_flag=True, help="Do not begin to chat.")
@click.option("--plain", is_flag=True, help="Lines only: no prompt, no colours.")
def join(
    code: str | None,
    out: Path | None,
    password_file: Path | None,
    no_connect: bool,
    plain: bool,
) -> None:
    """Join a network with the CODE of an invitation, and chat.

    Makes a private key on this machine, which never leaves it, and has the network
    sign a certificate for it.  Without CODE you are asked for it: then others on
    this machine cannot read it in the list of processes.

    \b
    Examples:
      securechat join
      securechat join alice@chat.lab.example:6697/nfr3-dhhu-...
    """  # noqa: D301
    from chat.cli.connect import talk
    from chat.client import enrolment
    from chat.client.profile import Address, Choice, choose, profile_text, profiles_directory
    from chat.pki.authority import Identity
    from chat.pki.bundles import DeviceFiles
    from chat.pki.files import write_files
    from chat.pki.invitation import Invitation

    invitation = Invitation.parse(code or click.prompt("The invitation's code", err=True))
    files: list[DeviceFiles] = []

    def agree(network: str, root: x509.Certificate, terms: Terms) -> str | None:
        directory = out or profiles_directory() / _slug(network)
        files.append(DeviceFiles(directory, Identity(terms.account, terms.device)))
        _must_be_ours(files[0])
        return _password(terms, password_file) if terms.needs_password else None

    enrolled = enrolment.join(invitation, agree)
    own, issuing = enrolled.certificates
    [place] = files
    address = Address.parse(invitation.address)
    account = enrolled.identity.account
    profile_file = place.directory / "profile.toml"
    profile = profile_text(
        invitation.address, address.host, account, place.combined, place.authority
    )
    contents = place.contents(own, enrolled.key, issuing)
    contents |= place.authority_contents(enrolled.root)
    contents[profile_file] = profile.encode()
    write_files(contents, replace=True)
    click.echo(
        f"{enrolled.identity} is on {enrolled.network}; the certificate is valid until"
        f" {own.not_valid_after_utc:%Y-%m-%d} and renews itself."
        f"  Next time: securechat connect --dir {out or place.directory.name}",
        err=True,
    )
    if not no_connect:
        chosen = choose(Choice(directory=str(place.directory)), profiles_directory())
        talk(evolve(chosen, password=enrolled.password), plain=plain)


def _slug(network: str) -> str:
    """Return the network's name as one of a directory."""
    return re.sub(r"[^a-z0-9]+", "-", network.lower()).strip("-") or "network"


def _must_be_ours(files: DeviceFiles) -> None:
    """Refuse a directory in which there is anything else than a profile of this account."""
    if not files.directory.exists() or not any(files.directory.iterdir()):
        return
    try:
        found = tomllib.loads((files.directory / "profile.toml").read_text())
    except (OSError, ValueError):
        found = {}
    if found.get("account") != files.identity.account:
        raise click.ClickException(
            f"{files.directory} is there, and is no profile of {files.identity.account}:"
            " give --out DIR; the invitation is still good"
        )


def _password(terms: Terms, file: Path | None) -> str:
    if file is not None:
        return file.read_text().partition("\n")[0].rstrip("\r")
    if not sys.stdin.isatty():
        raise click.ClickException(
            "there is no terminal to choose a password on: give --password-file FILE;"
            " the invitation is still good"
        )
    text = f"Choose a password for {terms.account}"
    password: str = click.prompt(text, hide_input=True, confirmation_prompt=True, err=True)
    return password
