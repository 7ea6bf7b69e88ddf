"""The load: a process of its own, so that it does not share the server's interpreter.

``python -m bench.generator`` reads a `Load` as one line of JSON, connects its
clients, and says ``ready``.  A line on standard input lets it begin: messages come
at the offered rate whatever the server does, each to the sender's own channel,
and the time until its echo counts from the moment at which it was due.  It prints
an `Outcome` as one line of JSON, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path

from attrs import asdict, frozen

from bench import report

#: Seconds that clients may take to connect, and the last echoes to come.
_CONNECT, _LINGER = 30.0, 30.0
#: Seconds between two looks at what is due.
_TICK = 0.001
#: Bytes of a message's text.
_LENGTH = 64


@frozen
class Load:
    """What is offered: ``rate`` messages a second for some seconds, from some clients in turn."""

    port: int
    pid: int
    authority: str
    certificate: str
    clients: int
    rate: int
    seconds: float


@frozen
class Outcome:
    """What came of it; latencies in milliseconds, CPU in seconds of one CPU."""

    sent: int
    #: How many of each client's messages were echoed; they come in order from 0.
    echoed: list[int]
    in_order: bool
    #: From the first message to the last echo.
    seconds: float
    p50: float
    p99: float
    server_cpu: float
    own_cpu: float


def text(client: int, number: int) -> str:
    """Return what a client's message of that number says: one word."""
    return f"load.{client}.{number}.".ljust(_LENGTH, "x")


class Client(asyncio.Protocol):
    """One connection, with a nickname and a channel of its own."""

    transport: asyncio.Transport

    def __init__(self, number: int, echoed: Callable[[int, int], None]) -> None:
        self.joined = asyncio.get_running_loop().create_future()
        self._number = number
        self._echoed = echoed
        self._rest = b""
        self._prefix = f" PRIVMSG #load{number} ".encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        nick = f"load{self._number}"
        self.send("CAP REQ echo-message", f"NICK {nick}", f"USER {nick} 0 * :load", "CAP END")

    def send(self, *lines: str) -> None:
        self.transport.write("".join(f"{line}\r\n" for line in lines).encode())

    def say(self, number: int) -> None:
        self.send(f"PRIVMSG #load{self._number} {text(self._number, number)}")

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if self._prefix in line:
                self._echoed(self._number, int(line.split(b".")[-2]))
            else:
                self._answer(line.decode().split(" "))

    def _answer(self, words: list[str]) -> None:
        if words[0] == "PING":
            self.send(f"PONG {words[1]}")
        elif words[1] in ("376", "422"):
            self.send(f"JOIN #load{self._number}")
        elif words[1] == "366" and not self.joined.done():
            self.joined.set_result(None)
        elif words[1] in ("400", "FAIL"):
            print(" ".join(words), file=sys.stderr)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"client {self._number} was turned away"))


class Run:
    """One load, from its first message to its last echo."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._clients: list[Client] = []
        self._begun = 0.0
        self._sent = 0
        self._latencies: list[float] = []
        self._echoed = [0] * load.clients
        self._in_order = True

    async def connect(self) -> None:
        load, loop = self._load, asyncio.get_running_loop()
        context = ssl.create_default_context(cafile=load.authority)
        context.load_cert_chain(load.certificate)
        for number in range(load.clients):
            _, client = await loop.create_connection(
                lambda number=number: Client(number, self._take),  # type: ignore[misc]
                "127.0.0.1",
                load.port,
                ssl=context,
                server_hostname="localhost",
            )
            self._clients.append(client)
        await asyncio.wait_for(asyncio.gather(*(each.joined for each in self._clients)), _CONNECT)

    async def offer(self) -> Outcome:
        load = self._load
        own, server = time.process_time(), cpu_seconds(load.pid)
        self._begun = time.perf_counter()
        total = int(load.rate * load.seconds)
        while self._sent < total:
            due = min(total, int((time.perf_counter() - self._begun) * load.rate) + 1)
            for number in range(self._sent, due):
                self._clients[number % load.clients].say(number // load.clients)
            self._sent = due
            await asyncio.sleep(_TICK)
        end = time.perf_counter() + _LINGER
        while len(self._latencies) < total and time.perf_counter() < end:
            await asyncio.sleep(_TICK)
        elapsed = time.perf_counter() - self._begun
        return Outcome(
            self._sent,
            self._echoed,
            self._in_order,
            elapsed,
            1000 * report.percentile(self._latencies, 0.5),
            1000 * report.percentile(self._latencies, 0.99),
            cpu_seconds(load.pid) - server,
            time.process_time() - own,
        )

    def _take(self, client: int, number: int) -> None:
        due = self._begun + (number * self._load.clients + client) / self._load.rate
        self._latencies.append(time.perf_counter() - due)
        self._in_order &= number == self._echoed[client]
        self._echoed[client] += 1


def cpu_seconds(pid: int) -> float:
    """Return what a process has used, to a nanosecond where the kernel tells so."""
    nanoseconds = Path(f"/proc/{pid}/schedstat")
    threads = Path(f"/proc/{pid}/task").iterdir()
    if nanoseconds.exists():
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def _main() -> None:
    run = Run(Load(**json.loads(sys.stdin.readline())))
    await run.connect()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(await run.offer())), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    asyncio.run(_main())
