"""From an invitation to a profile: what ``securechat join`` and the first run do."""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve, frozen

if TYPE_CHECKING:
    from cryptography import x509

    from chat.client.enrolment import Enrolled
    from chat.client.profile import Network
    from chat.pki.enrolment import Terms
    from chat.pki.invitation import Invitation


@frozen
class Joined:
    """What a device has got, and the directory in which it is."""

    enrolled: Enrolled
    directory: Path

    def network(self) -> Network:
        """Return the network, with the password that was chosen just now."""
        from chat.client.profile import Choice, Network, choose, profiles_directory

        profile = choose(Choice(directory=str(self.directory)), profiles_directory())
        return Network(self.directory.name, evolve(profile, password=self.enrolled.password))


def join_network(
    invitation: Invitation, out: Path | None, choose_password: Callable[[Terms], str]
) -> Joined:
    """Use an invitation, and write the profile: to ``out``, or among the user's.

    Says on a terminal what is being done.  Raises `PkiError` and `click.ClickException`;
    what happens before the certificate is asked for leaves the invitation as it was.
    """
    from chat.client import enrolment
    from chat.client.profile import Address, ProfileError, profile_text, profiles_directory
    from chat.pki.authority import Identity
    from chat.pki.bundles import DeviceFiles
    from chat.pki.files import write_files

    try:
        address = Address.parse(invitation.address)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    files: list[DeviceFiles] = []

    def agree(network: str, root: x509.Certificate, terms: Terms) -> str | None:
        directory = _place(out, profiles_directory(), network, terms.account, root)
        _must_be_writable(directory)
        files.append(DeviceFiles(directory, Identity(terms.account, terms.device)))
        _progress(f"You will be {terms.account} on {network}; this device is {terms.device}.")
        password = choose_password(terms) if terms.needs_password else None
        _progress("Making a key, and having its certificate signed ...")
        return password

    _progress(f"Connecting to {address} ...")
    enrolled = enrolment.join(invitation, agree)
    own, issuing = enrolled.certificates
    [place] = files
    profile_file = place.directory / "profile.toml"
    profile = profile_text(
        invitation.address,
        address.host,
        enrolled.identity.account,
        place.combined,
        place.authority,
    )
    contents = place.contents(own, enrolled.key, issuing)
    contents |= place.authority_contents(enrolled.root)
    contents[profile_file] = profile.encode()
    write_files(contents, replace=True)
    following = f"securechat connect --dir {out}" if out else "securechat"
    click.echo(
        f"{enrolled.identity} is on {enrolled.network}; the certificate is valid until"
        f" {own.not_valid_after_utc:%Y-%m-%d} and renews itself."
        f"  Next time: {following}",
        err=True,
    )
    return Joined(enrolled, place.directory)


def _progress(text: str) -> None:
    """Say it to who waits: a script is told how it ended alone."""
    if sys.stderr.isatty():
        click.secho(text, err=True, fg="cyan")


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
