"""``securechat renew``: a new certificate for this device, while the old one is good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from chat.cli.connect import profile_options


@click.command()
@profile_options
@click.option("--new-key", is_flag=True, help="Make a new private key too.")
@click.option("--if-due", is_flag=True, help="Only when two thirds of its life are over.")
def renew(new_key: bool, if_due: bool, **choice: Any) -> None:
    """Renew this device's certificate, in the files where it is.

    The console does it by itself.  This is for the files of other programs, from a
    timer: WeeChat and irssi read them when they connect next.

    \b
    Examples:
      securechat renew
      securechat renew --dir ~/bob-weechat --if-due
    """  # noqa: D301
    from chat.client.profile import Choice, ProfileError, choose, profiles_directory
    from chat.client.renewal import due, renew_profile

    try:
        profile = choose(Choice(**choice), profiles_directory())
    except ProfileError as error:
        raise click.ClickException(str(error)) from error
    own = profile.credentials.certificates
    if own and if_due and datetime.now(UTC) < due(own[0], 0.0):
        click.echo(f"Not due before {due(own[0], 0.0):%Y-%m-%d}: nothing was changed")
        return
    renewed = renew_profile(profile, with_new_key=new_key)
    end = renewed.credentials.certificates[0].not_valid_after_utc
    click.echo(f"Wrote {renewed.credentials.source}: valid until {end:%Y-%m-%d %H:%M} UTC")
