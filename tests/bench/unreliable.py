"""An IRC server that loses, repeats or exchanges messages, to see that benchmarks notice."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from tests.support.servers import Home

#: What is sent to each member in place of a message, which knows how many came before it.
Mistake = Callable[[int, bytes], list[bytes]]


class _Room:
    """All clients are in it."""

    def __init__(self, mistake: Mistake) -> None:
        self._mistake = mistake
        self._members: list[asyncio.StreamWriter] = []
        self._count = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._members.append(writer)
        while line := await reader.readline():
            match line.split():
                case [b"NICK", nick]:
                    writer.write(b":server 001 %s :welcome\r\n" % nick)
                case [b"PING", token]:
                    writer.write(b":server PONG server %s\r\n" % token)
                case [b"JOIN", room]:
                    for member in self._members:
                        member.write(b":somebody JOIN %s\r\n" % room)
                case [b"PRIVMSG", *_]:
                    for said in self._mistake(self._count, line):
                        for member in self._members:
                            if member is not writer:
                                member.write(b":somebody " + said)
                    self._count += 1


@contextmanager
def unreliable(home: Home, mistake: Mistake) -> Iterator[int]:
    """Run one with the keys of a network, in a thread; gives its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    keys = home.directory / "keys"
    context.load_cert_chain(keys / "server.crt", keys / "server.key")
    room = _Room(mistake)
    port: Future[int] = Future()
    over = asyncio.Event()

    async def run() -> None:
        server = await asyncio.start_server(room.serve, "127.0.0.1", 0, ssl=context)
        port.set_result(server.sockets[0].getsockname()[1])
        await over.wait()

    loop = asyncio.new_event_loop()

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = Thread(target=serve)
    thread.start()
    try:
        yield port.result(5)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
