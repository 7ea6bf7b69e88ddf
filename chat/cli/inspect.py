"""``securechat inspect``: what a TLS server presents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_EXIT_CODES = {"verified": 0, "unreachable": 1, "no handshake": 1, "not verified": 3}


@click.command()
@click.argument("host", required=False, metavar="[HOST[:PORT]]")
@click.option(
    "--dir",
    "directory",
    metavar="PROFILE",
    help="A profile: whom to trust, what to present, and where without HOST.",
)
@click.option("--cert", "certificate", type=_FILE, help="Certificate and key to present.")
@click.option("--ca", "authority", type=_FILE, help="The authority to verify the server with.")
@click.option("--name", metavar="NAME", help="The name it has to prove, if not HOST.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="The deadline of each connection.",
)
@click.option("--json", "as_document", is_flag=True, help="One JSON document (docs/inspect.md).")
def inspect(
    name: str | None,
    timeout: float,
    as_document: bool,
    **choice: Any,
) -> int:
    """Explain what a TLS server presents: certificates, parameters, round trips.

    Any TLS server will do, with or without a client certificate; the port is 6697
    unless it is given.  Without --dir and --ca the system's authorities verify it.

    \b
    Exit codes:
      0  reachable and verified
      1  no connection, or no TLS
      2  wrong usage
      3  reachable, and not verified

    \b
    Example:
      securechat inspect example.org:443
      securechat inspect --dir alice-laptop
    """  # noqa: D301
    from rich.console import Console

    from chat.client.profile import Choice, ProfileError
    from chat.inspection.printer import show
    from chat.inspection.probe import inspect as inspect_server
    from chat.inspection.report import as_json
    from chat.inspection.target import choose_target
    from chat.pki.errors import PkiError

    try:
        target = choose_target(Choice(**choice), name)
    except (ProfileError, PkiError) as error:
        raise click.UsageError(str(error)) from error
    report = inspect_server(target, timeout)
    if as_document:
        click.echo(json.dumps(as_json(report), indent=2))
    else:
        show(report, Console(highlight=False))
    return _EXIT_CODES[report.outcome.value]
