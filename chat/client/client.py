"""A client that stays connected: attempts, backoff, the rooms to be in again.

`Client` owns one connection at a time and tells one listener everything, over all
connections.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import evolve, frozen
from twisted.application.internet import ClientService
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.client.events import (
    ClientEvent,
    Disconnected,
    PasswordWanted,
    Registered,
    Rejected,
    Retrying,
)
from chat.client.outgoing import Outgoing
from chat.client.profile import Profile
from chat.client.protocol import Action, ClientProtocol, Listener
from chat.client.registration import Identity, Phase
from chat.client.renewing import Renew, Renewing, renew_in_thread
from chat.client.state import ClientState
from chat.client.tls import ClientTLS
from chat.irc.message import Message

#: Seconds before the second attempt, and at most between two.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
#: Seconds for one attempt to reach the server.
CONNECT_TIMEOUT = 15.0
#: Seconds that a server has to close the connection after QUIT.
GOODBYE = 2.0

#: Makes the state of each connection: of who we are, and of the one before it.
MakeState = Callable[[Identity, ClientState | None], ClientState]


def follow(identity: Identity, before: ClientState | None) -> ClientState:
    """Return the state of a connection, which goes on where the one before it ended."""
    if before is None:
        return ClientState(identity)
    return ClientState(identity, before.rejoin, before.history.memory)


def backoff(attempt: int, jitter: float) -> float:
    """Return the seconds to wait before attempt number ``attempt`` (from 1) at trying again.

    ``jitter`` in [0, 1) spreads clients that lost the same server over half the time.
    """
    longest: float = min(FIRST_DELAY * 2.0 ** min(attempt - 1, 16), LONGEST_DELAY)
    return longest * (0.5 + jitter / 2)


@implementer(IStreamClientEndpoint)
@frozen
class PreparedEndpoint:
    """An endpoint that connects after ``prepare``, and whose failures are told."""

    endpoint: IStreamClientEndpoint
    prepare: Callable[[], Deferred[Any]]
    failed: Callable[[Failure], None] = lambda failure: None

    def connect(
        self,
        protocolFactory: IProtocolFactory,  # noqa: N803
    ) -> Deferred[IProtocol]:
        """Connect as the endpoint does."""

        def tell(failure: Failure) -> Failure:
            self.failed(failure)
            return failure

        connected: Deferred[IProtocol] = self.prepare().addCallback(
            lambda _: self.endpoint.connect(protocolFactory)
        )
        return connected.addErrback(tell)


class Client(Factory[ClientProtocol]):
    """Connects to the server of a profile, again and again until it is rejected or stopped.

    Its certificate renews itself.  ``jitter`` returns a number in [0, 1) each time.
    """

    noisy = False

    def __init__(
        self,
        profile: Profile,
        listener: Listener,
        reactor: Any,
        jitter: Callable[[], float] = random.random,
        renew: Renew = renew_in_thread,
        make_state: MakeState = follow,
    ) -> None:
        self._listener = listener
        self._clock: IReactorTime = reactor
        self._jitter = jitter
        self._make_state = make_state
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
        self._renewing = Renewing(profile, renew, self._tls.present, listener, reactor, jitter)
        self._outgoing = Outgoing(partial(secrets.token_urlsafe, 12))
        self._attempts = 0
        self._service: ClientService | None = None
        self._protocol: ClientProtocol | None = None

    @property
    def state(self) -> ClientState | None:
        """The state of the connection, the last one when there is none now."""
        return self._protocol.state if self._protocol is not None else None

    def start(self, password: str | None = None) -> None:
        """Begin to connect; with a password when the server wanted one."""
        if password is not None:
            self._identity = evolve(self._identity, password=password)
        self._service = ClientService(
            self._endpoint, self, retryPolicy=self._next_delay, clock=self._clock
        )
        self._service.startService()
        self._renewing.start()

    def stop(self, farewell: str | None = None) -> Deferred[None]:
        """Say QUIT when connected, and fire when there is no connection any more."""
        self._renewing.stop()
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
        if self._protocol is None or self._protocol.state.phase is not Phase.ONLINE:
            return False
        self._protocol.perform(action)
        return True

    def deliver(self, message: Message) -> str:
        """Send a message in its turn, with the next connection if there is none now.

        Returns the name by which `Said` or `NotSent` tell what became of it.  Raises
        `NotTakenError` and `MalformedLineError`.
        """
        name = self._outgoing.add(message)
        for event in self._outgoing.told_of(message, name):
            self._listener(event)
        self._pump()
        return name

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

    def _heard(self, event: ClientEvent) -> None:
        if isinstance(event, Registered):
            self._attempts = 0
        elif isinstance(event, Rejected | PasswordWanted):
            self.stop()
        heard = list(self._outgoing.heard(event))
        # First, so that who is told may ask what still waits.
        self._pump()
        for told in heard:
            self._listener(told)

    def _pump(self) -> None:
        if self._service is not None and self._protocol is not None:
            for item in self._outgoing.due(repeats=self._protocol.state.can_repeat):
                self._protocol.send(item.message, item.name)

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


def describe(failure: Failure) -> str:
    """Say in words why a connection could not be made."""
    if failure.check(error.ConnectionRefusedError):
        return "nobody listens there"
    if failure.check(error.DNSLookupError):
        return "there is no host of this name"
    if failure.check(error.TimeoutError):
        return "it does not answer"
    return failure.getErrorMessage()
