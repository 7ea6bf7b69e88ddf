"""The core without a reactor: sessions, a log in memory, and the lines that they see."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256, sha512
from typing import Any

from attrs import evolve
from scramp import ScramMechanism
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from chat.features.e2e_queries import DirectoryQuery
from chat.features.feature import (
    AddAccount,
    CheckOperator,
    CheckPassword,
    FindAccount,
    FindEntry,
    MakeInvitation,
    Query,
    ReadFigures,
    ReadHistory,
    ReadTargets,
    Rehash,
    RevokeCertificates,
    SearchHistory,
    load,
)
from chat.features.scram import Challenge, JudgeProof, Keys, ScramKeys
from chat.irc import sasl
from chat.irc.casemap import CASEMAPPINGS
from chat.irc.message import parse
from chat.network.errors import UnavailableError
from chat.network.events import Entry, Event
from chat.network.figures import Figures, Spread
from chat.network.history import Page, Recent, layer_of
from chat.network.ids import EventId, Sequence, SessionId, Timestamp
from chat.network.records import Account, InvitationCode, NotInvited
from chat.network.search import Found, Search
from chat.network.session import Peer, Session
from chat.network.settings import AccountSettings, HistorySettings, Limits, Settings
from chat.network.state import Network
from chat.server.directory import Directory
from chat.server.hub import Hub
from chat.session.machine import SessionMachine
from tests.support.directory import InlineDatabase, inline_directory

FEATURES = load()
#: What the server brings to SCRAM: those of RFC 7677's example.
SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
CODE = "alice@irc.test:6697/abcd-efgh"
OPEN = AccountSettings(
    login="optional", identity="any", password="optional", nickname="any", registration="open"
)


class MemoryLog:
    """Applies at once, or with ``hold`` when `commit` is called; with ``away`` not at all."""

    def __init__(self) -> None:
        self.apply: Callable[[list[Entry]], None] = lambda entries: None
        self.stored: list[Entry] = []
        self.hold = False
        self.away = False
        self._held: list[tuple[tuple[Entry, ...], Callable[[str | None], None]]] = []

    def append(self, entries: tuple[Entry, ...], done: Callable[[str | None], None]) -> None:
        if self.away:
            done("The database is away")
        elif self.hold:
            self._held.append((entries, done))
        else:
            self._commit(entries)
            done(None)

    def commit(self) -> None:
        held, self._held = self._held, []
        for entries, _ in held:
            self._commit(entries)
        for _, done in held:
            done(None)

    def _commit(self, entries: tuple[Entry, ...]) -> None:
        placed = []
        for entry in entries:
            first = next((one for one in self.stored if one.uid == entry.uid), None)
            if first is not None:
                entry = evolve(entry, time=first.time, is_repeat=True)
            elif entry.event.stored:
                entry = evolve(entry, sequence=Sequence(len(self.stored) + 1))
                self.stored.append(entry)
            placed.append(entry)
        self.apply(placed)


class World:
    """One network with any number of clients."""

    def __init__(
        self,
        accounts: AccountSettings = OPEN,
        limits: Limits | None = None,
        motd: tuple[str, ...] = (),
        casemapping: str = "ascii",
        history: HistorySettings | None = None,
    ) -> None:
        self.clock = Clock()
        self.network = Network(CASEMAPPINGS[casemapping])
        self.settings = Settings(
            "Test Net",
            "irc.test",
            "securechat-test",
            Timestamp(1_700_000_000_000),
            motd,
            casemapping,
            accounts=accounts,
            limits=limits or Limits(flood=False),
            history=history or HistorySettings(),
        )
        self.log = MemoryLog()
        self.hub = Hub(self.clock, None, self.network, self.settings, FEATURES)
        self.log.apply = self.hub.apply
        self.accounts: dict[str, tuple[Account, str]] = {}
        self.proofs: list[JudgeProof] = []
        self.operators: dict[str, str] = {"root": "sesame"}
        self.answers_held: list[Callable[[], None]] = []
        self.hold_answers = False
        self.figures = Figures(
            3, 40, 10_000, 7, 90, 1, Spread(1, 30, 60), Spread(0, 5, 40), Spread(0.002, 0.01, 0.5)
        )
        self.rehash_problem: str | None = None
        self.invited: list[MakeInvitation] = []
        self.not_invited: NotInvited | None = None
        #: What REVOKE was asked for, and what it is answered with.
        self.revocations_asked: list[RevokeCertificates] = []
        self.revocation: tuple[str, ...] | Exception = ()
        self.history_asked: list[ReadHistory] = []
        self.targets_asked: list[ReadTargets] = []
        self.searched: list[Search] = []
        self.found = Found(())
        #: What history is answered with, but for its entries.
        self.page: Page | None = Page((), is_end=True, from_end=True)
        self._count = 0

    @cached_property
    def database(self) -> InlineDatabase:
        """The tables of the directory, in memory."""
        return InlineDatabase()

    @cached_property
    def directory(self) -> Directory:
        return inline_directory(
            self.database,
            self.network,
            lambda: [account for account, _ in self.accounts.values()],
            self.clock,
        )

    def add_account(self, name: str, password: str = "secret", role: str = "user") -> None:
        self.accounts[name.lower()] = (Account(name, b"hash", role, Timestamp(0)), password)

    def connect(self, **peer: Any) -> FakeClient:
        """Return a client that has said nothing yet."""
        self._count += 1
        return FakeClient(self, SessionId(f"s{self._count}"), Peer(**{"host": "127.0.0.1", **peer}))

    def device(self, account: str, name: str, certificate: str = "", **peer: Any) -> FakeClient:
        """Return the like, with the certificate of an account's device.

        Its digests are made of ``certificate``, by default of the device's name; it ends
        in 30 days from the beginning, or as ``expires`` says.
        """
        content = (certificate or f"{account}/{name}").encode()
        peer.setdefault("expires", Timestamp(1_700_000_000_000 + 30 * 86_400_000))
        return self.connect(
            account=account,
            device=name,
            fingerprint=sha256(content).hexdigest(),
            sha512=sha512(content).hexdigest(),
            **peer,
        )

    def client(self, nick: str, capabilities: str = "", account: str | None = None) -> FakeClient:
        """Return a registered client whose welcome has been read."""
        client = self.connect(account=account, device="laptop" if account else None)
        if capabilities:
            client.send(f"CAP REQ :{capabilities}")
        if account is not None:
            client.log_in(account)
        client.send(f"NICK {nick}", f"USER {nick} 0 * :The {nick}")
        client.send("CAP END")
        assert "001" in client.commands(), client.seen
        client.lines()
        return client


class FakeClient:
    """A session's shell: keeps what it is sent."""

    def __init__(self, world: World, session: SessionId, peer: Peer) -> None:
        self.world = world
        self.seen: list[str] = []
        self.log: list[str] = []
        self.is_closed = False
        self.machine = SessionMachine(
            Session(session, peer), self, world.network, world.settings, FEATURES
        )
        world.hub.connections[session] = self
        self.machine.opened()

    # What a test does

    def send(self, *lines: str | bytes) -> None:
        for line in lines:
            self.machine.line_received(line.encode() if isinstance(line, str) else line)

    def lines(self) -> list[str]:
        """Return what came since the last call."""
        seen, self.seen = self.seen, []
        return seen

    def exchange(self, *lines: str | bytes) -> list[str]:
        """Send lines, and return what they led to."""
        self.lines()
        self.send(*lines)
        return self.lines()

    def commands(self) -> list[str]:
        """Return the commands of what came since the last call of `lines`."""
        return [parse(line.encode()).command for line in self.seen]

    def log_in(self, account: str, password: str = "secret") -> None:
        self.send("AUTHENTICATE PLAIN")
        self.send(
            *(f"AUTHENTICATE {chunk}" for chunk in sasl.chunks(sasl.plain(account, password)))
        )

    def enter(self, nick: str, capabilities: str = "", account: str | None = None) -> None:
        """Log in, to the account ``nick`` by default, and register, as far as one is let."""
        self.send(f"CAP REQ :{capabilities}")
        self.log_in(account or nick)
        self.send(f"NICK {nick}", f"USER {nick} 0 * :The {nick}", "CAP END")

    def disconnect(self) -> None:
        self.world.hub.connections.pop(self.machine.session.id, None)
        self.machine.lost("Connection closed")

    # What the machine needs

    def ask(self, query: Query, answer: Callable[[Any], None]) -> None:
        if self.world.hold_answers:
            self.world.answers_held.append(lambda: answer(self._answer(query)))
        else:
            answer(self._answer(query))

    def write(self, data: bytes) -> None:
        assert data.endswith(b"\r\n"), data
        self.seen += data.decode().removesuffix("\r\n").split("\r\n")

    def stamp(self, event: Event) -> Entry:
        entry = self.world.hub.stamp(event, self.machine.session.id)
        return evolve(entry, time=self.now(), uid=EventId(entry.uid))

    def append(self, entries: tuple[Entry, ...], done: Callable[[str | None], None]) -> None:
        self.world.log.append(entries, done)

    def append_surely(self, entry: Entry, done: Callable[[], None] = lambda: None) -> None:
        self.world.log.append((entry,), lambda failed: done())

    def must_wait(self) -> bool:
        return self.world.hub.brake.hold(self)

    def _answer(self, query: Query) -> object:
        match query:
            case CheckPassword():
                account, password = self.world.accounts.get(query.account.lower(), (None, ""))
                return account if account is not None and password == query.password else None
            case ScramKeys():
                _, password = self.world.accounts.get(query.account.lower(), (None, "nobody's"))
                salt, stored, server, rounds = ScramMechanism().make_auth_info(password, 4096, SALT)
                return Challenge(Keys(rounds, salt, stored, server), NONCE)
            case JudgeProof():
                self.world.proofs.append(query)
                return query.holds
            case AddAccount():
                if query.account.lower() in self.world.accounts:
                    return None
                self.world.add_account(query.account, query.password)
                return self.world.accounts[query.account.lower()][0]
            case FindAccount():
                return self.world.accounts.get(query.account.lower(), (None, ""))[0]
            case ReadHistory():
                self.world.history_asked.append(query)
                entries = tuple(
                    entry
                    for entry in self.world.log.stored
                    if layer_of(entry.event) in query.layers
                    and getattr(entry.event, "channel", None) == getattr(query.place, "name", None)
                    and entry.time >= query.place.since
                )
                page = self.world.page
                return page and evolve(page, entries=entries)
            case FindEntry():
                found = [entry for entry in self.world.log.stored if entry.uid == query.uid]
                return found[0] if found else None
            case SearchHistory():
                self.world.searched.append(query.search)
                return self.world.found
            case ReadFigures():
                return self.world.figures
            case RevokeCertificates():
                self.world.revocations_asked.append(query)
                return self.world.revocation
            case Rehash():
                return self.world.rehash_problem
            case ReadTargets():
                self.world.targets_asked.append(query)
                return [Recent(room.name, Timestamp(1_700_000_000_000)) for room in query.rooms]
            case DirectoryQuery():
                answers: list[object] = []
                self.world.directory.ask(query).addBoth(answers.append)
                [answer] = answers
                return answer.value if isinstance(answer, Failure) else answer
            case MakeInvitation():
                self.world.invited.append(query)
                until = Timestamp(self.now() + 1000 * query.seconds)
                return self.world.not_invited or InvitationCode(CODE, until)
            case CheckOperator():
                return self.world.operators.get(query.name) == query.password
        return UnavailableError("nobody knows")

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.world.clock.callLater(seconds, call)

    def drained(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True

    def audit(self, text: str) -> None:
        self.log.append(text)

    def fault(self, command: str) -> None:
        raise

    def seconds(self) -> float:
        return self.world.clock.seconds()

    def now(self) -> Timestamp:
        return Timestamp(1_700_000_000_000 + int(self.world.clock.seconds() * 1000))
