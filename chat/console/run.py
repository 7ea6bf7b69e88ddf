"""Runs a console until it ends, on a reactor that somebody has installed."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from getpass import getpass
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, Protocol, TypeVar

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.python.failure import Failure

from chat.client.client import Client
from chat.client.history import Memory
from chat.client.isupport import Isupport
from chat.client.profile import Network, Problem, Profile
from chat.client.protocol import Listener
from chat.client.sealing import Sealing
from chat.client.unlocking import open_sealing
from chat.console.conversation import Conversation
from chat.console.errand import Answer, Errand
from chat.console.plain.keyboard import Keyboard
from chat.console.plain.password import ask_on
from chat.console.plain.pipe import LINES, RECORDS, AskPassword, Pipe, nobody_to_ask
from chat.irc.message import Message

if TYPE_CHECKING:
    from chat.console.screen.screen import Screen

_Result = TypeVar("_Result")


def run_console(
    networks: Sequence[Network],
    problems: Sequence[Problem],
    reactor: AsyncioSelectorReactor,
    *,
    plain: bool,
    json: bool,
) -> str | None:
    """Talk until the end, and return why that was not a normal one, or ``None``.

    It is full-screen, for all networks, when standard input and output are a terminal,
    unless ``plain``: then it is one line in, one line out, of the only network, and an
    object for a program with ``json``.  ``problems`` are told, in a line for each.
    """
    is_seen = _has_keyboard() and sys.stdout.isatty()
    if plain or json or not is_seen:
        [network] = networks
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # not every encoding has every character
        kind = Keyboard if is_seen else Pipe
        front = kind(reactor, _ask(reactor), RECORDS if json else LINES)
        sealing = _sealing(network.profile)
        connect = partial(_client, network.profile, reactor, sealing)
        conversation = Conversation(connect, front, reactor, _now)
        _run(conversation, reactor)
        return conversation.rejection

    from chat.console.screen.screen import Screen
    from chat.console.settings.keys import KeysError, keys_path, read_keys
    from chat.console.settings.settings import SettingError, settings_path
    from chat.console.settings.settings import read as read_settings

    try:
        screen = Screen(read_settings(settings_path()), read_keys(keys_path()), reactor, _now)
    except (KeysError, SettingError) as error:
        return str(error)
    for network in networks:
        _add(screen, network, reactor)
    for name, problem in problems:
        screen.complain(f"{name}: {problem}")
    _run(screen, reactor)
    return screen.rejection


def _add(screen: Screen, network: Network, reactor: AsyncioSelectorReactor) -> None:
    """Add a network that goes on where it ended the last time."""
    from platformdirs import user_data_path

    from chat.console.archive import Archive, ArchiveError, archive_path

    profile = network.profile
    archive, memory, rooms = None, Memory(), {}
    try:
        path = archive_path(profile, user_data_path("securechat", appauthor=False))
        archive = Archive.open(path, reactor, screen.complain)
        memory = archive.memory()
        is_channel = Isupport().is_channel
        open_ = (room for room in archive.rooms() if room.joined)
        rooms = {room.name: room.key for room in open_ if is_channel(room.name)}
    except ArchiveError as error:
        screen.complain(f"{network.name}: {error}")

    sealing = _sealing(profile)
    if sealing.why_not and find_spec("vodozemac") is not None:
        screen.complain(f"{network.name}: nothing is encrypted or decrypted: {sealing.why_not}")

    def connect(listener: Listener) -> Client:
        return Client(profile, listener, reactor, memory=memory, rooms=rooms, sealing=sealing)

    screen.add(network.name, archive, connect)


def _sealing(profile: Profile) -> Sealing:
    """Open the keys of a profile's device; its passphrase is asked for on the terminal."""
    from platformdirs import user_data_path

    def ask(text: str) -> str | None:
        return getpass(f"{text}: ") if _has_keyboard() else None

    return open_sealing(profile, user_data_path("securechat", appauthor=False), ask)


def run_errand(profile: Profile, message: Message, reactor: AsyncioSelectorReactor) -> list[Answer]:
    """Have the server do one thing, and return what it answered; raises `ErrandError`."""
    return _run(Errand(_connect(profile, reactor), message, _ask(reactor), reactor), reactor)


def _connect(profile: Profile, reactor: AsyncioSelectorReactor) -> Callable[[Listener], Client]:
    return lambda listener: Client(profile, listener, reactor)


def _client(
    profile: Profile, reactor: AsyncioSelectorReactor, sealing: Sealing, listener: Listener
) -> Client:
    return Client(profile, listener, reactor, sealing=sealing)


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
    # A turn later: asyncio's event loop does not run yet when the reactor does.
    reactor.callWhenRunning(reactor.callLater, 0, what.start)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(reactor.stop))
    # What is here by now stays.  Without it the collector halts for less, when it does.
    gc.freeze()
    gc.enable()
    reactor.run()
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def _now() -> datetime:
    return datetime.now().astimezone()


def _ask(reactor: AsyncioSelectorReactor) -> AskPassword:
    return ask_on(reactor) if _has_keyboard() else nobody_to_ask


def _has_keyboard() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
