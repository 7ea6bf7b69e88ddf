"""``securechat ca``: the network's authority, looked at and looked after.

One file for each command; `chat.pki` does the work.
"""

from __future__ import annotations

import click

from chat.cli.ca.doctor import doctor
from chat.cli.ca.listing import list_
from chat.cli.ca.offline import install, request, sign
from chat.cli.ca.renew_server import renew_server
from chat.cli.ca.rotation import move_root, retire, rotate_issuing
from chat.cli.ca.show import show


@click.group()
def ca() -> None:
    """Look after the network's authority.

    \b
    Examples:
      securechat ca doctor
      securechat ca list --expired
      securechat ca rotate-issuing --root /media/stick/lab
    """  # noqa: D301


for command in (
    doctor,
    list_,
    show,
    renew_server,
    rotate_issuing,
    request,
    sign,
    install,
    retire,
    move_root,
):
    ca.add_command(command)
