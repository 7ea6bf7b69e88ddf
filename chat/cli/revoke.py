"""``securechat revoke``: certificates that no longer count, though their time is not over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from chat.cli.authority import BuiltIn, passphrase_option, tell_of_reload
from chat.cli.network import directory_option
from chat.pki.authority import title
from chat.pki.lists import revoke as put_on_lists
from chat.pki.records import SHORT, find_devices, find_serial, read_records
from chat.pki.revocation import REASONS


@click.command()
@click.argument("name", metavar="[ACCOUNT[/DEVICE]]", required=False)
@click.option("--serial", help="Only the certificate whose serial number begins so.")
@click.option(
    "--reason",
    type=click.Choice(list(REASONS)),
    default="unspecified",
    show_default=True,
    help="What the list says about it; key-compromise for a device that is lost.",
)
@directory_option
@passphrase_option
def revoke(
    name: str | None,
    serial: str | None,
    reason: str,
    directory: Path,
    passphrase_file: Path | None,
) -> None:
    """Revoke the certificates of a device, or of all devices of an account.

    Puts those that are not over on the revocation list of their issuing
    authority, and signs it anew.  A running server refuses them within a second,
    ends their sessions, and tells the rooms of the account.

    \b
    Examples:
      securechat revoke alice/phone --reason key-compromise
      securechat revoke mallory
      securechat revoke --serial 4f6a12bc90de
    """  # noqa: D301
    if name is None and serial is None:
        raise click.UsageError("whose certificates?  Name ACCOUNT, ACCOUNT/DEVICE or --serial")
    network = BuiltIn.of(directory, passphrase_file)
    records, _ = read_records(network.layout)
    found = records if name is None else find_devices(records, name)
    if serial is not None:
        found = [find_serial(found, serial)]
    now = datetime.now(UTC)
    done = put_on_lists(network.layout, network.passphrase(), found, REASONS[reason], now)
    for record in done.records:
        serial = record.serial[:SHORT]
        click.echo(f"Revoked {record.holder}, {serial}, until {record.ends:%Y-%m-%d}")
    if done.records:
        click.echo(f"{len(done.records)} more on the list in {network.layout.revocations}")
        tell_of_reload()
    elif not done.unlisted:
        click.echo(f"Nothing to do: none of the {len(found)} found gets in any more")
    if done.unlisted:
        first, *_ = done.unlisted
        raise click.ClickException(
            f"{len(done.unlisted)} certificates still get in, that of {first.holder} among them:"
            f" the key of {title(first.certificate.issuer)} is not here to sign its list;"
            " lock out all that it signed with securechat ca retire --force"
        )
