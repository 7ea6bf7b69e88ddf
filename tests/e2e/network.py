"""A network in memory: a directory as the protocol has it, and devices that talk through it.

`Server` keeps to docs/encryption.md; a test makes it malicious by ``tamper``, which is given
each line on its way to a device, or by changing what it keeps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from os import urandom
from pathlib import Path
from typing import Any

from attrs import define, field
from cryptography.hazmat.primitives.asymmetric import ec

from chat.e2e import wire
from chat.e2e.canonical import read_object, to_bytes
from chat.e2e.effects import (
    Effect,
    Outcome,
    Plain,
    Readable,
    Reason,
    Sealed,
    Sending,
    Transmit,
    Waiting,
)
from chat.e2e.engine import Engine
from chat.e2e.envelope import TAG
from chat.e2e.vault import Vault, with_key
from chat.irc.message import Message, parse, serialize
from chat.pki.authority import Authority, Identity, issue_device, make_issuing, make_root, new_key

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = bytes(range(32))


@define
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@define
class Server:
    """The directory, rooms and history."""

    bundles: dict[str, bytes] = field(factory=dict)
    keys: dict[str, list[dict[str, Any]]] = field(factory=dict)
    fallback: dict[str, dict[str, Any]] = field(factory=dict)
    queues: dict[str, list[tuple[int, str, bytes]]] = field(factory=dict)
    position: int = 0
    rooms: dict[str, set[str]] = field(factory=dict)
    history: list[Message] = field(factory=list)
    given: list[str] = field(factory=list)
    sent_ids: set[str] = field(factory=set)
    devices: dict[str, Device] = field(factory=dict)
    assemblies: dict[str, wire.Assembly] = field(factory=dict)
    log: list[bytes] = field(factory=list)
    refuse: dict[str, str] = field(factory=dict)
    #: The authority's revocation lists, as PEM.
    lists: bytes = b""
    #: Subcommands that never arrive.
    lose: set[str] = field(factory=set)
    tamper: Callable[[Device, Message], list[Message]] = lambda device, message: [message]

    def to(self, device: Device, message: Message) -> None:
        for each in self.tamper(device, message):
            line = serialize(each)
            self.log.append(line)
            assert len(line) <= 8191 + 512
            device.lines.append(parse(line))

    def take(self, device: Device, message: Message) -> None:
        line = serialize(message)
        assert not message.tags or len(line.split(b" ")[0]) <= 4095, len(line)
        self.log.append(line)
        match message.command:
            case "E2E":
                self.directory(device, message)
            case _:
                self.relay(device, message)

    def relay(self, device: Device, message: Message) -> None:
        self.position += 1
        tags = {**message.tags, "account": device.account, "msgid": f"m{self.position}"}
        relayed = Message(message.command, message.params, device.account, tags)
        self.history.append(relayed)
        target = message.params[0]
        accounts = self.rooms.get(target, {target, device.account})
        for other in self.devices.values():
            if other.account in accounts and other.is_connected:
                self.to(other, relayed)

    def directory(self, device: Device, message: Message) -> None:
        subcommand, *params = message.params
        payload = None
        if subcommand in self.lose:
            return
        if subcommand in ("PUBLISH", "OTK", "SEND"):
            assembly = self.assemblies.setdefault(device.name, wire.Assembly())
            payload = assembly.add(message)
            if payload is None:
                return
        if subcommand in self.refuse:
            context = params[1] if subcommand == "SEND" else (params or ["*"])[0]
            self.to(device, Message("FAIL", ("E2E", self.refuse[subcommand], context, "No")))
            return
        match subcommand:
            case "PUBLISH":
                assert payload is not None
                self.bundles[device.name] = payload
                self.to(device, Message("E2E", ("PUBLISHED",)))
                self.changed(device.account, but=device)
            case "OTK":
                assert payload is not None
                for key in read_object(payload)["keys"]:
                    if key["kind"] == "fallback":
                        self.fallback[device.name] = key
                    else:
                        self.keys.setdefault(device.name, []).append(key)
                self.to(device, Message("E2E", ("OTK", str(len(self.keys[device.name])))))
            case "REVOCATIONS":
                if self.lists:
                    for line in wire.lines("REVOCATIONS", (), self.lists):
                        self.to(device, line)
            case "QUERY":
                self.query(device, params[0])
            case "CLAIM":
                self.claim(device, params[0])
            case "SEND":
                assert payload is not None
                if params[1] not in self.sent_ids:
                    self.sent_ids.add(params[1])
                    self.send(device.name, params[0], payload)
                self.to(device, Message("E2E", ("SENT", params[1])))
            case "ACK":
                queue = self.queues.get(device.name, [])
                self.queues[device.name] = [each for each in queue if each[0] > int(params[0])]

    def changed(self, account: str, but: Device | None = None) -> None:
        for other in self.devices.values():
            if other.is_connected and other is not but:
                self.to(other, Message("E2E", ("CHANGED", account)))

    def query(self, device: Device, target: str) -> None:
        accounts = self.rooms.get(target, {target})
        self.to(device, Message("BATCH", ("+q", "securechat/e2e", target)))
        for name, payload in self.bundles.items():
            if name.partition("/")[0] in accounts:
                for line in wire.lines("BUNDLE", (name,), payload):
                    self.to(device, line.tagged({"batch": "q"}))
        self.to(device, Message("BATCH", ("-q",)))

    def claim(self, device: Device, name: str) -> None:
        if self.keys.get(name):
            key = self.keys[name].pop(0)
            self.given.append(f"{name} {key['id']}")
        elif name in self.fallback:
            key = self.fallback[name]
        else:
            self.to(device, Message("FAIL", ("E2E", "NO_KEYS", name, "No keys")))
            return
        for line in wire.lines("KEY", (name,), to_bytes(key)):
            self.to(device, line)

    def send(self, sender: str, name: str, payload: bytes) -> None:
        self.position += 1
        entry = (self.position, sender, payload)
        self.queues.setdefault(name, []).append(entry)
        if name in self.devices and self.devices[name].is_connected:
            self.deliver(self.devices[name], entry)

    def deliver(self, device: Device, entry: tuple[int, str, bytes]) -> None:
        position, sender, payload = entry
        for line in wire.lines("DELIVER", (sender, str(position)), payload):
            self.to(device, line)


@define(eq=False)
class Device:
    """One device, its engine, and what it was shown."""

    identity: Identity
    engine: Engine
    vault: Vault
    server: Server
    clock: Clock
    key: ec.EllipticCurvePrivateKey
    chain: list[Any]
    is_connected: bool = False
    lines: deque[Message] = field(factory=deque)
    effects: list[Effect] = field(factory=list)
    heard: list[Plain | Sealed] = field(factory=list)
    #: Messages whose key has not come, read again when it does.
    unread: list[Message] = field(factory=list)
    #: Lines that the test drops: their commands.
    deaf_to: set[str] = field(factory=set)

    @property
    def name(self) -> str:
        return str(self.identity)

    @property
    def account(self) -> str:
        return self.identity.account

    def connect(self) -> None:
        self.is_connected = True
        self.lines.clear()
        self.do(self.engine.start())
        kept = len(self.server.keys.get(self.name, []))
        self.server.to(self, Message("E2E", ("OTK", str(kept))))
        for room, accounts in self.server.rooms.items():
            if self.account in accounts:
                self.do(self.engine.members_changed(room, accounts))
        for entry in self.server.queues.get(self.name, []):
            self.server.deliver(self, entry)

    def disconnect(self) -> None:
        self.is_connected = False
        self.lines.clear()

    def do(self, effects: list[Effect] | tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Readable):
                self.read_again()
            if not isinstance(effect, Transmit):
                self.effects.append(effect)
            elif self.is_connected:
                self.server.take(self, effect.message)

    def receive(self, message: Message) -> None:
        if message.command in self.deaf_to:
            return
        self.do(self.engine.received(message))
        if TAG in message.tags:
            found = self.hear(message)
            if found == Sealed(Reason.UNKNOWN_SESSION, getattr(found, "effects", ())):
                self.unread.append(message)

    def read_again(self) -> None:
        unread, self.unread = self.unread, []
        for message in unread:
            own = message.tags["account"] == self.account
            found = self.engine.decrypt(message, peer=message.params[0] if own else "")
            if isinstance(found, Plain):
                self.heard[self.heard.index(self.first_sealed())] = found
            else:
                self.unread.append(message)

    def first_sealed(self) -> Sealed:
        return next(each for each in self.heard if isinstance(each, Sealed))

    def hear(self, message: Message, *, historic: bool = False) -> Plain | Sealed:
        own = message.tags.get("account") == self.account
        peer = message.params[0] if own else ""
        found = self.engine.decrypt(message, peer=peer, historic=historic)
        self.heard.append(found)
        if isinstance(found, Sealed):
            self.do(found.effects)
        return found

    @property
    def texts(self) -> list[str]:
        return [each.body for each in self.heard if isinstance(each, Plain)]

    @property
    def reasons(self) -> list[str]:
        return [each.reason.value for each in self.heard if isinstance(each, Sealed)]

    def told(self, kind: type) -> list[Any]:
        return [each for each in self.effects if isinstance(each, kind)]


@define
class Network:
    """An authority, a server, and devices of accounts."""

    directory: Path
    clock: Clock = field(factory=Clock)
    server: Server = field(factory=Server)
    root: Authority = field(init=False)
    issuing: Authority = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.root = make_root("Lab", self.clock.now)
        self.issuing = make_issuing(self.root, self.clock.now)

    def device(
        self, name: str, *, connected: bool = True, issuing: Authority | None = None
    ) -> Device:
        """Return a device, which has a certificate and is connected."""
        identity = Identity(*name.split("/"))
        key = new_key()
        signer = issuing or self.issuing
        chain = [issue_device(signer, key.public_key(), identity, self.clock.now)]
        device = self.open(identity, key, [*chain, signer.certificate])
        self.server.devices[name] = device
        if connected:
            device.connect()
            self.settle()
        return device

    def open(
        self,
        identity: Identity,
        key: ec.EllipticCurvePrivateKey,
        chain: list[Any],
        path: Path | None = None,
    ) -> Device:
        path = path or self.directory / f"{identity.account}-{identity.device}-{urandom(3).hex()}"
        vault = Vault.open(path, with_key(KEY), urandom)
        engine = Engine(
            vault,
            identity,
            key,
            chain,
            [self.root.certificate],
            clock=self.clock,
            random=urandom,
        )
        return Device(identity, engine, vault, self.server, self.clock, key, chain)

    def room(self, room: str, *accounts: str) -> None:
        """Have these accounts, and no others, in a room."""
        self.server.rooms[room] = set(accounts)
        for device in self.server.devices.values():
            if device.is_connected and device.account in accounts:
                device.do(device.engine.members_changed(room, accounts))

    def settle(self) -> None:
        """Have every line arrive."""
        for _ in range(10_000):
            waiting = [each for each in self.server.devices.values() if each.lines]
            if not waiting:
                return
            for device in waiting:
                device.receive(device.lines.popleft())
        raise AssertionError("lines go on and on")

    def encrypt(self, device: Device, target: str, body: str, kind: str = "message") -> Outcome:
        """Return what becomes of a message when all that it waits for has come."""
        for _ in range(5):
            outcome = device.engine.encrypt(target, kind, body)
            if not isinstance(outcome, Waiting):
                return outcome
            for line in outcome.lines:
                self.server.take(device, line)
            self.settle()
        return outcome

    def say(self, device: Device, target: str, body: str, kind: str = "message") -> Sending:
        """Send a message; everybody hears it."""
        outcome = self.encrypt(device, target, body, kind)
        assert isinstance(outcome, Sending), outcome
        for line in outcome.lines:
            self.server.take(device, line)
        self.settle()
        return outcome
