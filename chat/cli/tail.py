"""``securechat tail``: what was said, and what is said from now on, as lines for programs."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from chat.cli.connect import profile_flags
from chat.cli.script import EXIT_CODES, chosen, complain, must_be_target, run

if TYPE_CHECKING:
    from chat.client.events import ClientEvent
    from chat.client.reading import Spoken
    from chat.client.records import Record
    from chat.client.script import Script

#: Messages that are printed when nothing else is said.
_LINES = 10
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?")


@click.command(epilog=EXIT_CODES)
@click.argument("target", metavar="ROOM_OR_NICK")
@click.option(
    "--since",
    metavar="WHEN",
    help="A time (2026-05-01T12:00), how long ago (2h30m), or behind which msgid.",
)
@click.option(
    "--lines",
    type=click.IntRange(0, 100_000),
    metavar="N",
    help=f"The last N messages.  [default: {_LINES}, or all --since]",
)
@click.option("--follow", is_flag=True, help="Go on with what is said from now on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per message.")
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up after so long without an answer.",
)
@profile_flags
def tail(
    target: str,
    since: str | None,
    lines: int | None,
    follow: bool,
    as_json: bool,
    timeout: float,
    **choice: Any,
) -> None:
    """Print what was said in a room, or with a person.

    With --follow it goes on, over restarts of the server, and leaves out nothing.

    \b
    Examples:
      securechat tail "#ops"
      securechat tail "#ops" --since 2h | grep -i disk
      securechat tail "#ops" --lines 0 --follow --json | jq -r .text
    """  # noqa: D301
    must_be_target(target)
    reference = None if since is None else _reference(since, datetime.now(UTC))
    count = _LINES if lines is None and since is None else lines
    profile = chosen(choice)

    from chat.client.reading import Reading

    printer = _Printer(as_json=as_json)
    task = Reading(target, reference, count, follow=follow)
    try:
        run(profile, task, printer.tell, timeout, printer.begin)
    except click.Abort:
        if not printer.is_closed:
            raise


def _reference(word: str, now: datetime) -> str:
    """Return what CHATHISTORY calls a moment or a message; a moment itself is included."""
    from chat.irc.durations import parse_duration

    seconds = parse_duration(word)
    if seconds is not None:
        moment = now - timedelta(seconds=seconds)
    elif _DATE.fullmatch(word):
        try:
            moment = datetime.fromisoformat(word).astimezone(UTC)
        except ValueError as error:
            raise click.UsageError(f"--since {word}: {error}: write 2026-05-01T12:00") from error
    elif word.split() == [word]:
        return f"msgid={word}"
    else:
        raise click.UsageError(f"--since {word!r} is no time, no duration and no msgid")
    behind = moment - timedelta(milliseconds=1)
    return f"timestamp={behind:%Y-%m-%dT%H:%M:%S}.{behind.microsecond // 1000:03d}Z"


class _Printer:
    """Prints messages, until nobody reads them any more.

    It blocks while the reader is slow; the server breaks off in the end, and what was
    missed is read from history.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._line = as_object if as_json else as_text
        self._script: Script | None = None
        self.is_closed = False

    def begin(self, script: Script) -> None:
        """Take note of what to end."""
        self._script = script

    def tell(self, event: ClientEvent) -> None:
        """Print a message; say what is in the way."""
        from chat.client.events import Disconnected
        from chat.client.reading import NoHistory, Spoken

        if isinstance(event, Spoken):
            self._print(event)
        elif isinstance(event, NoHistory):
            complain("this server has no history that can be asked for: only what comes now")
        elif isinstance(event, Disconnected):
            complain(f"{event.reason}: trying again")

    def _print(self, spoken: Spoken) -> None:
        if self.is_closed:
            return
        try:
            print(self._line(spoken), flush=True)  # noqa: T201
        except BrokenPipeError:
            # Python flushes once more at exit: into nothing, then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.is_closed = True
            if self._script is not None:
                self._script.stop()


def as_text(spoken: Spoken) -> str:
    """Return the line for people, or the lines of a message that has several."""
    from chat.client.events import Manner
    from chat.irc.formatting import strip_formatting

    around = {Manner.MESSAGE: "<{}>", Manner.NOTICE: "-{}-", Manner.ACTION: "* {}"}
    time = spoken.time or datetime.now(UTC)
    sender = around[spoken.manner].format(strip_formatting(spoken.sender))
    head = f"{time.astimezone():%Y-%m-%d %H:%M:%S} {sender}"
    return "\n".join(f"{head} {strip_formatting(line)}" for line in spoken.text.split("\n"))


def as_object(spoken: Spoken) -> str:
    """Return the line for programs: formatting and all else is as it was sent."""
    from chat.client.records import json_line, kind_of

    shown: Record = {
        "time": spoken.stamp,
        "msgid": spoken.msgid,
        "sender": spoken.sender,
        "account": spoken.account or None,
        "room": spoken.room,
        "text": spoken.text,
        "kind": kind_of(spoken.manner),
        "reply_to": spoken.reply_to or None,
    }
    return json_line(shown)
