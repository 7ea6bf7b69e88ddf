"""``securechat ca show``: one certificate in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from attrs import asdict

from chat.cli.authority import BuiltIn
from chat.cli.network import directory_option
from chat.pki.describe import Description, describe
from chat.pki.files import read_certificates
from chat.pki.lists import read_lists
from chat.pki.records import Record, Status, find_devices, find_serial, is_serial, read_records
from chat.pki.revocation import RevocationLists
from chat.server.config import FILE_NAME


@click.command()
@click.argument("what", metavar="FILE|SERIAL|ACCOUNT/DEVICE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@directory_option
def show(what: str, as_json: bool, directory: Path) -> None:
    """Explain one certificate in words.

    A file is taken first (the first certificate in it), then the newest of a
    device or account, then a serial number, of which four digits suffice.  A file
    can be shown where there is no network, too.

    \b
    Examples:
      securechat ca show alice-laptop/alice-laptop.crt
      securechat ca show alice/laptop
      securechat ca show 4f6a12bc90de --json
    """  # noqa: D301
    path, now = Path(what), datetime.now(UTC)
    lists: RevocationLists | None = None
    if path.is_file():
        record = Record.of(read_certificates(path)[0])
        if (directory / FILE_NAME).exists():
            lists = read_lists(BuiltIn.of(directory).layout)
    else:
        layout = BuiltIn.of(directory).layout
        lists = read_lists(layout)
        records, _ = read_records(layout)
        record = _find(records, what)
    description = describe(record, lists, now)
    if as_json:
        click.echo(json.dumps(asdict(description), indent=2))
        return
    for line in _sentences(description):
        click.echo(line)


def _find(records: list[Record], what: str) -> Record:
    if is_serial(what) and not any(_is_of(record, what) for record in records):
        return find_serial(records, what)
    return max(find_devices(records, what), key=lambda record: record.ends)


def _is_of(record: Record, name: str) -> bool:
    return record.identity is not None and name in (record.identity.account, str(record.identity))


def _sentences(found: Description) -> Iterator[str]:
    match found.kind:
        case "device":
            yield f"The certificate of the device {found.device} of the account {found.account}."
            yield "Whoever has its key gets to the login of that account, as a client."
        case "server":
            yield f"The certificate of a server that is reached as {', '.join(found.hosts)}."
            yield "A client that trusts its authority believes whoever has its key to be it."
        case "authority":
            yield f"The certificate of an authority: {found.subject}."
            yield "Whoever has its key can make certificates that are believed."
        case _:
            yield f"A certificate of {found.subject}, which names no account, device or server."
    start, end = map(datetime.fromisoformat, (found.not_before, found.not_after))
    if found.status == Status.UNKNOWN.value:
        yield "Whether it is revoked is not known here."
    else:
        yield f"It is {found.status}."
    yield f"Its time is from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."
    if found.revoked_at is not None:
        at = datetime.fromisoformat(found.revoked_at)
        yield f"It was revoked on {at:%Y-%m-%d %H:%M} UTC, reason: {_words(found.reason or '')}."
    yield ""
    for name, value in (
        ("signed by", found.issuer),
        ("good for", " and ".join(found.purposes) or "any purpose"),
        ("serial number", found.serial),
        ("key", found.key),
        ("key identifier", found.key_id),
        ("SHA-256", found.fingerprint),
    ):
        yield f"{name:15}{value}"


def _words(reason: str) -> str:
    """Return RFC 5280's ``keyCompromise`` as words."""
    return re.sub(r"(?=[A-Z])", " ", reason).lower()
