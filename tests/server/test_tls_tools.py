"""The transport on a port, with the operating system's openssl and gnutls-cli as its clients."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any, ClassVar

from twisted.internet import reactor as installed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, TestCase
from zope.interface import implementer

from chat.server.listening import listen_tls
from chat.server.tls import TLSVersion
from chat.server.tls_transport import TLSTransport
from tests.client.fake import until
from tests.pki.networks import Network
from tests.server.tls_peers import server

reactor: Any = installed

#: A megabyte of lines that are all different.
BURST = b"".join(b"%015d\n" % number for number in range(65_536))


@implementer(IHandshakeListener)
class Echo(Protocol):
    """Says back what it hears."""

    transport: TLSTransport

    def __init__(self) -> None:
        self.handshakes = 0
        self.reasons: list[type[BaseException] | None] = []

    def handshakeCompleted(self) -> None:
        self.handshakes += 1

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"<" + data.strip() + b">\n")

    def connectionLost(self, reason: Failure) -> None:
        self.reasons.append(reason.type)


class Echoes(Factory):
    noisy = False

    def __init__(self) -> None:
        self.made: list[Echo] = []

    def buildProtocol(self, addr: object) -> Echo:
        self.made.append(Echo())
        return self.made[-1]


class Program(ProcessProtocol):
    """A client in a process of its own."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.has_ended = False

    def outReceived(self, data: bytes) -> None:
        self.output += data

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self.has_ended = True


class ToolCase:
    """What holds for every client; the classes below say how each is run."""

    program: ClassVar[str]
    #: Options for what the client is told on its input to mean a command, and for small records.
    commands: ClassVar[tuple[str, ...]]
    small: ClassVar[tuple[str, ...]]
    #: The commands, and what the client says of them.
    update_keys: ClassVar[bytes]
    updated: ClassVar[bytes]
    renegotiate: ClassVar[bytes]
    refusal: ClassVar[bytes]

    def setUp(self) -> None:
        found = shutil.which(self.program)
        if found is None:
            raise SkipTest(f"needs {self.program}")
        self.path = found
        self.network = Network.make(Path(self.mktemp()))
        self.pem = str(self.network.device().combined)
        self.root = str(self.network.layout.root_certificate)

    def arguments(self, port: int, minimum: TLSVersion, *, is_quiet: bool) -> list[str]:
        raise NotImplementedError

    async def connect(
        self, *more: str, minimum: TLSVersion = TLSVersion.TLS13, is_quiet: bool = False
    ) -> None:
        factory = Echoes()
        port = listen_tls(0, factory, server(self.network.layout, minimum), "127.0.0.1", reactor)
        self.addCleanup(port.stopListening)
        self.client = Program()
        arguments = self.arguments(port.getHost().port, minimum, is_quiet=is_quiet)
        reactor.spawnProcess(self.client, self.path, [self.path, *arguments, *more], os.environ)
        self.addCleanup(self._end)
        await until(reactor, lambda: factory.made and factory.made[0].handshakes)
        (self.echo,) = factory.made

    async def _end(self) -> None:
        if not self.client.has_ended:
            self.client.transport.signalProcess("KILL")
        await until(reactor, lambda: self.client.has_ended and self.echo.reasons)

    async def say(self, line: bytes) -> None:
        """Have the client say a line, and wait until the echo is there."""
        self.client.transport.write(line + b"\n")
        await until(reactor, lambda: b"<" + line + b">" in self.client.output)

    async def test_keys_are_updated(self) -> None:
        """RFC 8446, 4.6.3: "then the receiver MUST send a KeyUpdate of its own"."""
        await self.connect(*self.commands)
        for number in range(3):
            await self.say(b"before %d" % number)
            self.client.transport.write(self.update_keys)
            await until(reactor, lambda: self.client.output.count(self.updated) > number)  # noqa: B023
            await self.say(b"behind %d" % number)
        self.assertEqual(self.echo.reasons, [])

    async def test_renegotiation_is_refused(self) -> None:
        """RFC 9325, 3.5: what TLS 1.3 has no more is not to be had in TLS 1.2 either."""
        await self.connect(*self.commands, minimum=TLSVersion.TLS12)
        await self.say(b"before")
        self.client.transport.write(self.renegotiate)
        await until(reactor, lambda: self.refusal in self.client.output)
        self.assertEqual(self.echo.handshakes, 1)

    async def test_a_megabyte_to_a_stalled_reader(self) -> None:
        await self.connect(is_quiet=True)
        await self.say(b"hello")
        self.client.transport.signalProcess(SIGSTOP)
        count = 0
        # The kernel alone holds several of them.
        while self.echo.transport not in reactor.getWriters():
            self.echo.transport.write(BURST)
            count += 1
        self.echo.transport.write(b"end")
        self.client.transport.signalProcess(SIGCONT)
        await until(reactor, lambda: self.client.output.endswith(b"end"))
        self.assertIn(BURST * count, self.client.output)

    async def test_small_records(self) -> None:
        """A client may ask for records that carry less than what is written (RFC 6066, 4)."""
        await self.connect(*self.small, is_quiet=True)
        self.echo.transport.write(BURST)
        self.echo.transport.write(b"end")
        await until(reactor, lambda: self.client.output.endswith(b"end"))
        self.assertIn(BURST, self.client.output)

    async def test_the_client_takes_its_leave(self) -> None:
        await self.connect()
        await self.say(b"hello")
        self.client.transport.closeStdin()
        await until(reactor, lambda: self.client.has_ended and self.echo.reasons)
        self.assertEqual(self.echo.reasons, [ConnectionDone])

    async def test_the_server_takes_its_leave(self) -> None:
        await self.connect(is_quiet=True)
        await self.say(b"hello")
        self.echo.transport.write(BURST)
        self.echo.transport.loseConnection()
        await until(reactor, lambda: self.client.has_ended and self.echo.reasons)
        self.assertIn(BURST, self.client.output)
        self.assertEqual(self.echo.reasons, [ConnectionDone])

    async def test_the_client_is_killed(self) -> None:
        """The end of TCP without that of TLS is a loss: anybody on the way can make it."""
        await self.connect()
        await self.say(b"hello")
        self.client.transport.signalProcess("KILL")
        await until(reactor, lambda: self.echo.reasons)
        self.assertEqual(self.echo.reasons, [ConnectionLost])


class OpenSSLTests(ToolCase, TestCase):
    program = "openssl"
    commands = ()
    update_keys, renegotiate = b"K\n", b"R\n"
    updated = b"KEYUPDATE"
    refusal = b"no renegotiation"
    small = ("-maxfraglen", "512")

    def arguments(self, port: int, minimum: TLSVersion, *, is_quiet: bool) -> list[str]:
        version = "-tls1_2" if minimum is TLSVersion.TLS12 else "-tls1_3"
        arguments = ["s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", self.root, version]
        arguments += ["-cert", self.pem, "-cert_chain", self.pem, "-key", self.pem]
        return [*arguments, "-quiet"] if is_quiet else arguments


class GnuTLSTests(ToolCase, TestCase):
    program = "gnutls-cli"
    commands = ("--inline-commands",)
    update_keys, renegotiate = b"^rekey^\n", b"^renegotiate^\n"
    updated = b"Rekey was completed"
    refusal = b"No renegotiation is allowed"
    small = ("--recordsize", "512")

    def arguments(self, port: int, minimum: TLSVersion, *, is_quiet: bool) -> list[str]:
        version = "NORMAL:-VERS-ALL:+VERS-TLS1." + minimum.value[-1]
        arguments = ["--x509cafile", self.root, "--priority", version, "-p", str(port)]
        return [*arguments, "--x509certfile", self.pem, "--x509keyfile", self.pem, "localhost"]
