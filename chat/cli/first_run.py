"""The first run: somebody who has joined no network yet is helped to the first message."""

from __future__ import annotations

import click

from chat.cli.connect import talk
from chat.cli.join import join_by_asking

_WELCOME = """\

You have joined no network on this computer yet. For that you need the code of an
invitation, from somebody who is in. Paste it here, also when it has several lines,
or type it. Ctrl+C leaves.

Nobody invites you? "securechat run" tries everything out on this computer.
"""


def first_run(*, plain: bool, json: bool) -> None:
    """Welcome somebody, join the network that they are invited to, and chat."""
    click.secho("Welcome to securechat.", err=True, bold=True)
    click.echo(_WELCOME, err=True)
    try:
        joined = join_by_asking()
    except click.Abort:
        click.echo("\nNothing was changed. With a code, run securechat again.", err=True)
        raise
    talk([joined.network()], plain=plain, json=json)
