"""The program ``securechat``: the table of its commands, and how each one ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from attrs import frozen
from click.exceptions import NoArgsIsHelpError

from chat.cli.connect import on_terminal
from chat.pki.errors import PkiError


@frozen
class Entry:
    """A command that is imported when it is run: ``module:attribute``, and its summary."""

    target: str
    summary: str


COMMANDS = {
    "init": Entry("chat.cli.init:init", "Make a directory a network."),
    "user": Entry("chat.cli.user:user", "Add, list and remove accounts, set passwords."),
    "cert": Entry("chat.cli.cert:cert", "Issue device certificates."),
    "invite": Entry("chat.cli.invite:invite", "Invite somebody, or one more device."),
    "invitations": Entry("chat.cli.invitations:invitations", "List and withdraw invitations."),
    "revoke": Entry("chat.cli.revoke:revoke", "Let a device, or an account, in no more."),
    "ca": Entry("chat.cli.ca:ca", "Look after the authority: list, check, renew, rotate."),
    "join": Entry("chat.cli.join:join", "Join a network with an invitation's code."),
    "renew": Entry("chat.cli.renew:renew", "Renew this device's certificate."),
    "device": Entry("chat.cli.device:device", "Add, list and remove your own devices."),
    "connect": Entry("chat.cli.connect:connect", "Chat: the console client."),
    "keys": Entry("chat.cli.keys:keys", "Back up and restore the keys of encrypted rooms."),
    "send": Entry("chat.cli.send:send", "Say something from a script."),
    "tail": Entry("chat.cli.tail:tail", "Print what was said, and what is said."),
    "proxy": Entry("chat.cli.proxy:proxy", "Let IRC programs without certificates in."),
    "inspect": Entry("chat.cli.inspect:inspect", "Explain what a TLS server presents."),
    "password-hash": Entry("chat.cli.password_hash:password_hash", "Hash a password."),
    "run": Entry("chat.cli.run:run", "Try it: a network, its server and a client at once."),
}


class Program(click.Group):
    """A group of commands that imports only the one it runs.

    An expected failure becomes one line on standard error and exit code 1 (2: the
    command line itself is wrong); Ctrl+C exits with 130.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; ``None`` for a name that is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take a command line without a command for one of ``connect``.

        That is so with options that are not the program's own, and with nothing at all
        on a terminal: elsewhere a script would wait for ever for what nobody types.
        """
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        says_nothing = not args and on_terminal() and not ctx.resilient_parsing
        if says_nothing or (args and args[0].startswith("-") and args[0] not in own):
            args = ["connect", *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table's summaries, which needs no import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and exit."""
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.Abort:
            sys.exit(130)
        except NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _complain(error.format_message())
            sys.exit(error.exit_code)
        except PkiError as error:
            _complain(str(error))
            sys.exit(1)
        except OSError as error:
            _complain(_explain(error))
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


@click.group("securechat", cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="securechat", prog_name="securechat")
def main() -> None:
    """Run a private chat network, or take part in one.

    Without a command it is securechat connect: the chat, on all networks that you
    have joined.

    \b
    Example, from nothing to chatting on one machine:
      securechat init
      securechat user add alice
      securechat cert issue alice
      twistd -n securechat --config securechat.toml
      securechat connect --dir alice-laptop       (in another terminal)
    """  # noqa: D301


def _complain(text: str) -> None:
    """Write one line to standard error, whatever is in ``text``."""
    click.echo(f"securechat: {' '.join(text.split())}", err=True)


def _explain(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"
