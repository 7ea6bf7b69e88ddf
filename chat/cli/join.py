"""``securechat join``: from an invitation's code to the first message."""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

if TYPE_CHECKING:
    from cryptography import x509

    from chat.pki.bundles import DeviceFiles
    from chat.pki.enrolment import Terms
    from chat.pki.invitation import Invitation


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
    from chat.client.profile import (
        Address,
        Choice,
        ProfileError,
        choose,
        profile_text,
        profiles_directory,
    )
    from chat.pki.authority import Identity
    from chat.pki.bundles import DeviceFiles
    from chat.pki.files import write_files
    from chat.pki.invitation import Invitation

    invitation = Invitation.parse(code) if code else _ask_for_code()
    try:
        address = Address.parse(invitation.address)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    files: list[DeviceFiles] = []

    def agree(network: str, root: x509.Certificate, terms: Terms) -> str | None:
        directory = _place(out, profiles_directory(), network, terms.account, root)
        _must_be_writable(directory)
        files.append(DeviceFiles(directory, Identity(terms.account, terms.device)))
        return _password(terms, password_file) if terms.needs_password else None

    enrolled = enrolment.join(invitation, agree)
    own, issuing = enrolled.certificates
    [place] = files
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


def _ask_for_code() -> Invitation:
    """Ask until it is a code; where nobody can try again, a wrong one is the end."""
    from chat.pki.errors import InvitationError

    while True:
        try:
            return _read_on(click.prompt("The invitation's code", err=True))
        except InvitationError as error:
            if not sys.stdin.isatty():
                raise
            click.echo(f"Error: {error}", err=True)


def _read_on(text: str) -> Invitation:
    """Return the invitation that begins with ``text``: what is pasted may have several lines."""
    from chat.pki.errors import IncompleteCodeError
    from chat.pki.invitation import Invitation

    while True:
        try:
            return Invitation.parse(text)
        except IncompleteCodeError:
            more = click.prompt("The rest of it", default="", show_default=False, err=True).strip()
            if not more:
                raise
            text += more


def _place(
    out: Path | None, profiles: Path, network: str, account: str, root: x509.Certificate
) -> Path:
    """Return a directory in which there is nothing else than a profile of the account, if that."""
    slug = re.sub(r"[^a-z0-9]+", "-", network.lower()).strip("-") or "network"
    candidates = [out] if out else [profiles / slug, profiles / f"{slug}-{account.lower()}"]
    for candidate in candidates:
        if not candidate.exists() or _is_ours(candidate, account, root):
            return candidate
    raise click.ClickException(
        f"{candidates[-1]} is there, and is no profile of {account} on {network}: give --out DIR;"
        " the invitation is still good"
    )


def _is_ours(directory: Path, account: str, root: x509.Certificate) -> bool:
    from chat.pki.bundles import to_pem

    try:
        if not any(directory.iterdir()):
            return True
        found = tomllib.loads((directory / "profile.toml").read_text())
        authority = (directory / "ca.crt").read_bytes()
    except (OSError, ValueError):
        return False
    return found.get("account") == account and authority == to_pem(root)


def _must_be_writable(directory: Path) -> None:
    """Refuse where files cannot be made; nothing is left there."""
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise click.ClickException(
            f"{there}: {error.strerror}: give --out DIR; the invitation is still good"
        ) from error


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
