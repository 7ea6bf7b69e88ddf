"""``securechat ca doctor``: what is wrong, or will be soon, and what to do about it."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from attrs import asdict

from chat.cli.network import directory_option, load_config
from chat.pki.doctor import Finding, Level, Setup, examine
from chat.pki.layout import Layout
from chat.pki.passphrases import PREFIX, find_passphrase
from chat.server.config import Config

_COLORS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@directory_option
def doctor(strict: bool, as_json: bool, directory: Path) -> None:
    """Say what expires when, and what is wrong.

    Asks for no passphrase and changes nothing.  The exit code is 0 when nothing
    fails, with --strict only when nothing is a warning either, and else 1: so
    "securechat ca doctor --strict --json" can run daily.

    \b
    Examples:
      securechat ca doctor
      securechat ca doctor --dir /srv/chat --strict
    """  # noqa: D301
    try:
        findings = examine(_setup(load_config(directory)), datetime.now(UTC))
        findings.insert(0, Finding(Level.OK, "configuration", "it can be read"))
    except click.ClickException as error:
        findings = [Finding(Level.FAIL, "configuration", error.message, "mend that line")]
    if as_json:
        click.echo(json.dumps([_plain(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    bad = {Level.FAIL, Level.WARN} if strict else {Level.FAIL}
    if any(finding.level in bad for finding in findings):
        sys.exit(1)


def _setup(config: Config) -> Setup:
    authority, tls = config.authority, config.tls
    file = authority.passphrase_file
    return Setup(
        config.path(tls.certificate),
        config.path(tls.key),
        config.path(tls.authority),
        config.path(tls.revocations),
        Layout(config.path(authority.directory)) if authority.directory else None,
        lambda: find_passphrase(file, config.directory, os.environ),
        config.path(file) if file and not file.startswith(PREFIX) else None,
    )


def _plain(finding: Finding) -> dict[str, str]:
    return {**asdict(finding), "level": finding.level.value}


def _print(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    from chat.cli.tables import print_table

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        # The remedy is behind the fact, so that nothing is left out of a narrow terminal.
        text = Text(f"{finding.subject}: {finding.text}")
        if finding.remedy:
            text.append(f"\n-> {finding.remedy}")
        table.add_row(Text(finding.level.value, _COLORS[finding.level]), text)
    print_table(table)
