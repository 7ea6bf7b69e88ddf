"""Runs a console until it ends, on a reactor that somebody has installed."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeVar

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from chat.client.client import Client
from chat.client.profile import Profile
from chat.client.protocol import Listener
from chat.console.errand import Answer, Errand
from chat.console.password import ask_on
from chat.console.pipe import AskPassword, Pipe, nobody_to_ask
from chat.console.plain import Console, Front
from chat.console.screen import Screen
from chat.irc.message import Message

_Result = TypeVar("_Result")


def run_console(profile: Profile, reactor: AsyncioSelectorReactor, *, plain: bool) -> str | None:
    """Talk until the end, and return why that was not a normal one, or ``None``.

    It is full-screen when standard input and output are a terminal, unless ``plain``:
    then it is one line in, one line out.
    """
    front = _front(reactor, plain=plain)

    def connect(listener: Listener) -> Client:
        return Client(profile, listener, reactor)

    if front.interactive:
        print(f"Connecting to {profile.address} ...", file=sys.stderr)  # noqa: T201
    console = Console(connect, front, reactor, lambda: datetime.now().astimezone())
    _run(console, reactor)
    return console.rejection


def run_errand(profile: Profile, message: Message, reactor: AsyncioSelectorReactor) -> list[Answer]:
    """Have the server do one thing, and return what it answered; raises `ErrandError`."""

    def connect(listener: Listener) -> Client:
        return Client(profile, listener, reactor)

    return _run(Errand(connect, message, _ask(reactor), reactor), reactor)


class _Runnable(Protocol[_Result]):
    closed: Deferred[_Result]

    def start(self) -> None: ...

    def stop(self) -> Deferred[None]: ...


def _run(what: _Runnable[_Result], reactor: AsyncioSelectorReactor) -> _Result:
    """Return, or raise, what ``closed`` fires with; signals end it."""
    results: list[_Result | Failure] = []

    def end(result: _Result | Failure) -> None:
        results.append(result)
        with suppress(ReactorNotRunning):  # a signal may have stopped it before
            reactor.stop()

    what.closed.addBoth(end)
    reactor.addSystemEventTrigger("before", "shutdown", what.stop)
    reactor.callWhenRunning(what.start)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run()
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def _front(reactor: AsyncioSelectorReactor, *, plain: bool) -> Front:
    if _has_keyboard() and sys.stdout.isatty() and not plain:
        return Screen(reactor, _ask(reactor))
    return Pipe(reactor, _ask(reactor))


def _ask(reactor: AsyncioSelectorReactor) -> AskPassword:
    return ask_on(reactor) if _has_keyboard() else nobody_to_ask


def _has_keyboard() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
