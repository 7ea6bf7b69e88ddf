"""The proxy over real sockets: plaintext in, mutual TLS out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase

from chat.client.listening import ListenError, Place, parse_place
from chat.client.profile import Choice, choose
from chat.client.proxy import Proxy
from chat.pki.bundles import DeviceFiles
from chat.server.listening import listen_tls
from tests.client.fake import server_tls, until, write_profile
from tests.pki.networks import Network

reactor: Any = installed


class Gatherer(Protocol):
    """Remembers what comes."""

    def __init__(self) -> None:
        self.data = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = True


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Flood(Protocol):
    """Produces without end, as fast as it is taken."""

    produced = 0

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        type(self).produced += 65536
        self.transport.write(b"x" * 65536)

    def stopProducing(self) -> None:
        pass


class ProxyTest(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.clients: list[Gatherer] = []

    async def listen(self, factory: Any) -> int:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def serve(self, protocol: type[Protocol]) -> int:
        factory = Factory.forProtocol(protocol)
        factory.noisy = False
        port = listen_tls(0, factory, server_tls(self.network), "127.0.0.1", reactor)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def proxy(self, server: int, files: DeviceFiles | None = None) -> int:
        directory = write_profile(self.network, files or self.network.device(), server)
        return await self.listen(Proxy(choose(Choice(str(directory)), Path()), reactor))

    async def connect(self, port: int) -> Gatherer:
        client = Gatherer()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), client)
        self.clients.append(client)
        self.addCleanup(until, reactor, lambda: client.lost)
        self.addCleanup(client.transport.abortConnection)
        return client

    async def test_transparent_and_many_at_once(self) -> None:
        port = await self.proxy(await self.serve(Echo))
        data = bytes(range(256)) * 2000
        clients = [await self.connect(port) for _ in range(50)]
        for number, client in enumerate(clients):
            client.transport.write(b"%d " % number + data)  # before TLS stands
        for number, client in enumerate(clients):
            wanted = b"%d " % number + data
            await until(reactor, lambda c=client, w=wanted: len(c.data) >= len(w))
            self.assertEqual(client.data, wanted)

    async def test_refusal_is_an_error_in_irc(self) -> None:
        foreign = Network.make(Path(self.mktemp())).device()
        port = await self.proxy(await self.serve(Echo), foreign)
        client = await self.connect(port)
        client.transport.write(b"CAP LS 302\r\nNICK alice\r\n")
        await until(reactor, lambda: client.lost)
        self.assertEqual(client.data[:7], b"ERROR :")
        self.assertIn(b"does not know the authority", client.data)

    async def test_unreachable(self) -> None:
        client = await self.connect(await self.proxy(1))
        client.transport.write(b"NICK alice\r\n")
        await until(reactor, lambda: client.lost)
        self.assertEqual(client.data, b"ERROR :Cannot reach 127.0.0.1:1: nobody listens there\r\n")

    async def test_either_side_ends_the_other(self) -> None:
        ended: list[Protocol] = []

        class Server(Protocol):
            def dataReceived(self, data: bytes) -> None:
                self.transport.write(b"bye")
                self.transport.loseConnection()

            def connectionLost(self, reason: Any = None) -> None:
                ended.append(self)

        port = await self.proxy(await self.serve(Server))
        client = await self.connect(port)
        client.transport.write(b"QUIT\r\n")
        await until(reactor, lambda: client.lost)
        self.assertEqual(client.data, b"bye")
        other = await self.connect(port)
        other.transport.loseConnection()
        await until(reactor, lambda: len(ended) == 2)

    async def test_back_pressure(self) -> None:
        """A program that does not read stops the server from sending."""
        Flood.produced = 0
        client = await self.connect(await self.proxy(await self.serve(Flood)))
        client.transport.pauseProducing()
        produced = -1
        while produced != Flood.produced or not produced:
            produced = Flood.produced
            await deferLater(reactor, 0.1)
        self.assertLess(Flood.produced, 64 * 1024 * 1024)
        stuck = Flood.produced
        client.transport.resumeProducing()
        await until(reactor, lambda: len(client.data) > stuck)

    async def test_unix_socket(self) -> None:
        directory = write_profile(self.network, self.network.device(), await self.serve(Echo))
        path = Path(self.mktemp()).absolute()
        place = Place(path=str(path))
        port = await place.endpoint(reactor).listen(
            Proxy(choose(Choice(str(directory)), Path()), reactor)
        )
        self.addCleanup(port.stopListening)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        client = Gatherer()
        await connectProtocol(UNIXClientEndpoint(reactor, str(path)), client)
        client.transport.write(b"hello")
        await until(reactor, lambda: client.data == b"hello")
        client.transport.loseConnection()
        await until(reactor, lambda: client.lost)


class PlaceTest(SynchronousTestCase):
    def test_loopback(self) -> None:
        for text in ("127.0.0.1:6667", "127.1.2.3:0", "[::1]:6667", "unix:/run/irc"):
            self.assertEqual(str(parse_place(text, insecure=False)), text)
        self.assertEqual(str(parse_place("localhost:1", insecure=False)), "127.0.0.1:1")

    def test_where_others_can_reach_it(self) -> None:
        for text in ("0.0.0.0:6667", "[::]:6667", "192.0.2.1:6667"):
            self.assertRaises(ListenError, parse_place, text, insecure=False)
            self.assertEqual(str(parse_place(text, insecure=True)), text)

    def test_malformed(self) -> None:
        for text in ("", "6667", "127.0.0.1", "host.example:1", "127.0.0.1:x", "127.0.0.1:70000"):
            self.assertRaises(ListenError, parse_place, text, insecure=True)
