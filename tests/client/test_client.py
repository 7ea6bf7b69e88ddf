"""A client against a server over real TLS: refusals in words, and coming back."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import evolve
from OpenSSL import SSL
from twisted.internet import reactor as installed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from chat.client.annotating import react, redact
from chat.client.client import Client
from chat.client.connecting import backoff
from chat.client.events import (
    ClientEvent,
    Disconnected,
    Earlier,
    JoinedRoom,
    PasswordWanted,
    Registered,
    Rejected,
    Retrying,
    Secured,
)
from chat.client.history import NEEDED, Memory
from chat.client.outgoing import NotTakenError
from chat.client.profile import Choice, choose
from chat.irc.message import Message
from chat.pki.bundles import DeviceFiles
from chat.pki.files import read_certificates
from chat.server.tls import ServerTLS, TLSVersion
from tests.client.fake import PASSWORD, FakeServer, server_tls, until, write_profile
from tests.pki.networks import Network, now

reactor: Any = installed


class LiveTest(TestCase):
    """A network, its server, and clients of it."""

    def setUp(self) -> None:
        base = Path(self.mktemp())
        self.network = Network.make(base / "keys")
        self.other = Network.make(base / "other")
        self.events: list[ClientEvent] = []

    async def serve(self, server: FakeServer, tls: ServerTLS | None = None, port: int = 0) -> int:
        found = await server.listen(reactor, tls or server_tls(self.network), port)
        self.addCleanup(server.port.stopListening)
        return found

    def client(self, port: int, files: DeviceFiles | None = None, **keys: str) -> Client:
        directory = write_profile(self.network, files or self.network.device(), port, **keys)
        return self.start(Choice(str(directory)))

    def start(self, choice: Choice, **more: Any) -> Client:
        profile = choose(choice, Path("nowhere"))
        client = Client(profile, self.events.append, reactor, jitter=lambda: 0.0, **more)
        client.start()
        self.addCleanup(client.stop)
        return client

    def seen(self, kind: type[ClientEvent]) -> Any:
        return next((event for event in self.events if isinstance(event, kind)), None)

    async def rejection(self) -> str:
        await until(reactor, lambda: self.seen(Rejected))
        self.assertIsNone(self.seen(Secured))
        event = self.seen(Rejected)
        return f"{event.cause}: {event.remedy}"


class RefusalTest(LiveTest):
    async def test_certificates_that_the_server_refuses(self) -> None:
        revoked = self.network.device()
        self.network.revoke(read_certificates(revoked.combined)[0].serial_number)
        expired = self.network.device(at=now() - timedelta(days=2), lifetime=timedelta(days=1))
        old = TLSVersion.TLS12
        port = await self.serve(FakeServer())
        tls12 = server_tls(self.network, old)
        tls12.credentials.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        port12 = await self.serve(FakeServer(), tls12)
        for where in (port, port12):
            for files, words in (
                (revoked, "your certificate is revoked"),
                (expired, "your certificate ended on"),
                (self.other.device(), "does not know the authority"),
            ):
                self.events.clear()
                self.client(where, files)
                self.assertIn(words, await self.rejection())

    async def test_no_certificate(self) -> None:
        port = await self.serve(FakeServer())
        authority = self.network.layout.root_certificate
        self.start(Choice(host=f"localhost:{port}", authority=authority, account="alice"))
        self.assertIn("wants a certificate, and none was presented", await self.rejection())

    async def test_servers_that_we_refuse(self) -> None:
        port = await self.serve(FakeServer())
        names = "its certificate is for localhost, 127.0.0.1, ::1"
        for name in ("chat.example.org", "127.0.0.2"):
            self.events.clear()
            self.client(port, server_name=name)
            self.assertIn(f"the server is not {name}: {names}", await self.rejection())
        self.events.clear()
        foreign = await self.serve(FakeServer(), server_tls(self.other))
        self.client(foreign)
        self.assertIn("certificate of another authority than", await self.rejection())

    async def test_expired_server(self) -> None:
        port = await self.serve(FakeServer(), self.expired_server())
        self.client(port)
        self.assertIn("the certificate of localhost expired on", await self.rejection())

    def expired_server(self) -> ServerTLS:
        at = now() - timedelta(days=100)
        self.network = Network.make(Path(self.mktemp()), at=at)
        layout = self.network.layout
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(str(layout.server_certificate))
        context.use_privatekey_file(str(layout.server_key))
        tls = server_tls(self.other)
        tls.credentials = evolve(tls.credentials, context=context)
        return tls

    async def test_no_tls_at_all(self) -> None:
        class Plain(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b":irc.test NOTICE * :hello\r\n")

        factory = Factory.forProtocol(Plain)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        self.addCleanup(port.stopListening)
        self.client(port.getHost().port)
        self.assertIn("does not speak TLS", await self.rejection())

    async def test_wrong_password(self) -> None:
        port = await self.serve(FakeServer("PLAIN"))
        password = Path(self.mktemp())
        password.write_text("wrong")
        self.client(port, password_file=str(password.absolute()))
        self.assertIn("did not accept the password of alice", await self.rejection())


class ConnectionTest(LiveTest):
    async def test_by_name_and_by_address(self) -> None:
        port = await self.serve(FakeServer())
        for name in ("localhost", "127.0.0.1"):
            self.events.clear()
            self.client(port, server_name=name)
            await until(reactor, lambda: self.seen(Registered))
            self.assertEqual(self.seen(Registered), Registered("alice", "alice"))
            self.assertEqual(
                (self.seen(Secured).server_name, self.seen(Secured).version), (name, "TLSv1.3")
            )

    async def test_password_is_asked_for(self) -> None:
        port = await self.serve(FakeServer("PLAIN"))
        client = self.client(port)
        await until(reactor, lambda: self.seen(PasswordWanted))
        client.start(PASSWORD)
        await until(reactor, lambda: self.seen(Registered))

    async def test_a_password_that_is_wrong_is_asked_for_again(self) -> None:
        client = self.client(await self.serve(FakeServer("PLAIN")))
        await until(reactor, lambda: self.seen(PasswordWanted))
        client.start("wrong")
        await until(reactor, lambda: self.seen(Rejected))
        self.events.clear()
        client.start()
        await until(reactor, lambda: self.seen(PasswordWanted))
        client.start(PASSWORD)
        await until(reactor, lambda: self.seen(Registered))

    async def test_comes_back(self) -> None:
        """The server goes away and returns: the client is in its rooms again."""
        server = FakeServer()
        port = await self.serve(server)
        client = self.client(port)
        await until(reactor, lambda: self.seen(Registered))
        self.assertTrue(client.send(Message("JOIN", ("#lab",))))
        await until(reactor, lambda: self.seen(JoinedRoom))
        self.events.clear()
        await server.stop(reactor)
        await until(reactor, lambda: self.seen(Retrying))
        self.assertIsNotNone(self.seen(Disconnected))
        self.assertFalse(client.send(Message("NAMES", ("#lab",))))
        returned = FakeServer()
        await self.serve(returned, port=port)
        await until(reactor, lambda: self.seen(JoinedRoom))
        self.assertEqual(returned.of("JOIN"), [("#lab",)])

    async def test_quits(self) -> None:
        server = FakeServer()
        client = self.client(await self.serve(server))
        await until(reactor, lambda: self.seen(Registered))
        await client.stop("bye")
        self.assertEqual(server.of("QUIT"), [("bye",)])
        self.assertIsNone(self.seen(Retrying))

    async def test_unreachable(self) -> None:
        server = FakeServer()
        port = await self.serve(server)
        await server.stop(reactor)
        self.client(port)
        await until(reactor, lambda: self.seen(Retrying))
        self.assertIn("nobody listens there", self.seen(Disconnected).reason)


class ConversationTest(LiveTest):
    """What a client has the server know, beside what it says."""

    async def connect(self, capabilities: str, **more: Any) -> Client:
        self.server = FakeServer(capabilities=capabilities)
        port = await self.serve(self.server)
        directory = write_profile(self.network, self.network.device(), port)
        client = self.start(Choice(str(directory)), **more)
        self.assertFalse(client.earlier("#lab", None))
        await until(reactor, lambda: self.seen(Registered))
        return client

    async def test_it_begins_where_another_ended(self) -> None:
        memory = Memory(heard=datetime(2026, 1, 1, tzinfo=UTC))
        capabilities = " ".join(sorted(NEEDED | {"draft/read-marker"}))
        client = await self.connect(capabilities, memory=memory, rooms={"#lab": "key", "#hall": ""})
        self.assertIs(client.memory, memory)
        await until(reactor, lambda: self.server.of("CHATHISTORY"))
        self.assertEqual(self.server.of("JOIN"), [("#lab", "key"), ("#hall",)])
        (subcommand, since, *_), *_ = self.server.of("CHATHISTORY")
        self.assertEqual((subcommand, since), ("TARGETS", "timestamp=2025-12-31T23:59:59.000Z"))
        self.assertTrue(client.earlier("#lab", None))
        self.assertFalse(client.earlier("#lab", None))
        client.read("#lab", datetime(2026, 1, 1, tzinfo=UTC))
        await until(reactor, lambda: self.server.of("MARKREAD"))
        # This server answers PING alone.
        await until(reactor, lambda: self.seen(Earlier))
        self.assertEqual(self.seen(Earlier), Earlier("#lab", (), True))

    async def test_typing(self) -> None:
        client = await self.connect("message-tags echo-message")
        client.typing("#lab", active=True)
        client.typing("#lab", active=True)
        client.typing("bob", active=True)
        client.deliver(Message("PRIVMSG", ("bob", "hi")))
        client.typing("bob", active=False)
        await until(reactor, lambda: self.server.of("PRIVMSG"))
        told = [m for m in self.server.received if m.command == "TAGMSG"]
        self.assertEqual([m.params for m in told], [("#lab",), ("bob",)])
        self.assertEqual({m.tags["+typing"] for m in told}, {"active"})

    async def test_a_server_that_cannot(self) -> None:
        client = await self.connect("server-time")
        self.assertFalse(client.earlier("#lab", None))
        for message in (react("#lab", "m", "x"), redact("#lab", "m")):
            with self.assertRaisesRegex(NotTakenError, "nothing was sent"):
                client.deliver(message)
        client.typing("#lab", active=True)
        client.read("#lab", datetime(2026, 1, 1, tzinfo=UTC))
        client.deliver(Message("PRIVMSG", ("bob", "hi")))
        await until(reactor, lambda: self.server.of("PRIVMSG"))
        self.assertEqual(self.server.of("TAGMSG") + self.server.of("MARKREAD"), [])


class ResumptionTest(LiveTest):
    async def connect(self) -> None:
        self.server = FakeServer()
        self.tls = server_tls(self.network, resumes=True)
        self.running = self.client(await self.serve(self.server, self.tls))
        await until(reactor, lambda: self.seen(Registered))

    async def come_back(self, lose: Callable[[Any], None]) -> bool:
        """Have the server end the connection; return whether the next one resumed its session."""
        (session,) = self.server.sessions
        self.assertTrue(session.transport.getHandle().has_verified)
        self.events.clear()
        lose(session.transport)
        await until(reactor, lambda: self.seen(Registered))
        self.lost = self.seen(Disconnected)
        (session,) = self.server.sessions
        return not session.transport.getHandle().has_verified

    async def test_closed(self) -> None:
        await self.connect()
        self.assertTrue(await self.come_back(lambda transport: transport.loseConnection()))
        self.assertGreater(self.seen(Secured).server_expires, now())
        self.assertEqual(self.lost.reason, "the server closed the connection")

    async def test_broken(self) -> None:
        """A connection that breaks is the one to come back from."""
        await self.connect()
        self.assertTrue(await self.come_back(lambda transport: transport.abortConnection()))

    async def test_cut_off(self) -> None:
        """The connection of TCP ends, and that of TLS said nothing."""
        await self.connect()
        self.assertTrue(
            await self.come_back(
                lambda transport: transport.getHandle().sock_shutdown(socket.SHUT_RDWR)
            )
        )
        self.assertEqual(self.lost.reason, "the connection was lost")

    async def test_given_up(self) -> None:
        """We break off ourselves, as after a long silence of the server."""
        await self.connect()
        self.assertTrue(await self.come_back(lambda _: self.running._protocol.abort()))

    async def test_other_keys(self) -> None:
        """A ticket that the server cannot read any more costs a full handshake, and no attempt."""
        await self.connect()
        self.tls.rotate_ticket_keys()
        self.assertFalse(await self.come_back(lambda transport: transport.loseConnection()))
        self.assertIsNone(self.seen(Rejected))

    async def test_revoked_meanwhile(self) -> None:
        await self.connect()
        own = self.running._tls.credentials.certificates[0]
        self.network.revoke(own.serial_number)
        self.tls.reload(now())
        (session,) = self.server.sessions
        session.transport.loseConnection()
        await until(reactor, lambda: self.seen(Rejected))
        self.assertEqual(self.seen(Rejected).cause, "your certificate is revoked")

    async def test_not_beyond_the_end_of_a_certificate(self) -> None:
        await self.connect()
        tls = self.running._tls
        tls._kept = evolve(tls._kept, until=now())
        self.assertFalse(await self.come_back(lambda transport: transport.loseConnection()))


class BackoffTest(TestCase):
    def test_grows_to_a_limit(self) -> None:
        shortest = [backoff(attempt, 0.0) for attempt in (1, 2, 3, 7, 1000)]
        self.assertEqual(shortest, [0.5, 1.0, 2.0, 30.0, 30.0])
        self.assertEqual(backoff(1000, 1.0), 60.0)
