"""What the full-screen console costs, and how soon it shows what is typed, beside WeeChat."""

from __future__ import annotations

import random
import string
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import click
from attrs import define, field, frozen

from bench.chats import ROOM, Chat, Size, last_of, ours, weechat
from bench.comparing import Column, Runs
from bench.networks import network
from bench.report import Report, percentile
from bench.scenario import Setting, scenario
from bench.terminal import Memory, Terminal, Tmux, tmux
from tests.live.irc import IRC
from tests.support.servers import Server

_SIZES: tuple[Size, ...] = ((80, 24), (200, 60))
#: Messages that are sent before all have shown them.
_CHUNK = 500
#: Seconds between two keys, at least and at most.
_BETWEEN = (0.05, 0.15)
#: Keys in the input before it is emptied.
_LONGEST = 30
#: Rows at the bottom of the screen that have the input.
_INPUT = 2
#: Seconds for what a start does behind its first screen.
_SETTLE = 2.0


@frozen
class _Load:
    """So many lines, then so many a second for some seconds."""

    lines: int
    rate: int
    seconds: float


@frozen
class _Used:
    """What one program took for the load; latencies in milliseconds."""

    #: Microseconds of CPU for a line of the scrollback; then percent of one CPU.
    line: float
    cpu: float
    latencies: tuple[float, ...]
    memory: Memory


@frozen
class _Start:
    """Seconds until the first screen, and of CPU."""

    seconds: float
    cpu: float


@define
class _Run:
    """A program on its terminal, and what was measured of it."""

    chat: Chat
    terminal: Terminal
    typed: str = ""
    latencies: list[float] = field(factory=list)

    def type(self, key: str) -> None:
        """Type a key, and take note of when it was shown."""
        if len(self.typed) >= _LONGEST:
            self.terminal.press("C-u")
            self.typed = ""
        self.typed += key
        begun = time.perf_counter()
        self.terminal.type(key)
        self.latencies.append(1000 * (self.terminal.wait_for(self.typed, _INPUT) - begun))


_USED = (
    Column[_Used]("CPU us/line of scrollback", lambda used: used.line, min),
    Column[_Used]("CPU %", lambda used: used.cpu, min),
    Column[_Used]("key p50 ms", lambda used: percentile(used.latencies, 0.5), min),
    Column[_Used]("p95", lambda used: percentile(used.latencies, 0.95), min),
    Column[_Used]("RSS MiB", lambda used: used.memory.rss, min),
    Column[_Used]("PSS MiB", lambda used: used.memory.pss),
)
_STARTED = (
    Column[_Start]("first screen s", lambda start: start.seconds, min),
    Column[_Start]("CPU s", lambda start: start.cpu),
)


@scenario(databases=("sqlite",), rivals=("weechat",), repetitions=1)
@click.option("--lines", default=10_000, show_default=True, help="In the scrollback.")
@click.option("--rate", default=200, show_default=True, help="Messages a second, then.")
@click.option("--seconds", default=20.0, show_default=True, help="For how long.")
@click.option("--stored", default=100_000, show_default=True, help="Messages kept, for the start.")
@click.option("--starts", default=7, show_default=True, help="How often each is started.")
def console(
    setting: Setting, lines: int, rate: int, seconds: float, stored: int, starts: int
) -> Report:
    """The console and WeeChat in one room: CPU, memory, time until a key is shown, start.

    Both are in the same room at the same time, in tmux.  First the scrollback is filled.  Then
    messages come at the rate, while somebody types, one key into each in turn: the latency is
    from when tmux gets the key until it is on the screen.  At the end stands what is held.  A
    start is measured until the last message that is kept in the room is on the screen.
    """
    load = _Load(lines, rate, seconds)
    tables = []
    with ExitStack() as stack:
        place = stack.enter_context(network(setting.databases[0]))
        if place is None:
            raise click.ClickException("there is no such database")
        server = Server(place.stored.home)
        stack.callback(server.cleanup)
        server.start()
        terminals = stack.enter_context(tmux())
        for size in _SIZES:
            used: list[dict[str, _Used]] = []
            for _ in range(setting.repetitions):
                with _chats(server, setting) as chats:
                    used.append(_loaded(server, terminals, chats, size, load))
            title = f"{size[0]}x{size[1]}, {lines:,} lines, then {rate} messages a second"
            taken = {name: [each[name] for each in used] for name in used[0]}
            tables.append(Runs(taken, _OURS).table(title, _USED))
        with _chats(server, setting) as chats:
            for chat in chats:
                chat.fill(stored)
                _started(chat, terminals, stored)
            begun = [[_started(chat, terminals, stored) for chat in chats] for _ in range(starts)]
            by_name = {chat.name: [row[at] for row in begun] for at, chat in enumerate(chats)}
            title = f"The start, {stored:,} messages kept in ten rooms"
            tables.append(Runs(by_name, _OURS).table(title, _STARTED))
    return Report(tables)


_OURS = frozenset({"securechat"})


@contextmanager
def _chats(server: Server, setting: Setting) -> Iterator[list[Chat]]:
    """Give the programs, as they are when they were just installed."""
    with tempfile.TemporaryDirectory(prefix="sc-chats-") as name:
        place = server.home, server.port, Path(name)
        found = [ours(*place), weechat(*place) if setting.rivals else None]
        if setting.rivals and found[1] is None:
            click.echo("Skipped WeeChat: it is not installed", err=True)
        yield [chat for chat in found if chat is not None]


def _loaded(
    server: Server, terminals: Tmux, chats: Sequence[Chat], size: Size, load: _Load
) -> dict[str, _Used]:
    alice = IRC.login(server.port, server.home.device("alice"), "")
    alice.exchange(f"JOIN {ROOM}")
    runs = [_Run(chat, _entered(chat, terminals, size)) for chat in chats]
    try:
        before = [run.terminal.cpu for run in runs]
        for start in range(0, load.lines, _CHUNK):
            numbers = range(start, min(start + _CHUNK, load.lines))
            alice.exchange(*map(_message, numbers))
            for run in runs:
                run.terminal.wait_for(_name(numbers[-1]))
        filled, begun = [run.terminal.cpu for run in runs], time.perf_counter()
        _talk_and_type(alice, runs, load)
        passed = time.perf_counter() - begun
        return {
            run.chat.name: _Used(
                1e6 * (filled[at] - before[at]) / load.lines,
                100 * (run.terminal.cpu - filled[at]) / passed,
                tuple(run.latencies),
                run.terminal.memory,
            )
            for at, run in enumerate(runs)
        }
    finally:
        for run in runs:
            run.terminal.close()
        alice.close()


def _entered(chat: Chat, terminals: Tmux, size: Size) -> Terminal:
    terminal = chat.run(terminals, size)
    shown, typed = chat.enters
    terminal.wait_for(shown)
    terminal.type(typed)
    terminal.press("Enter")
    time.sleep(_SETTLE)
    return terminal


def _talk_and_type(alice: IRC, runs: Sequence[_Run], load: _Load) -> None:
    begun, count = time.perf_counter(), int(load.rate * load.seconds)

    def talk() -> None:
        for number in range(count):
            time.sleep(max(0.0, begun + number / load.rate - time.perf_counter()))
            alice.send(_message(load.lines + number))

    talking = Thread(target=talk)
    talking.start()
    chance = random.Random(0)
    while talking.is_alive():
        for run in runs:
            run.type(chance.choice(string.ascii_lowercase))
            time.sleep(chance.uniform(*_BETWEEN))
    talking.join()
    for run in runs:
        run.terminal.wait_for(_name(load.lines + count - 1))


def _started(chat: Chat, terminals: Tmux, stored: int) -> _Start:
    terminal = chat.run(terminals, _SIZES[0])
    try:
        seconds = terminal.wait_for(last_of(stored)) - terminal.begun
        return _Start(seconds, terminal.cpu)
    finally:
        terminal.close()


def _name(number: int) -> str:
    return f"number-{number}."


def _message(number: int) -> str:
    return f"PRIVMSG {ROOM} :somebody says something that is as long as most are, {_name(number)}"
