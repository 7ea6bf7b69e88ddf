"""A small IRC server over mutual TLS, which remembers what it was sent."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineReceiver

from chat.irc.message import Message, parse, serialize_limited
from chat.pki.bundles import DeviceFiles
from chat.server.listening import listen_tls
from chat.server.tls import ServerTLS, TLSFiles, TLSVersion
from tests.pki.networks import Network, now

PASSWORD = "correct horse"


def server_tls(
    network: Network, minimum: TLSVersion = TLSVersion.TLS13, *, resumes: bool = False
) -> ServerTLS:
    layout = network.layout
    files = TLSFiles(
        layout.server_certificate, layout.server_key, layout.authorities, layout.revocations
    )
    return ServerTLS(files, minimum, now(), resumes=resumes)


def write_profile(network: Network, files: DeviceFiles, port: int, **keys: str) -> Path:
    """Make the directory of a device's files the profile of a server on ``port``."""
    values = {
        "address": f"127.0.0.1:{port}",
        "server_name": "localhost",
        "account": files.identity.account,
        "certificate": files.combined.name,
        "authority": files.authority.name,
    } | keys
    files.authority.write_bytes(network.layout.root_certificate.read_bytes())
    text = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    (files.directory / "profile.toml").write_text(text)
    return files.directory


class FakeSession(LineReceiver):
    delimiter = b"\r\n"
    nick = "*"

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.mechanism = ""

    def connectionMade(self) -> None:
        self.server.sessions.append(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.server.sessions.remove(self)

    def say(self, command: str, *params: str, source: str = "irc.test") -> None:
        self.transport.write(serialize_limited(Message(command, params, source)))

    def lineReceived(self, line: bytes) -> None:
        message = parse(line)
        self.server.received.append(message)
        handler = getattr(self, f"on_{message.command.lower()}", None)
        if handler is not None:
            handler(*message.params)

    def on_cap(self, subcommand: str, *params: str) -> None:
        if subcommand == "LS":
            self.say("CAP", "*", "LS", f"{self.server.capabilities} sasl={self.server.mechanisms}")
        elif subcommand == "REQ":
            self.say("CAP", "*", "ACK", params[0])
        elif subcommand == "END" and self.server.welcomes:
            self.say("001", self.nick, "Welcome")
            self.say("005", self.nick, "CASEMAPPING=ascii", "CHANTYPES=#", "are supported")
            self.say("422", self.nick, "MOTD file is missing")

    def on_authenticate(self, word: str) -> None:
        if not self.mechanism:
            self.mechanism = word
            self.say("AUTHENTICATE", "+")
        elif word == "+" or base64.b64decode(word).endswith(b"\0" + PASSWORD.encode()):
            self.say("900", "*", "*", self.nick, "You are now logged in")
            self.say("903", "*", "SASL authentication successful")
        else:
            self.say("904", "*", "SASL authentication failed")

    def on_nick(self, nick: str) -> None:
        self.nick = nick

    def on_ping(self, token: str) -> None:
        self.say("PONG", "irc.test", token)

    def on_join(self, room: str, *key: str) -> None:
        self.say("JOIN", room, source=f"{self.nick}!u@host")
        self.say("353", self.nick, "=", room, f"@{self.nick} bob")
        self.say("366", self.nick, room, "End of NAMES list")

    def on_privmsg(self, target: str, text: str) -> None:
        self.say("PRIVMSG", target, text, source=f"{self.nick}!u@host")

    def on_quit(self, *reason: str) -> None:
        self.say("ERROR", "Closing link: quit")
        self.transport.loseConnection()


class FakeServer(Factory):
    noisy = False
    port: IListeningPort

    def __init__(
        self,
        mechanisms: str = "PLAIN,EXTERNAL",
        *,
        welcomes: bool = True,
        capabilities: str = "server-time echo-message",
    ) -> None:
        self.capabilities = capabilities
        self.mechanisms = mechanisms
        self.welcomes = welcomes
        self.received: list[Message] = []
        self.sessions: list[FakeSession] = []

    def buildProtocol(self, addr: object) -> FakeSession:
        return FakeSession(self)

    def commands(self) -> list[str]:
        return [message.command for message in self.received]

    def of(self, command: str) -> list[tuple[str, ...]]:
        return [message.params for message in self.received if message.command == command]

    async def listen(self, reactor: Any, tls: ServerTLS, port: int = 0) -> int:
        self.port = listen_tls(port, self, tls, "127.0.0.1", reactor)
        return int(self.port.getHost().port)

    async def stop(self, reactor: Any) -> None:
        """Stop listening, and wait until nobody is connected."""
        await maybeDeferred(self.port.stopListening)
        for session in list(self.sessions):
            session.transport.abortConnection()
        await until(reactor, lambda: not self.sessions)


async def until(reactor: Any, condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    end = reactor.seconds() + seconds
    while not condition():
        if reactor.seconds() > end:
            raise AssertionError("the condition did not come to hold in time")
        await deferLater(reactor, 0.01)
