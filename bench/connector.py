"""Connections: a process of its own, so that it does not share the server's interpreter.

``python -m bench.connector`` reads an `Order` as one line of JSON, and for each line on
standard input that follows makes that many connections; or, for a storm, has as many
clients stay connected and come back whenever the connection ends, and for each line
waits until all of them are registered.  Each time it prints a `Done` as one line of JSON.
It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from attrs import asdict, frozen

from bench import report
from bench.generator import cpu_seconds

#: Connections at the same time: enough for the server never to wait for us.
_AT_ONCE = 4
#: Seconds for one connection, and for a whole storm.
_PATIENCE, _STORM = 30.0, 300.0
#: Seconds that a client of a storm waits at most before it tries again: all come at once.
_AGAIN = 0.5


@frozen
class Order:
    """Whom to connect to as whom, and how."""

    port: int
    authority: str
    certificate: str
    #: Whether each connection but the first resumes the session of the one before.
    resuming: bool = False
    #: How many clients stay connected; 0 for connections that end at once.
    storm: int = 0


@frozen
class Done:
    """What came of it; latencies in milliseconds, CPU in seconds of one CPU."""

    seconds: float
    p50: float
    p99: float
    resumed: int
    #: How often a connection was ended before it was registered.
    turned_away: int
    server_cpu: float
    own_cpu: float


def _context(order: Order) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=order.authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(order.certificate)
    return context


class _Chain:
    """Connections one after the other, each with the ticket of the one before."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._context = _context(order)
        self._session: ssl.SSLSession | None = None

    def connect(self, count: int) -> tuple[list[float], int]:
        """Return how long each took until the server's first line, and how many resumed."""
        taken, resumed = [], 0
        for _ in range(count):
            begun = time.perf_counter()
            resumed += self._connect()
            taken.append(time.perf_counter() - begun)
        return taken, resumed

    def _connect(self) -> bool:
        with (
            socket.create_connection(("127.0.0.1", self._order.port), _PATIENCE) as tcp,
            self._context.wrap_socket(
                tcp, server_hostname="localhost", session=self._session
            ) as line,
        ):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # In TLS 1.3 only an answer shows that the server is done, and brings the tickets.
            line.sendall(b"CAP LS 302\r\n")
            if b"CAP " not in line.recv(4096):
                raise ConnectionError("the server does not answer as IRC does")
            if self._order.resuming:
                self._session = line.session
            return bool(line.session_reused)


class _Client(asyncio.Protocol):
    """A client of the storm, until its connection ends."""

    def __init__(self, number: int, ended: asyncio.Future[None]) -> None:
        self.is_registered = False
        self._number = number
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        nick = f"storm{self._number}"
        transport.write(f"NICK {nick}\r\nUSER {nick} 0 * :storm\r\n".encode())

    def data_received(self, data: bytes) -> None:
        if b" 001 " in data:
            self.is_registered = True
        if data.startswith(b"PING") or b"\nPING" in data:
            self.transport.write(
                b"PONG " + data.partition(b"PING ")[2].partition(b"\r")[0] + b"\r\n"
            )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


class _Storm:
    """Clients that come back as soon as they can."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._context = _context(order)
        self._clients: dict[int, _Client] = {}
        self._turned_away = 0
        self._stays = [asyncio.ensure_future(self._stay(n)) for n in range(order.storm)]

    async def _stay(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            ended: asyncio.Future[None] = loop.create_future()
            try:
                _, client = await loop.create_connection(
                    lambda ended=ended: _Client(number, ended),  # type: ignore[misc]
                    "127.0.0.1",
                    self._order.port,
                    ssl=self._context,
                    server_hostname="localhost",
                    ssl_handshake_timeout=_STORM,
                )
            except ConnectionRefusedError:
                pass
            except OSError:
                self._turned_away += 1
            else:
                self._clients[number] = client
                await ended
                del self._clients[number]
                self._turned_away += not client.is_registered
            await asyncio.sleep(random.random() * _AGAIN)

    @property
    def _registered(self) -> int:
        return sum(client.is_registered for client in self._clients.values())

    async def wait(self, pid: int) -> Done:
        """Wait until all are registered, from now on."""
        begun, own, turned_away = time.perf_counter(), time.process_time(), self._turned_away
        cpu = cpu_seconds(pid)
        at: list[float] = []
        while self._registered < self._order.storm:
            if time.perf_counter() - begun > _STORM:
                break
            await asyncio.sleep(0.01)
            at += [time.perf_counter() - begun] * (self._registered - len(at))
        return Done(
            time.perf_counter() - begun,
            1000 * report.percentile(at, 0.5),
            1000 * report.percentile(at, 0.99),
            0,
            self._turned_away - turned_away,
            cpu_seconds(pid) - cpu,
            time.process_time() - own,
        )


def _tell(line: str) -> None:
    print(line, flush=True)


def _connect(order: Order) -> None:
    chains = [_Chain(order) for _ in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        _tell("ready")
        for line in sys.stdin:
            count, pid = map(int, line.split())
            begun, own, server = time.perf_counter(), time.process_time(), cpu_seconds(pid)
            each = list(threads.map(lambda chain: chain.connect(count // _AT_ONCE), chains))  # noqa: B023
            seconds = time.perf_counter() - begun
            taken = [one for some, _ in each for one in some]
            done = Done(
                seconds,
                1000 * report.percentile(taken, 0.5),
                1000 * report.percentile(taken, 0.99),
                sum(resumed for _, resumed in each),
                0,
                cpu_seconds(pid) - server,
                time.process_time() - own,
            )
            _tell(json.dumps(asdict(done)))


async def _storm(order: Order) -> None:
    storm = _Storm(order)
    _tell("ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        _, pid = map(int, line.split())
        _tell(json.dumps(asdict(await storm.wait(pid))))


if __name__ == "__main__":
    _order = Order(**json.loads(sys.stdin.readline()))
    if _order.storm:
        asyncio.run(_storm(_order))
    else:
        _connect(_order)
