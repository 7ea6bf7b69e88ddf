"""A client that stays connected: attempts, backoff, the rooms to be in again.

`Client` owns one connection at a time and tells one listener everything, over all
connections.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from attrs import evolve, field, frozen
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IReactorTime,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from chat.client.connecting import CONNECT_TIMEOUT, PreparedEndpoint, backoff, describe
from chat.client.events import (
    ClientEvent,
    Disconnected,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    Retrying,
    Said,
)
from chat.client.history import Memory
from chat.client.outgoing import Item, NotTakenError, Outgoing
from chat.client.profile import Profile
from chat.client.protocol import Action, ClientProtocol, Listener
from chat.client.registration import Identity, Phase
from chat.client.renewing import Renew, Renewing, renew_in_thread
from chat.client.sealing import Act, Sealing
from chat.client.secrecy import KeysCame
from chat.client.state import ClientState
from chat.client.tls import ClientTLS, Credentials
from chat.client.typing import TAG as TYPING
from chat.client.typing import TypingLimiter
from chat.irc.message import Message

#: Seconds that a server has to close the connection after QUIT.
GOODBYE = 2.0

#: Seconds after which what keys are missing is asked for again.
TICK = 5.0

#: Makes the state of each connection: of who we are, and of the one before it.
MakeState = Callable[[Identity, ClientState | None], ClientState]


@frozen
class Following:
    """Makes states that go on where the one before ended; the first one, from what is given.

    ``rooms`` are the channels to be in, with their keys (``""``: none).
    """

    memory: Memory = field(factory=Memory)
    rooms: Mapping[str, str] = field(factory=dict)
    sealing: Sealing = field(factory=Sealing)

    def __call__(self, identity: Identity, before: ClientState | None) -> ClientState:
        """Return the state of a connection."""
        if before is None:
            return ClientState(identity, self.rooms, self.memory, self.sealing)
        return ClientState(identity, before.rejoin, before.history.memory, before.sealing)


class Client(Factory[ClientProtocol]):
    """Connects to the server of a profile, again and again until it is rejected or stopped.

    Its certificate renews itself.  ``jitter`` returns a number in [0, 1) each time.
    With the ``memory`` and the ``rooms`` (with their keys, ``""`` for none) of a client
    that ended, already the first connection asks for what was missed since, and joins.
    """

    noisy = False

    def __init__(
        self,
        profile: Profile,
        listener: Listener,
        reactor: Any,
        jitter: Callable[[], float] = random.random,
        renew: Renew = renew_in_thread,
        make_state: MakeState | None = None,
        memory: Memory | None = None,
        rooms: Mapping[str, str] | None = None,
        sealing: Sealing | None = None,
    ) -> None:
        """``sealing`` is what encrypts; without it, what has to be encrypted is not sent."""
        self.sealing = sealing or Sealing()
        self._listener = listener
        self._clock: IReactorTime = reactor
        self._jitter = jitter
        self._memory = memory or Memory()
        self._make_state = make_state or Following(self._memory, rooms or {}, self.sealing)
        self._tls = ClientTLS(profile.credentials, profile.server_name)
        self._address = profile.address
        self._identity = Identity(
            profile.account, profile.account, profile.account, profile.password
        )
        endpoint = HostnameEndpoint(
            reactor, profile.address.host, profile.address.port, CONNECT_TIMEOUT
        )
        self._endpoint = PreparedEndpoint(
            wrapClientTLS(self._tls, endpoint), self._prepare, self._unreachable
        )
        self._given = profile.password
        self._renewing = Renewing(profile, renew, self._present, listener, reactor, jitter)
        self._outgoing = Outgoing(partial(secrets.token_urlsafe, 12))
        self._typing = TypingLimiter()
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = self._clock
        self._attempts = 0
        self._service: ClientService | None = None
        self._protocol: ClientProtocol | None = None

    @property
    def state(self) -> ClientState | None:
        """The state of the connection, the last one when there is none now."""
        return self._protocol.state if self._protocol is not None else None

    @property
    def account(self) -> str:
        """Our account."""
        return self._identity.account

    @property
    def memory(self) -> Memory:
        """What was told so far, over all connections: where another client can begin."""
        return self.state.history.memory if self.state is not None else self._memory

    def start(self, password: str | None = None) -> None:
        """Begin to connect; with a password when the server wanted one."""
        if password is not None:
            self._identity = evolve(self._identity, password=password)
        self._service = ClientService(
            self._endpoint, self, retryPolicy=self._next_delay, clock=self._clock
        )
        self._service.startService()
        self._renewing.start()
        if self.sealing.wanted and not self._ticking.running:
            self._ticking.start(TICK, now=False)

    def stop(self, farewell: str | None = None) -> Deferred[None]:
        """Say QUIT when connected, and fire when there is no connection any more."""
        self._renewing.stop()
        if self._ticking.running:
            self._ticking.stop()
        service, self._service = self._service, None
        if service is None:
            return succeed(None)
        protocol = self._protocol
        if protocol is None:
            return service.stopService()
        if protocol.state.phase is Phase.ONLINE:
            protocol.send(Message("QUIT", (farewell,) if farewell else ()))
        protocol.lose()
        overdue = self._clock.callLater(GOODBYE, protocol.abort)

        def gone(result: None) -> None:
            if overdue.active():
                overdue.cancel()

        return service.stopService().addCallback(gone)

    def send(self, message: Message) -> bool:
        """Send a message, and return whether there is a connection to send it over."""
        return self.perform(lambda state: state.send(message))

    def perform(self, action: Action) -> bool:
        """Have the state do something, and return whether there is a connection for it."""
        if self._protocol is None or self._online is None:
            return False
        self._protocol.perform(action)
        return True

    def deliver(self, message: Message) -> str:
        """Send a message in its turn, with the next connection if there is none now.

        Returns the name by which `Said`, `NotSent`, `MayBeLost` or `Refused` tell what
        became of it.  Raises `NotTakenError` and `MalformedLineError`.
        """
        state = self._online
        refusal = state.refusal(message) if state is not None else None
        if refusal is not None:
            raise NotTakenError(f"{refusal}: nothing was sent")
        if state is not None and message.command in ("PRIVMSG", "NOTICE") and message.params:
            self._typing.said(state.rooms.isupport.fold(message.params[0]))
        name = self._outgoing.add(message)
        for event in self._outgoing.told_of(message, name):
            self._listener(event)
        self._pump()
        return name

    def earlier(self, room: str, before: Said | None) -> bool:
        """Ask for what was said in a room before a message, or last; `Earlier` tells it.

        Returns whether it could be asked: there is a connection, the server has history,
        and no other request for this room is under way.
        """
        asked: list[bool] = []

        def ask(state: ClientState) -> list[ClientEvent]:
            asked.append(state.earlier(room, before))
            return []

        return self.perform(ask) and asked == [True]

    def read(self, room: str, time: datetime) -> None:
        """Have the user's other devices know up to what time a room is read.

        Nothing is sent twice, nor backwards, nor where the server has no read markers.
        """

        def tell(state: ClientState) -> list[ClientEvent]:
            state.read(room, time)
            return []

        self.perform(tell)

    def typing(self, room: str, active: bool) -> None:
        """Have others know that we type, or (not ``active``) stopped without sending it.

        To be called with each key; no more is sent than may be, nothing where the server
        does not pass it on.
        """
        state = self._online
        if state is not None and state.passes_typing:
            place = state.rooms.isupport.fold(room)
            value = self._typing.changed(place, self._clock.seconds(), active=active)
            if value is not None:
                self.send(Message("TAGMSG", (room,), tags={TYPING: value}))

    def protect(self, act: Act) -> None:
        """Have the engine do what its owner decided; raises `E2eError` where it cannot."""
        effects = list(self.sealing.act(act))
        self.perform(lambda state: state.ask(iter(effects)))
        self._pump()

    def flush(self) -> None:
        """Ask the server whether all is dealt with: `Answered`, and then `is_idle`, say so."""
        self._outgoing.flush()
        self._pump()

    @property
    def waiting(self) -> int:
        """How many messages wait to be sent."""
        return self._outgoing.waiting

    @property
    def is_idle(self) -> bool:
        """Whether all that was to be delivered is answered."""
        return self._outgoing.is_idle

    def buildProtocol(self, addr: IAddress | None) -> ClientProtocol:
        """Return the protocol of a new connection, to be in the same rooms (Twisted calls this)."""
        before = self.state
        self._protocol = ClientProtocol(
            self._make_state(self._identity, before),
            self._heard,
            self._clock,
            self._tls,
            str(self._address),
        )
        return self._protocol

    @property
    def _online(self) -> ClientState | None:
        """The state of the connection, where the server has welcomed us."""
        state = self.state
        return state if state is not None and state.phase is Phase.ONLINE else None

    def _heard(self, event: ClientEvent) -> None:
        if isinstance(event, KeysCame):
            self._pump()
            return
        if isinstance(event, Registered):
            self._attempts = 0
        elif isinstance(event, Rejected | PasswordWanted):
            # What a person typed may be what was wrong: the next attempt asks again.
            self._identity = evolve(self._identity, password=self._given)
            self.stop()
        heard = list(self._outgoing.heard(event))
        # First, so that who is told may ask what still waits.
        self._pump()
        for told in heard:
            self._listener(told)

    def _pump(self) -> None:
        if self._service is None or self._protocol is None:
            return
        due = self._outgoing.due(self._protocol.state.answers, self._sealed)
        # What asks for keys goes also where all that is said waits for them.
        self._protocol.perform(lambda state: [])
        for item in due:
            if item.denial:
                refused = Refused("E2E", item.message.params[:1], item.denial)
                self._listener(item.not_sent(item.denial) or refused)
            else:
                self._protocol.send(item.message, item.name, item.sealed)

    def _sealed(self, item: Item) -> Item | None:
        return self.sealing.seal(item, self._clock.seconds())

    def _present(self, credentials: Credentials) -> None:
        """Use renewed credentials from now on."""
        self._tls.present(credentials)
        self.sealing.certify(credentials)

    def _tick(self) -> None:
        """Have the engine ask again, and see what waits too long."""
        if self._protocol is not None and self._online is not None:
            self._protocol.perform(lambda state: state.ask(state.sealing.tick()))

    def _next_delay(self, attempt: int) -> float:
        # ClientService counts from the last TCP connection; we from the last welcome.
        self._attempts += 1
        delay = backoff(self._attempts, self._jitter())
        # Not at once: ClientService cannot be stopped from in here.
        self._clock.callLater(0, self._tell_retry, delay)
        return delay

    def _tell_retry(self, delay: float) -> None:
        if self._service is not None:
            self._listener(Retrying(delay))

    def _prepare(self) -> Deferred[None]:
        return self._renewing.before_connecting().addCallback(self._must_be_worth_it)

    def _must_be_worth_it(self, rejected: Rejected | None) -> None:
        if rejected is not None:
            # Not at once: ClientService cannot be stopped from in here.
            self._clock.callLater(0, self._heard, rejected)
            raise CancelledError

    def _unreachable(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._heard(Disconnected(f"cannot reach {self._address}: {describe(failure)}"))
