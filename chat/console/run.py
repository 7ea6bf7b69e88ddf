"""Runs a console until it ends, on a reactor that somebody has installed."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from datetime import datetime

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from chat.client.client import Client
from chat.client.profile import Profile
from chat.client.protocol import Listener
from chat.console.pipe import Pipe, nobody_to_ask
from chat.console.plain import Console, Front
from chat.console.terminal import Terminal, ask_password


def run_console(profile: Profile, reactor: AsyncioSelectorReactor, *, plain: bool) -> str | None:
    """Talk until the end, and return why that was not a normal one, or ``None``.

    A prompt is drawn when standard input and output are a terminal, unless ``plain``:
    then it is one line in, one line out.
    """
    front = _front(reactor, plain=plain)

    def connect(listener: Listener) -> Client:
        return Client(profile, listener, reactor)

    console = Console(connect, front, reactor, lambda: datetime.now().astimezone())
    failures: list[Failure] = []

    def end(result: Failure | None) -> None:
        if isinstance(result, Failure):
            failures.append(result)
        with suppress(ReactorNotRunning):  # a signal may have stopped it before
            reactor.stop()

    console.closed.addBoth(end)
    reactor.addSystemEventTrigger("before", "shutdown", console.stop)
    reactor.callWhenRunning(console.start)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run()
    if failures:
        failures[0].raiseException()
    return console.rejection


def _front(reactor: AsyncioSelectorReactor, *, plain: bool) -> Front:
    keyboard = sys.stdin is not None and sys.stdin.isatty()
    if keyboard and sys.stdout.isatty() and not plain:
        return Terminal(reactor)
    return Pipe(reactor, ask_password if keyboard else nobody_to_ask)
