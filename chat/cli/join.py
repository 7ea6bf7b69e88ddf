"""``securechat join``: from an invitation's code to the first message."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chat.cli.joining import Joined
    from chat.pki.enrolment import Terms
    from chat.pki.invitation import Invitation


@click.command()
@click.argument("code", required=False)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the profile goes; by default among yours, under the network's name.",
)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file whose first line is the password to choose; without it you are asked.",
)
@click.option("--no-connect", is_flag=True, help="Do not begin to chat.")
@click.option("--plain", is_flag=True, help="Lines only: no prompt, no colours.")
def join(
    code: str | None,
    out: Path | None,
    password_file: Path | None,
    no_connect: bool,
    plain: bool,
) -> None:
    """Join a network with the CODE of an invitation, and chat.

    Makes a private key on this machine, which never leaves it, and has the network
    sign a certificate for it.  Without CODE you are asked for it: then others on
    this machine cannot read it in the list of processes.

    \b
    Examples:
      securechat join
      securechat join alice@chat.lab.example:6697/nfr3-dhhu-...
    """  # noqa: D301
    from chat.cli.connect import talk
    from chat.cli.joining import join_network
    from chat.pki.invitation import Invitation

    if code:
        invitation = Invitation.parse(code)
        joined = join_network(invitation, out, lambda terms: _password(terms, password_file))
    else:
        joined = join_by_asking(out, password_file)
    if not no_connect:
        talk([joined.network()], plain=plain)


def join_by_asking(out: Path | None = None, password_file: Path | None = None) -> Joined:
    """Ask for a code until one is good; where nobody can try again, a failure is the end.

    What is not the code's fault is tried again with it, when the person wants that.
    """
    from chat.cli.joining import join_network
    from chat.pki.errors import InvitationError, PkiError

    invitation: Invitation | None = None
    while True:
        try:
            invitation = invitation or _ask_for_code()
            return join_network(invitation, out, lambda terms: _password(terms, password_file))
        except PkiError as error:
            if not sys.stdin.isatty():
                raise
            click.secho(f"Error: {error}", err=True, fg="red")
            is_refused = isinstance(error, InvitationError)
            if is_refused or not click.confirm("Try again with this code?", True, err=True):
                invitation = None


def _ask_for_code() -> Invitation:
    """Return the invitation that is typed or pasted: it may have several lines."""
    from chat.pki.errors import IncompleteCodeError
    from chat.pki.invitation import Invitation

    text = click.prompt("The invitation's code", err=True)
    while True:
        try:
            return Invitation.parse(text)
        except IncompleteCodeError:
            more = click.prompt("The rest of it", default="", show_default=False, err=True).strip()
            if not more:
                raise
            text += more


def _password(terms: Terms, file: Path | None) -> str:
    if file is not None:
        return file.read_text().partition("\n")[0].rstrip("\r")
    if not sys.stdin.isatty():
        raise click.ClickException(
            "there is no terminal to choose a password on: give --password-file FILE;"
            " the invitation is still good"
        )
    text = f"Choose a password for {terms.account}"
    password: str = click.prompt(text, hide_input=True, confirmation_prompt=True, err=True)
    return password
