"""``securechat send``: say something from a script, and know that it is stored."""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING, Any, cast

import click
from attrs import frozen

from chat.cli.connect import profile_flags
from chat.cli.script import EXIT_CODES, chosen, complain, must_be_target, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.defer import Deferred

    from chat.client.delivery import Delivery, Stored
    from chat.client.events import ClientEvent
    from chat.client.script import Script

#: The most bytes of text that are read before something is sent.
_MAX_INPUT = 1_048_576
#: The longest name of a message, in bytes.
_MAX_NAME = 200


@click.command(epilog=EXIT_CODES)
@click.argument("target", metavar="ROOM_OR_NICK")
@click.argument("text", nargs=-1)
@click.option("--each-line", is_flag=True, help="One message per line of standard input, at once.")
@click.option("--notice", is_flag=True, help="A notice: programs do not answer it.")
@click.option("--action", is_flag=True, help="As /me does it.")
@click.option("--id", "name", metavar="NAME", help="Name it: sent again, it is stored once.")
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up after so long without an answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was acknowledged.")
@click.option("--quiet", is_flag=True, help="Say nothing of connections that break.")
@profile_flags
def send(
    target: str,
    text: tuple[str, ...],
    each_line: bool,
    notice: bool,
    action: bool,
    name: str | None,
    timeout: float,
    as_json: bool,
    quiet: bool,
    **choice: Any,
) -> None:
    """Say TEXT, or what comes on standard input, to a room or a person.

    It ends when the server has stored it.  While the server is away it is tried again,
    and nothing is stored twice.  Several lines are one message, where the server takes them.

    \b
    Examples:
      make || securechat send "#build" "the build of $(hostname) failed"
      df -h | securechat send bob
      tail -f app.log | securechat send "#log" --each-line
      securechat send "#ops" --id "backup-$(date +%F)" "the backup is done"
    """  # noqa: D301
    if notice and action:
        raise click.UsageError("--notice and --action exclude each other")
    if each_line and (text or name):
        raise click.UsageError("--each-line takes its text from standard input, and no --id")
    must_be_target(target)
    if name is not None and not 0 < len(name.encode()) <= _MAX_NAME:
        raise click.UsageError(f"--id is a name of 1 to {_MAX_NAME} bytes")
    words = None if each_line else " ".join(text) if text else _standard_input()
    if words is not None and not words.strip():
        raise click.UsageError("there is nothing to say")
    profile = chosen(choice)

    from chat.client.delivery import Delivery
    from chat.client.events import Manner

    manner = Manner.NOTICE if notice else Manner.ACTION if action else Manner.MESSAGE
    unique = name or secrets.token_urlsafe(12)
    task = Delivery(target, manner, unique, must_be_named=name is not None)
    teller = _Teller(task, as_json=as_json, quiet=quiet)
    if words is not None:
        task.add(words)
        task.end()
    run(profile, task, teller.tell, timeout, teller.read if each_line else lambda script: None)


def _standard_input() -> str:
    data = sys.stdin.buffer.read(_MAX_INPUT + 1)
    if len(data) > _MAX_INPUT:
        raise click.UsageError(f"more than {_MAX_INPUT} bytes are no message: give --each-line")
    return data.decode(errors="replace")


class _Teller:
    """Prints what is acknowledged, and has standard input read while there is room for it."""

    def __init__(self, task: Delivery, *, as_json: bool, quiet: bool) -> None:
        self._task = task
        self._as_json = as_json
        self._quiet = quiet
        self._has_warned = False
        self._hold: Callable[[bool], None] = lambda held: None

    def read(self, script: Script) -> None:
        """Take lines from standard input from now on."""
        from twisted.internet import reactor
        from twisted.internet.interfaces import IReactorFDSet

        from chat.console.plain.pipe import Pipe

        pipe = Pipe(cast(IReactorFDSet, reactor))
        self._hold = pipe.hold
        pipe.attach(_Feed(script, self._task, pipe.hold))
        pipe.read()

    def tell(self, event: ClientEvent) -> None:
        """Take note of progress, and of what breaks."""
        from chat.client.delivery import Stored
        from chat.client.events import Disconnected

        if isinstance(event, Stored):
            self._acknowledged(event)
        elif isinstance(event, Disconnected) and not self._quiet:
            complain(f"{event.reason}: trying again")
        self._hold(self._task.is_full)

    def _acknowledged(self, stored: Stored) -> None:
        if not stored.is_certain and not self._has_warned:
            self._has_warned = True
            complain("this server does not acknowledge what it stores: it may be lost")
        if self._as_json:
            shown = {"room": stored.room, "msgid": stored.msgid, "time": stored.time}
            click.echo(json.dumps(shown | {"id": stored.name}))


@frozen
class _Feed:
    """Passes on the lines of standard input, and holds it when there are enough."""

    _script: Script
    _task: Delivery
    _hold: Callable[[bool], None]

    def enter(self, text: str) -> None:
        """Send a line; an empty one says nothing."""
        if text.strip():
            self._task.add(text)
            self._go_on()

    def end_of_input(self) -> None:
        """Wait for what is not acknowledged."""
        self._task.end()
        self._go_on()

    def stop(self) -> Deferred[None]:
        """End at once."""
        return self._script.stop()

    def _go_on(self) -> None:
        self._script.resume()
        self._hold(self._task.is_full)
