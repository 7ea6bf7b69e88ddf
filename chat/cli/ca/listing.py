"""``securechat ca list``: the certificates that were issued."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from chat.cli.authority import BuiltIn
from chat.cli.network import directory_option
from chat.pki.authority import title
from chat.pki.lists import read_lists
from chat.pki.records import SHORT, Record, Status, find_devices, read_records

_STYLES = {
    Status.EXPIRED: "dim",
    Status.REVOKED: "red",
    Status.RETIRED: "red",
    Status.FUTURE: "yellow",
}


@click.command("list")
@click.argument("account", required=False, metavar="[ACCOUNT[/DEVICE]]")
@click.option("--expired", is_flag=True, help="Only those that are over.")
@click.option("--revoked", is_flag=True, help="Only those that are revoked, and not over.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@directory_option
def list_(
    account: str | None, expired: bool, revoked: bool, as_json: bool, directory: Path
) -> None:
    """List the certificates that were issued.

    The next one to end is first.  "revoked" are those on a revocation list; once
    a certificate is over it is "expired", whatever it was before.  "retired": its
    issuing authority is not trusted any more.  With both --expired and --revoked,
    either.

    \b
    Examples:
      securechat ca list
      securechat ca list alice --json
      securechat ca list --revoked --dir /srv/chat
    """  # noqa: D301
    layout = BuiltIn.of(directory).layout
    now, lists = datetime.now(UTC), read_lists(layout)
    records, unreadable = read_records(layout)
    if account is not None:
        records = find_devices(records, account)
    rows = [(record, record.status(lists, now)) for record in records]
    wanted = {Status.EXPIRED} if expired else set()
    wanted |= {Status.REVOKED} if revoked else set()
    rows = [(record, status) for record, status in rows if not wanted or status in wanted]
    if as_json:
        click.echo(json.dumps([_plain(*row) for row in rows], indent=2))
    else:
        _print(rows)
    for path in unreadable:
        click.echo(f"securechat: {path} is no certificate: restore it", err=True)


def _plain(record: Record, status: Status) -> dict[str, object]:
    identity, certificate = record.identity, record.certificate
    return {
        "account": identity and identity.account,
        "device": identity and identity.device,
        "holder": record.holder,
        "serial": record.serial,
        "issuer": title(certificate.issuer),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": record.ends.isoformat(),
        "status": status.value,
    }


def _print(rows: list[tuple[Record, Status]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from chat.cli.tables import print_table

    table = Table("holder", "serial number", "until (UTC)", "status", box=None, pad_edge=False)
    for record, status in rows:
        style = _STYLES.get(status, "")
        cells = (record.holder, record.serial[:SHORT], f"{record.ends:%Y-%m-%d %H:%M}")
        # As Text: what stands in a certificate is no markup.
        table.add_row(*(Text(cell, style) for cell in (*cells, status.value)))
    if rows:
        print_table(table)
    else:
        click.echo("No certificate is like that")
