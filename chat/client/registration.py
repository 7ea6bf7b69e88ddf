"""Registration: from the first line to the welcome, without input or output.

Sources: Modern IRC, "Connection Registration"; IRCv3 capability negotiation
(version 302), sasl-3.1 and sasl-3.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from attrs import field, frozen

from chat.client.events import (
    ClientEvent,
    Disconnected,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    ServerNotice,
)
from chat.irc import sasl
from chat.irc.message import Message

#: What a client asks for when the server has it.
WANTED = (
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "chghost",
    "draft/chathistory",
    "draft/event-playback",
    "draft/message-redaction",
    "draft/multiline",
    "draft/read-marker",
    "echo-message",
    "extended-join",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "sasl",
    "securechat/id",
    "server-time",
    "setname",
    "soju.im/search",
    "standard-replies",
)
#: How many other nicknames are tried when ours is taken.
_NICK_ATTEMPTS = 3


@frozen
class Identity:
    """Who we are; with a password SASL PLAIN is used, else EXTERNAL where there is."""

    nick: str
    account: str
    realname: str
    password: str | None = field(default=None, repr=False)


class Phase(Enum):
    """Where registration is."""

    NEW = auto()
    LISTING = auto()
    REQUESTING = auto()
    AUTHENTICATING = auto()
    WELCOMING = auto()
    ONLINE = auto()
    REJECTED = auto()
    CLOSED = auto()


class Step(Enum):
    """What moves registration on."""

    OPENED = auto()
    REQUESTED = auto()
    NEGOTIATED = auto()
    LOGIN_STARTED = auto()
    LOGIN_ENDED = auto()
    WELCOMED = auto()
    REJECTED = auto()
    LOST = auto()


_OPEN = (Phase.LISTING, Phase.REQUESTING, Phase.AUTHENTICATING, Phase.WELCOMING)

#: The only moves there are; a step that is not here for a phase is a line out of
#: turn, and changes nothing.
TRANSITIONS: Mapping[tuple[Phase, Step], Phase] = {
    (Phase.NEW, Step.OPENED): Phase.LISTING,
    (Phase.LISTING, Step.REQUESTED): Phase.REQUESTING,
    (Phase.LISTING, Step.NEGOTIATED): Phase.WELCOMING,
    (Phase.REQUESTING, Step.NEGOTIATED): Phase.WELCOMING,
    (Phase.REQUESTING, Step.LOGIN_STARTED): Phase.AUTHENTICATING,
    (Phase.AUTHENTICATING, Step.LOGIN_ENDED): Phase.WELCOMING,
    # A server without capabilities welcomes us while we wait for its list.
    (Phase.LISTING, Step.WELCOMED): Phase.ONLINE,
    (Phase.WELCOMING, Step.WELCOMED): Phase.ONLINE,
    **{(phase, Step.REJECTED): Phase.REJECTED for phase in (Phase.NEW, *_OPEN)},
    **{(phase, Step.LOST): Phase.CLOSED for phase in (Phase.NEW, *_OPEN, Phase.ONLINE)},
}

#: Messages to send and events to tell, in order.
Effects = Iterator[Message | ClientEvent]


class Registration:
    """One connection's registration."""

    #: The commands that are its matter, and those that still are when it is over.
    handles = frozenset(
        {"CAP", "AUTHENTICATE", "FAIL", "001", "400", "432", "433", "437", "464", "465"}
        | {"900", "901", "902", "903", "904", "905", "906", "907", "908"}
    )
    handles_online = frozenset({"CAP", "900", "901"})

    def __init__(
        self,
        identity: Identity,
        behind: frozenset[str] = frozenset(),
        wanted: Sequence[str] = WANTED,
    ) -> None:
        """``behind`` are those of the ``wanted`` capabilities asked for behind the welcome only."""
        self.identity = identity
        self._behind = behind
        self.phase = Phase.NEW
        self.nick = identity.nick
        self.account: str | None = None
        self.capabilities: frozenset[str] = frozenset()
        self._offered: dict[str, str] = {}
        self._wanted = wanted
        self._refused_nicks = 0

    def advance(self, step: Step) -> bool:
        """Make a step, and return whether it was possible in this phase."""
        following = TRANSITIONS.get((self.phase, step))
        if following is None:
            return False
        self.phase = following
        return True

    def value_of(self, capability: str) -> str:
        """Return what the server says with a capability, ``""`` for nothing."""
        return self._offered.get(capability, "")

    def open(self) -> Effects:
        """Begin: what a client says first."""
        if self.advance(Step.OPENED):
            yield Message("CAP", ("LS", "302"))
            yield Message("NICK", (self.nick,))
            yield Message("USER", (self.identity.account, "0", "*", self.identity.realname))

    def value(self, capability: str) -> Mapping[str, str]:
        """Return the tokens that a capability was offered with."""
        words = self._offered.get(capability, "").split(",")
        return {key: value for key, _, value in (word.partition("=") for word in words) if key}

    def concerns(self, command: str) -> bool:
        """Return whether `receive` wants messages with this command now."""
        return command in (self.handles_online if self.phase is Phase.ONLINE else self.handles)

    def receive(self, message: Message) -> Effects:
        """Deal with a message that `concerns` registration."""
        match message.command:
            case "CAP" if len(message.params) >= 3:
                yield from self._capabilities(message.params[1].upper(), message.params[2:])
            case "AUTHENTICATE" if message.text() == "+":
                yield from self._respond()
            case "900" if len(message.params) >= 3:
                self.account = message.params[2]
            case "901":
                self.account = None
            case "903" | "907":
                if self.advance(Step.LOGIN_ENDED):
                    yield Message("CAP", ("END",))
            case "902" | "904" | "905" | "906":
                yield from self._login_failed(message.text())
            case "001":
                if message.params:
                    self.nick = message.params[0]
                if self.advance(Step.WELCOMED):
                    yield Registered(self.nick, self.account)
                    if self._behind:
                        self._behind = frozenset()
                        yield from self._request("NEW")
            case "FAIL" | "400":
                yield from self._failed(message)
            case "433" | "437":
                yield from self._nick_taken(message.text())
            case "432" | "464" | "465":
                yield from self._reject(f"the server refused {self.nick}: {message.text()}")

    def _capabilities(self, subcommand: str, params: tuple[str, ...]) -> Effects:
        names = params[-1].split()
        if subcommand in ("LS", "NEW"):
            self._offered |= {name: value for name, _, value in (n.partition("=") for n in names)}
            if params[0] != "*" or len(params) == 1:  # else more lines follow
                yield from self._request(subcommand)
        elif subcommand == "ACK":
            taken_back = {name[1:] for name in names if name.startswith("-")}
            self.capabilities = (self.capabilities | set(names)) - taken_back
            yield from self._log_in()
        elif subcommand == "NAK":
            if self.advance(Step.NEGOTIATED):
                yield Message("CAP", ("END",))
        elif subcommand == "DEL":
            self.capabilities -= set(names)
            for name in names:
                self._offered.pop(name, None)

    def _request(self, subcommand: str) -> Effects:
        known = self.capabilities | self._behind
        asked = [name for name in self._wanted if name in self._offered and name not in known]
        request = Message("CAP", ("REQ", " ".join(asked)))
        if subcommand == "NEW":
            if self.phase is Phase.ONLINE and asked:
                yield request
        elif asked and self.advance(Step.REQUESTED):
            yield request
        elif self.advance(Step.NEGOTIATED):
            yield Message("CAP", ("END",))

    def _log_in(self) -> Effects:
        if self.phase is not Phase.REQUESTING:
            return
        if "sasl" not in self.capabilities:
            if self.identity.password is not None:
                yield ServerNotice("This server has no accounts: the password was not sent")
            self.advance(Step.NEGOTIATED)
            yield Message("CAP", ("END",))
        elif self.identity.password is None and not self._offers("EXTERNAL"):
            self.advance(Step.REJECTED)
            yield PasswordWanted(self.identity.account)
        else:
            self.advance(Step.LOGIN_STARTED)
            yield Message("AUTHENTICATE", (self._mechanism(),))

    def _respond(self) -> Effects:
        if self.phase is not Phase.AUTHENTICATING:
            return
        if self.identity.password is None:
            yield Message("AUTHENTICATE", ("+",))
        else:
            for chunk in sasl.chunks(sasl.plain(self.identity.account, self.identity.password)):
                yield Message("AUTHENTICATE", (chunk,))

    def _login_failed(self, text: str) -> Effects:
        if self.phase is not Phase.AUTHENTICATING:
            return
        if self.identity.password is not None:
            yield from self._reject(
                f"the server did not accept the password of {self.identity.account}: {text}",
                "check the account and the password",
            )
        elif self._offers("PLAIN"):
            self.advance(Step.REJECTED)
            yield PasswordWanted(self.identity.account)
        else:
            yield from self._reject(
                f"the server did not accept the certificate as the login of"
                f" {self.identity.account}: {text}",
                "check that the account is the certificate's",
            )

    def _failed(self, message: Message) -> Effects:
        # The server's own trouble passes: worth another attempt, unlike a wrong password.
        unavailable = message.command == "400" or "TEMPORARILY_UNAVAILABLE" in message.params[:2]
        if unavailable and self.phase is Phase.AUTHENTICATING:
            self.advance(Step.LOST)
            yield Disconnected(message.text())
        else:
            yield Refused(message.command, message.params[:-1], message.text())

    def _nick_taken(self, text: str) -> Effects:
        if self.phase not in _OPEN:
            return
        self._refused_nicks += 1
        if self._refused_nicks > _NICK_ATTEMPTS:
            yield from self._reject(f"the server refused {self.nick}: {text}")
        else:
            self.nick += "_"
            yield Message("NICK", (self.nick,))

    def _reject(self, cause: str, remedy: str = "ask who runs the server") -> Effects:
        if self.advance(Step.REJECTED):
            yield Rejected(cause, remedy)

    def _mechanism(self) -> str:
        return "EXTERNAL" if self.identity.password is None else "PLAIN"

    def _offers(self, mechanism: str) -> bool:
        # Without a value (before version 302) the server has to be asked by trying.
        mechanisms = self._offered.get("sasl", "")
        return not mechanisms or mechanism in mechanisms.upper().split(",")
