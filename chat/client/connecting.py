"""How a client comes to a connection: how long it waits, what comes before, why it failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

#: Seconds before the second attempt, and at most between two.
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
#: Seconds for one attempt to reach the server.
CONNECT_TIMEOUT = 15.0


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


def describe(failure: Failure) -> str:
    """Say in words why a connection could not be made."""
    if failure.check(error.ConnectionRefusedError):
        return "nobody listens there"
    if failure.check(error.DNSLookupError):
        return "there is no host of this name"
    if failure.check(error.TimeoutError):
        return "it does not answer"
    return failure.getErrorMessage()
