"""``securechat proxy``: for programs that cannot present a certificate."""

from __future__ import annotations

import os
from typing import Any

import click

from chat.cli.connect import profile_options


@click.command()
@profile_options
@click.option(
    "--listen",
    default="127.0.0.1:6667",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen: HOST:PORT (port 0: any that is free), or unix:/path.",
)
@click.option("--insecure-listen", is_flag=True, help="Listen where other computers can reach it.")
def proxy(listen: str, insecure_listen: bool, **choice: Any) -> None:
    """Accept plaintext IRC on this computer and pass it on over mutual TLS.

    Whoever can reach the address it listens on speaks as the profile's account.

    \b
    Example:
      securechat proxy --dir alice-laptop --listen 127.0.0.1:6667
      irssi --connect 127.0.0.1 --port 6667
    """  # noqa: D301
    from chat.client.listening import ListenError, parse_place, serve
    from chat.client.profile import Choice, ProfileError, choose, profiles_directory

    try:
        profile = choose(Choice(**choice), profiles_directory())
        place = parse_place(listen, insecure=insecure_listen)
        os.umask(0o077)  # a socket file is the user's alone from its first moment
        serve(profile, place, click.echo)
    except (ProfileError, ListenError) as error:
        raise click.ClickException(str(error)) from error
