"""What a feature is made of, and the tables that all features make together."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from attrs import field, frozen

import chat.features
from chat.irc.message import Message
from chat.irc.numerics import Reply
from chat.irc.standard_replies import StandardReply
from chat.network.entities import Client
from chat.network.events import Entry, Event
from chat.network.history import Around, Layer, Place, Room, Span
from chat.network.ids import EventId, Timestamp
from chat.network.search import Search
from chat.network.session import Phase, Session
from chat.network.settings import Settings
from chat.network.state import Network


@frozen
class Update:
    """The session's facts are now ``session``."""

    session: Session


@frozen
class Close:
    """The session ends, told with ERROR."""

    reason: str


@frozen
class Audit:
    """A line for the server's log that an operator will look for."""

    text: str


class Query:
    """A question to the world outside; its answer is sent back into the generator.

    An answer that is not to be had in time is thrown in as
    `chat.network.errors.UnavailableError`.
    """


@frozen
class CheckPassword(Query):
    """Answered with the `Account` whose password it is, or ``None``."""

    account: str
    password: str = field(repr=False)


@frozen
class AddAccount(Query):
    """Answered with the new `Account`, or ``None`` where one of that name is there."""

    account: str
    password: str = field(repr=False)


@frozen
class FindAccount(Query):
    """Answered with the `Account` of that name, or ``None``."""

    account: str


@frozen
class ReadHistory(Query):
    """Answered with a `Page` of these layers, or ``None`` where a reference is unknown."""

    place: Place
    part: Span | Around
    layers: tuple[Layer, ...]


@frozen
class FindEntry(Query):
    """Answered with the `Entry` of that id, or ``None``."""

    uid: EventId


@frozen
class ReadTargets(Query):
    """Answered with a list of `Recent`, oldest first, of rooms and of an account's talks."""

    account: str | None
    rooms: tuple[Room, ...]
    #: From when on the talks are to be seen.
    since: Timestamp
    after: Timestamp
    before: Timestamp
    limit: int


@frozen
class SearchHistory(Query):
    """Answered with `Found`."""

    search: Search


@frozen
class Rehash(Query):
    """Answered with ``None`` once the configuration is in use, or with what is wrong with it."""


@frozen
class RevokeCertificates(Query):
    """Answered with the holders of the certificates that are revoked now, ``account/device``.

    ``name`` is an account, or one of its devices in the same form; ``reason`` may begin
    with a word of RFC 5280.  `RefusedError` says why there is none.
    """

    name: str
    reason: str


@frozen
class ReadFigures(Query):
    """Answered with the `Figures` of now."""


@frozen
class Restart(Query):
    """Answered with ``None``; the server ends soon after, and starts again."""


@frozen
class MakeInvitation(Query):
    """Answered with the `InvitationCode` of a device, good for so many seconds, or `NotInvited`."""

    account: str
    device: str
    seconds: int
    #: How many of the account may be open at once.
    limit: int


@frozen
class CheckOperator(Query):
    """Answered with whether an operator block of that name has that password."""

    name: str
    password: str = field(repr=False)


Effect = Message | Reply | StandardReply | Event | Update | Close | Audit | Query
Effects = Generator[Effect, Any, None]
Lines = Iterator[Message | Reply]


@frozen
class Request:
    """One command of one session, and what its handler may look at."""

    message: Message
    session: Session
    network: Network
    settings: Settings
    features: Features
    #: When the command came.
    now: Timestamp

    @property
    def params(self) -> tuple[str, ...]:
        """The command's parameters; as many are there as the command declares."""
        return self.message.params

    @property
    def client(self) -> Client:
        """The registered client that the session speaks for."""
        return self.network.sessions[self.session.id]

    def param(self, index: int) -> str:
        """Return a parameter that need not be there, ``""`` where it is not."""
        return self.params[index] if index < len(self.params) else ""


@frozen
class Viewer:
    """For whom a fact is rendered.

    A line is rendered once for all sessions with the same capabilities; only
    facts for one client alone may use ``nick``.
    """

    capabilities: frozenset[str]
    #: Whether the session's own command made the event.
    is_origin: bool
    nick: str
    network: Network
    settings: Settings
    features: Features

    def has(self, capability: str) -> bool:
        """Return whether the session negotiated ``capability``."""
        return capability in self.capabilities


Handler = Callable[[Request], Effects]
Renderer = Callable[[Viewer, Any], Lines]
#: From an entry, a line of its rendering and the line's number (from 0) to tags.
Tagger = Callable[[Entry, Message, int], Mapping[str, str]]


@frozen
class Command:
    """One row of the dispatch table."""

    name: str
    handler: Handler
    #: How many parameters it needs at the least.
    parameters: int = 0
    phases: frozenset[Phase] = frozenset({Phase.REGISTERED})
    #: Only for IRC operators.
    privileged: bool = False
    #: Whether the next such command may start before this one is on disk: only
    #: where the handler changes nothing that another handler looks at.
    pipelined: bool = False
    #: Whether it may put something in the log: it waits while the log has too much to store.
    appends: bool = True
    #: What it takes from the session's flood allowance, or what tells that of a message.
    cost: float | Callable[[Message], float] = 1

    def cost_of(self, message: Message) -> float:
        """Return what one such message takes from the session's flood allowance."""
        return self.cost(message) if callable(self.cost) else self.cost

    @property
    def help(self) -> str:
        """The usage and meaning, from the handler's docstring."""
        return inspect.getdoc(self.handler) or ""


@frozen
class Capability:
    """One IRCv3 capability; ``value`` says what CAP LS 302 tells, ``None`` to hide it."""

    name: str
    specification: str
    value: Callable[[Settings, Session], str | None]


Tokens = Callable[[Settings], Mapping[str, str]]
_H = TypeVar("_H", bound=Handler)
_R = TypeVar("_R", bound=Renderer)
_T = TypeVar("_T", bound=Tagger)
_K = TypeVar("_K", bound=Tokens)


class Feature:
    """The collector of one file; module level name ``feature``."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.capabilities: list[Capability] = []
        self.renderers: dict[type, Renderer] = {}
        self.taggers: list[tuple[str, Tagger]] = []
        self.tokens: list[Tokens] = []

    def command(
        self,
        name: str,
        *,
        parameters: int = 0,
        phases: Iterable[Phase] = (Phase.REGISTERED,),
        privileged: bool = False,
        pipelined: bool = False,
        appends: bool = True,
        cost: float | Callable[[Message], float] = 1,
    ) -> Callable[[_H], _H]:
        """Register the decorated generator function as the handler of ``name``."""

        def register(handler: _H) -> _H:
            self.commands.append(
                Command(
                    name,
                    handler,
                    parameters,
                    frozenset(phases),
                    privileged,
                    pipelined,
                    appends,
                    cost,
                )
            )
            return handler

        return register

    def capability(
        self,
        name: str,
        specification: str,
        value: Callable[[Settings, Session], str | None] = lambda settings, session: "",
    ) -> None:
        """Offer the capability ``name``; ``specification`` is its address."""
        self.capabilities.append(Capability(name, specification, value))

    def renders(self, fact: type) -> Callable[[_R], _R]:
        """Register the decorated function as what turns such facts into lines."""

        def register(renderer: _R) -> _R:
            self.renderers[fact] = renderer
            return renderer

        return register

    def tags(self, capability: str) -> Callable[[_T], _T]:
        """Register a function that tags lines of events for sessions with ``capability``."""

        def register(tagger: _T) -> _T:
            self.taggers.append((capability, tagger))
            return tagger

        return register

    def isupport(self, tokens: _K) -> _K:
        """Register the decorated function as the source of ISUPPORT tokens."""
        self.tokens.append(tokens)
        return tokens


@frozen
class Features:
    """All features' tables."""

    commands: Mapping[str, Command]
    #: In alphabetical order.
    capabilities: Mapping[str, Capability]
    renderers: Mapping[type, Renderer]
    taggers: tuple[tuple[str, Tagger], ...]
    tokens: tuple[Tokens, ...]

    def isupport(self, settings: Settings) -> list[str]:
        """Return the tokens ``NAME`` or ``NAME=value`` in alphabetical order."""
        tokens: dict[str, str] = {}
        for source in self.tokens:
            tokens.update(source(settings))
        return [f"{name}={value}" if value else name for name, value in sorted(tokens.items())]


def load() -> Features:
    """Return the tables of every module in this package that has a ``feature``."""
    found = [
        module.feature
        for info in pkgutil.iter_modules(chat.features.__path__)
        if hasattr(module := importlib.import_module(f"chat.features.{info.name}"), "feature")
    ]
    capabilities = {each.name: each for one in found for each in one.capabilities}
    return Features(
        MappingProxyType({each.name: each for one in found for each in one.commands}),
        MappingProxyType(dict(sorted(capabilities.items()))),
        MappingProxyType({kind: each for one in found for kind, each in one.renderers.items()}),
        tuple(each for one in found for each in one.taggers),
        tuple(each for one in found for each in one.tokens),
    )
