"""``securechat ca renew-server``: a new certificate for the server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from chat.cli.authority import BuiltIn, passphrase_option, tell_of_reload
from chat.cli.network import directory_option
from chat.pki.authority import SERVER_LIFETIME
from chat.pki.records import host_names
from chat.pki.server_certificate import renew_server as renew


@click.command("renew-server")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="A name or address that clients reach the server at; several times for several."
    "  [default: as before]",
)
@click.option("--new-key", is_flag=True, help="Make a new key for the server, too.")
@click.option(
    "--days",
    type=click.IntRange(1, 398),
    default=SERVER_LIFETIME.days,
    show_default=True,
    help="How long the certificate is valid.",
)
@directory_option
@passphrase_option
def renew_server(
    hosts: tuple[str, ...],
    new_key: bool,
    days: int,
    directory: Path,
    passphrase_file: Path | None,
) -> None:
    """Issue a new certificate for the server.

    The server's certificate lasts 90 days; whoever connects after that refuses it.

    \b
    Examples:
      securechat ca renew-server
      securechat ca renew-server --host chat.lab.example --host 192.0.2.7 --new-key
    """  # noqa: D301
    network = BuiltIn.of(directory, passphrase_file)
    layout = network.layout
    if network.config.path(network.config.tls.certificate) != layout.server_certificate:
        raise click.ClickException(
            f"[tls] certificate is {network.config.tls.certificate}, which this authority did not"
            " make: renew it where it comes from"
        )
    certificate = renew(
        layout,
        network.issuing(),
        datetime.now(UTC),
        hosts=hosts,
        replace_key=new_key,
        lifetime=timedelta(days=days),
    )
    click.echo(
        f"Wrote {layout.server_certificate}: for {', '.join(host_names(certificate))},"
        f" valid until {certificate.not_valid_after_utc:%Y-%m-%d}"
    )
    if new_key:
        click.echo(f"Wrote {layout.server_key}: a new key")
    tell_of_reload()
