"""``securechat invite``: one code that brings in a person, or one more device."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from chat.cli.network import directory_option, load_config, with_store
from chat.cli.picture import show_picture
from chat.client.profile import Address, ProfileError
from chat.irc.durations import parse_duration
from chat.irc.names import is_account_name
from chat.network.ids import Timestamp
from chat.network.records import ROLES, Invited
from chat.pki.authority import Identity
from chat.pki.files import read_certificates
from chat.pki.invitation import new_invitation, public_part
from chat.pki.keys import is_encrypted
from chat.pki.layout import Layout
from chat.server.config import Config
from chat.server.reach import public_address
from chat.store.store import Store


@click.command()
@click.argument("account")
@click.option("--device", default="laptop", show_default=True, help="The device's name.")
@click.option("--role", type=click.Choice(ROLES), default="user", show_default=True)
@click.option(
    "--expires",
    default="1d",
    show_default=True,
    metavar="TIME",
    help="For how long the code is good, such as 15m or 1d12h.",
)
@click.option(
    "--address", help="HOST:PORT in the code, where the server is reached by another one."
)
@directory_option
def invite(
    account: str, device: str, role: str, expires: str, address: str | None, directory: Path
) -> None:
    """Invite ACCOUNT: print a code that makes one device theirs, once.

    They run "securechat join" and type it.  The account is made then, with a
    password of their own choice, if it is not there; --role is for that case.

    \b
    Examples:
      securechat invite bob
      securechat invite bob --device phone --expires 15m
    """  # noqa: D301
    config = load_config(directory)
    limit = config.limits.nick_length
    if not is_account_name(account, limit):
        raise click.UsageError(
            f"{account!r} cannot name an account: use a letter, then letters, digits, _ or -,"
            f" at most {limit} characters"
        )
    identity = Identity(account, device)
    seconds = parse_duration(expires)
    if not seconds:
        raise click.UsageError(f"--expires {expires}: write a time like 15m, 12h or 1d12h")
    layout = Layout(config.path(config.authority.directory))
    _must_sign(config, layout)
    try:
        reached = Address.parse(address or public_address(config)[0])
    except ProfileError as error:
        raise click.UsageError(str(error)) from error
    (root,) = read_certificates(layout.root_certificate)
    invitation = new_invitation(identity.account, str(reached), root)
    created = time.time_ns() // 1_000_000
    invited = Invited(
        public_part(invitation.key()),
        identity.account,
        identity.device,
        role,
        Timestamp(created),
        Timestamp(created + 1000 * seconds),
    )

    async def work(store: Store) -> None:
        await store.invitations.add(invited)

    with_store(config.database.url, config.directory, work)
    end = datetime.fromtimestamp(invited.expires / 1000, UTC)
    show_picture(invitation.code)
    click.echo(invitation.code)
    click.echo(
        f"Good until {end:%Y-%m-%d %H:%M} UTC, for one device, {identity}: who has the code is"
        f" {account}.  They run: securechat join",
        err=True,
    )


def _must_sign(config: Config, layout: Layout) -> None:
    """Refuse, or warn, where the server cannot sign: the code would lead to nothing."""
    if not config.authority.directory or not layout.issuing_keys:
        raise click.ClickException(
            "there is no issuing key here, so the server cannot sign what an invitation asks for:"
            " run `securechat cert issue` where the key is"
        )
    is_locked = any(is_encrypted(path.read_bytes()) for path in layout.issuing_keys)
    if is_locked and not config.authority.passphrase_file:
        click.echo(
            "The issuing key has a passphrase, and [authority] passphrase_file names none: the code"
            " is good only if the server has it from systemd",
            err=True,
        )
