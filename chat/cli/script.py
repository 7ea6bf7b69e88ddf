"""What the commands for programs share: the profile, the run, and how it ends."""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from chat.irc.formatting import strip_formatting

if TYPE_CHECKING:
    from collections.abc import Callable

    from chat.client.profile import Profile
    from chat.client.protocol import Listener
    from chat.client.script import Script
    from chat.client.task import Task

#: The part of --help about exit codes.
EXIT_CODES = """
\b
Exit codes:
  0  done: what was sent is stored, what was asked for is printed
  1  refused or failed; standard error says why, in one line
  2  the command line is wrong
  3  sent, and not confirmed: it may be stored or not
"""


class UncertainError(click.ClickException):
    """Something was sent, and nobody said that it is stored."""

    exit_code = 3


def complain(text: str) -> None:
    """Write one line to standard error; what a server said does no harm there."""
    click.echo(f"securechat: {strip_formatting(' '.join(text.split()))}", err=True)


def must_be_target(word: str) -> None:
    """Refuse what can be neither a room nor a nickname."""
    if word.split() != [word] or word.startswith(":") or "," in word:
        raise click.UsageError(f"{word!r} is no room and no nickname")


def chosen(choice: dict[str, Any]) -> Profile:
    """Return the profile that the options of `profile_options` mean."""
    from chat.client.profile import Choice, ProfileError, choose, profiles_directory

    try:
        return choose(Choice(**choice), profiles_directory())
    except ProfileError as error:
        raise click.ClickException(str(error)) from error


def run(
    profile: Profile,
    task: Task,
    tell: Listener,
    patience: float,
    begin: Callable[[Script], None] = lambda script: None,
) -> None:
    """Run a task to its end; ``begin`` is called with the script when the reactor runs.

    Raises `click.ClickException` when it was not done, `click.Abort` when it was interrupted.
    """
    from twisted.internet import reactor as installed
    from twisted.internet.error import ReactorNotRunning

    from chat.client.client import Client, MakeState
    from chat.client.script import Outcome, Script

    reactor: Any = installed
    results: list[tuple[Outcome, str]] = []

    def connect(listener: Listener, make_state: MakeState) -> Client:
        return Client(profile, listener, reactor, make_state=make_state)

    script = Script(connect, task, tell, reactor, patience)

    def end(result: tuple[Outcome, str]) -> None:
        results.append(result)
        with suppress(ReactorNotRunning):  # a signal may have stopped it before
            reactor.stop()

    def start() -> None:
        script.start()
        begin(script)

    script.closed.addCallback(end)
    reactor.addSystemEventTrigger("before", "shutdown", script.stop)
    reactor.callWhenRunning(start)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run()
    [(outcome, why)] = results
    if outcome is Outcome.INTERRUPTED:
        raise click.Abort
    if outcome is Outcome.UNCERTAIN:
        raise UncertainError(strip_formatting(why))
    if outcome is Outcome.FAILED:
        raise click.ClickException(strip_formatting(why))
