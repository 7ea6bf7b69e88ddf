"""Servers that run beside each other and take turns: ours on each database, and the rivals."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import click
from attrs import define, field

from bench.generator import Generator, Outcome, Target, generator
from bench.networks import DATABASES, Network, network
from bench.rivals import RIVALS, Rival
from tests.support.servers import Device, Home, Server, make_home, until


@define
class Contestant:
    """A running server, and a generator that is connected to it alone."""

    name: str
    port: int
    #: Whose certificate every client shows.
    device: Device
    #: The server's process first, then its database's.
    processes: tuple[int, ...]
    #: Kills the server, starts it again on the same port, and returns its process.
    _restart: Callable[[], int]
    #: What it stores, where it is one of ours.
    network: Network | None = None
    #: How many clients connect at the same time.
    at_once: int = 100
    load: Generator = field(init=False)

    @property
    def is_ours(self) -> bool:
        """Whether it is a server of this checkout."""
        return self.network is not None

    @property
    def target(self) -> Target:
        """Where its generator connects to."""
        return Target(f"127.0.0.1:{self.port}", self.device.ca, self.device.pem, self.processes)

    def gather(
        self, group: str, count: int, *rooms: tuple[str, int], capabilities: str = ""
    ) -> Outcome:
        """Connect so many clients; into each room go as many of them as stand beside it."""
        dialled = self.load.order(
            "dial", group=group, count=count, in_flight=self.at_once, capabilities=capabilities
        )
        for room, members in rooms:
            self.load.order("join", group=group, count=members, room=room)
        return dialled

    def restart(self) -> None:
        """Kill the server as a crash does, and start it again."""
        self.processes = (self._restart(), *self.processes[1:])

    def memory(self) -> float:
        """Return the server's resident memory, in KiB."""
        return _status(self.processes[0], "VmRSS")

    @contextmanager
    def watched(self) -> Iterator[Callable[[], float]]:
        """Look at the memory twenty times a second; what is given returns the most so far."""
        over, most = Event(), [self.memory()]

        def watch() -> None:
            while not over.wait(0.05):
                most[0] = max(most[0], self.memory())

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield lambda: max(most[0], self.memory())
        finally:
            over.set()
            thread.join()


#: What is done with a network of that name before its server starts.
Prepare = Callable[[str, Network], object]


def _nothing(name: str, network: Network) -> None:
    """Leave a network as it is."""


@contextmanager
def contest(
    databases: Sequence[str], rivals: Sequence[str] = (), prepare: Prepare = _nothing
) -> Iterator[list[Contestant]]:
    """Run them all; who is not installed is skipped, and that is said."""
    with ExitStack() as stack:
        found = [stack.enter_context(_ours(database, prepare)) for database in databases]
        if rivals:
            home = make_home()
            found += [stack.enter_context(_rival(RIVALS[name], home)) for name in rivals]
        running = [one for one in found if one is not None]
        for one in running:
            one.load = stack.enter_context(generator(one.name, one.target))
        yield running


@contextmanager
def _ours(database: str, prepare: Prepare) -> Iterator[Contestant | None]:
    name = f"securechat, {DATABASES[database]}"
    with network(database) as place:
        if place is None:
            yield None
            return
        prepare(name, place)
        server = Server(place.stored.home)
        try:
            server.start()
            # So that it is found there again.
            place.stored.home.configure(listen=f'tls = ["127.0.0.1:{server.port}"]')

            def restart() -> int:
                server.kill()
                server.start()
                return _pid(server)

            processes = (_pid(server), *place.processes)
            device = place.stored.home.device("alice")
            yield Contestant(name, server.port, device, processes, restart, place)
        finally:
            server.cleanup()


@contextmanager
def _rival(rival: Rival, home: Home) -> Iterator[Contestant | None]:
    if rival.path() is None:
        click.echo(f"Skipped {rival.name}: it is not installed ({rival.source})", err=True)
        yield None
        return
    directory = Path(tempfile.mkdtemp(prefix="sc-rival-"))
    port = _free_port()
    command = rival.configured(directory, home.directory / "keys", port)
    with (directory / "output").open("ab") as output:

        def start() -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory)
            until(lambda: process.poll() is not None or _listens(port), f"{rival.name} listens")
            if process.poll() is not None:
                said = (directory / "output").read_text(errors="replace")
                raise click.ClickException(f"{rival.name} does not start:\n{said}")
            return process

        running = [start()]

        def restart() -> int:
            _end(running.pop())
            running.append(start())
            return running[0].pid

        try:
            yield Contestant(
                rival.name,
                port,
                home.device("alice"),
                (running[0].pid,),
                restart,
                at_once=rival.at_once,
            )
        finally:
            _end(running.pop())
            shutil.rmtree(directory)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _pid(server: Server) -> int:
    assert server.process is not None
    return server.process.pid


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _status(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return float(found[1])
