"""Where a command gets the passphrase of the authority's keys from: a file or a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chat.pki.files import read_passphrase


def new_passphrase(file: Path | None, *, none: bool) -> bytes | None:
    """Return the passphrase for keys that are about to be made, ``None`` for no encryption."""
    if none:
        if file is not None:
            raise click.UsageError("--passphrase-file and --no-passphrase: give one of them")
        return None
    if file is not None:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise click.ClickException(
            "the authority's keys need a passphrase and there is no terminal to ask on:"
            " give --passphrase-file FILE, or --no-passphrase"
        )
    click.echo("The passphrase encrypts the keys of the network's authority.", err=True)
    return _ask("Passphrase", confirm=True)


def known_passphrase(file: Path | None, *, key: Path) -> bytes:
    """Return the passphrase of ``key``, which is encrypted."""
    if file is not None:
        return read_passphrase(file)
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"{key} is encrypted and there is no terminal to ask on:"
            " give its passphrase with --passphrase-file FILE"
        )
    return _ask(f"Passphrase of {key}", confirm=False)


def _ask(text: str, *, confirm: bool) -> bytes:
    answer: str = click.prompt(text, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode()
