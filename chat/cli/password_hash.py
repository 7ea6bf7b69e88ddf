"""``securechat password-hash``: a password's hash, for [operators] in securechat.toml."""

from __future__ import annotations

import sys

import click

from chat.server.passwords import hash_password


@click.command("password-hash")
def password_hash() -> None:
    """Print the bcrypt hash of a password.

    It is for [operators] in securechat.toml.  The password is asked for, or
    read as the first line of standard input when that is no terminal.

    \b
    Examples:
      securechat password-hash
      securechat password-hash < password.txt
    """  # noqa: D301
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.ClickException("the password is empty: give one on standard input")
    click.echo(hash_password(password).decode())
