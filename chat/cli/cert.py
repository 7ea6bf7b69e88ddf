"""``securechat cert``: certificates for devices, and the list of the revoked ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from chat.cli.authority import BuiltIn, passphrase_option
from chat.cli.network import directory_option
from chat.client.profile import profile_text
from chat.pki.authority import DEVICE_LIFETIME, Identity, issue_device, new_key, title
from chat.pki.bundles import DeviceFiles
from chat.pki.files import write_files
from chat.pki.lists import renew_lists
from chat.server.reach import public_address


@click.group()
def cert() -> None:
    """Issue device certificates."""


@cert.command()
@click.argument("account")
@click.option("--device", default="laptop", show_default=True, help="The device's name.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go.  [default: ACCOUNT-DEVICE]",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=DEVICE_LIFETIME.days,
    show_default=True,
    help="How long the certificate is valid.",
)
@directory_option
@passphrase_option
def issue(
    account: str,
    device: str,
    out: Path | None,
    days: int,
    directory: Path,
    passphrase_file: Path | None,
) -> None:
    """Make a key and a certificate for a device of ACCOUNT.

    For clients that cannot make a key themselves.  Writes ACCOUNT-DEVICE.key
    and .crt, both in one file as .pem, ca.crt and profile.toml: the directory
    is a profile for "securechat connect".  Nothing is overwritten.

    \b
    Examples:
      securechat cert issue alice
      securechat cert issue alice --device phone --out /tmp/phone --days 90
    """  # noqa: D301
    identity = Identity(account, device)
    files = DeviceFiles(out if out is not None else Path(f"{account}-{device}"), identity)
    network = BuiltIn.of(directory, passphrase_file)
    issuing = network.issuing()
    key = new_key()
    certificate = issue_device(
        issuing, key.public_key(), identity, datetime.now(UTC), timedelta(days=days)
    )
    contents = files.contents(certificate, key, issuing.certificate)
    contents[network.layout.record(certificate)] = contents[files.path(".crt")]
    shared = _shared_files(files, network)
    contents |= shared
    write_files(contents)
    for path in contents:
        if path.parent == files.directory:
            click.echo(f"Wrote {path}")
    # A directory is the profile of the device that was first there.
    profile = (
        f"--dir {files.directory}" if shared else f"--cert {files.combined} --ca {files.authority}"
    )
    click.echo(
        f"{identity} can connect until {certificate.not_valid_after_utc:%Y-%m-%d}:"
        f" securechat connect {profile}"
    )


@cert.command("renew-list")
@directory_option
@passphrase_option
def renew_list(directory: Path, passphrase_file: Path | None) -> None:
    """Sign the revocation list anew, for another seven days.

    There is one of each issuing authority that is trusted and whose key is here.

    A server that can open the issuing key does it daily by itself.

    \b
    Example:
      securechat cert renew-list --dir /srv/chat
    """  # noqa: D301
    network = BuiltIn.of(directory, passphrase_file)
    renewed = renew_lists(network.layout, network.passphrase(), datetime.now(UTC))
    click.echo(f"Wrote {network.layout.revocations}")
    for each in renewed.lists:
        click.echo(
            f"  {title(each.authority.subject)}: number {each.number},"
            f" valid until {each.ends:%Y-%m-%d %H:%M} UTC"
        )


def _shared_files(files: DeviceFiles, network: BuiltIn) -> dict[Path, bytes]:
    """Return what belongs to the directory and not to one device.

    A second device of the same network in it finds these there already: the
    authority is the same, and the profile stays the first device's.
    """
    root = network.layout.root_certificate.read_bytes()
    profile = files.directory / "profile.toml"
    if not files.authority.exists() or files.authority.read_bytes() != root:
        return {files.authority: root, profile: _profile(files, network)}
    if not profile.exists():
        return {profile: _profile(files, network)}
    return {}


def _profile(files: DeviceFiles, network: BuiltIn) -> bytes:
    """Return the profile: where the server is, how it is called, and whose this is."""
    address, name = public_address(network.config)
    account = files.identity.account
    return profile_text(address, name, account, files.combined, files.authority).encode()
