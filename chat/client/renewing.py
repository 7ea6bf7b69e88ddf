"""Keeps the certificate of a client renewed, for as long as the client runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from chat.client.enrolment import UnreachableError
from chat.client.events import CertificateEnds, CertificateRenewed, ClientEvent, Rejected
from chat.client.profile import Profile, ProfileError
from chat.client.renewal import due, renew_if_due
from chat.client.tls import NEW_CERTIFICATE, Credentials
from chat.pki.errors import PkiError

#: Seconds between two looks at the certificate, and so between two attempts.
LOOK = 3600.0
#: What is left of a certificate's life when failures to renew it are told, and how often.
WARN, AGAIN = timedelta(days=7), timedelta(days=1)

_FAILURES = (PkiError, ProfileError, OSError)

#: Returns the profile with a certificate that is not due; fails with one of these.
Renew = Callable[[Profile, datetime, float], Deferred[Profile]]


class Renewing:
    """Looks at once, then about every hour: a timer of weeks would not survive a computer's sleep.

    ``renew`` does what `chat.client.renewal.renew_if_due` does, in a thread;
    ``present`` is called with new credentials.  ``now`` returns the time in UTC.
    """

    def __init__(
        self,
        profile: Profile,
        renew: Renew,
        present: Callable[[Credentials], None],
        tell: Callable[[ClientEvent], None],
        clock: IReactorTime,
        jitter: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._profile = profile
        self._renew = renew
        self._present = present
        self._tell = tell
        self._clock = clock
        self._jitter = jitter
        self._now = now
        #: The same at every look: else the smallest of many would count.
        self._spread = jitter()
        self._next: IDelayedCall | None = None
        self._lock = DeferredLock()
        self._is_running = False
        #: When a failure was told last.
        self._told: datetime | None = None

    def start(self) -> None:
        """Begin to look; a second start does nothing."""
        if not self._is_running:
            self._is_running = True
            self._look()

    def stop(self) -> None:
        """Look no more; a renewal under way still changes the files, and is not told."""
        self._is_running = False
        if self._next is not None and self._next.active():
            self._next.cancel()

    def before_connecting(self) -> Deferred[Rejected | None]:
        """Fire when it is worth to connect, or with why it is not.

        Only a certificate that has ended is waited for: the server refuses it.
        """
        own = self._profile.credentials.certificates
        if not own or self._now() < own[0].not_valid_after_utc:
            return succeed(None)
        return self._lock.run(self._renewed).addCallbacks(lambda _: None, self._ended)

    def _look(self) -> None:
        self._next = self._clock.callLater(LOOK * (0.75 + self._jitter() / 2), self._look)
        own = self._profile.credentials.certificates
        # What has ended is renewed before the next connection, which says so where that fails.
        if own and due(own[0], self._spread) <= self._now() < own[0].not_valid_after_utc:
            self._lock.run(self._renewed).addErrback(self._failed)

    def _renewed(self) -> Deferred[None]:
        return self._renew(self._profile, self._now(), self._spread).addCallback(self._take)

    def _take(self, profile: Profile) -> None:
        before, self._profile = self._profile, profile
        own = profile.credentials
        if own.expires is not None and own.certificates != before.credentials.certificates:
            self._present(own)
            if self._is_running:
                self._tell(CertificateRenewed(own.expires))

    def _failed(self, failure: Failure) -> None:
        failure.trap(*_FAILURES)
        now, end = self._now(), self._profile.credentials.expires
        is_told = self._told is not None and now - self._told < AGAIN
        if end is not None and end - now < WARN and not is_told and self._is_running:
            self._told = now
            self._tell(CertificateEnds(end, failure.getErrorMessage()))

    def _ended(self, failure: Failure) -> Rejected | None:
        if failure.check(UnreachableError):
            return None  # the connection will say the same
        failure.trap(*_FAILURES)
        end = self._profile.credentials.expires
        return Rejected(
            f"your certificate ended on {end:%Y-%m-%d %H:%M} UTC, and could not be renewed"
            f" ({failure.getErrorMessage()})",
            NEW_CERTIFICATE,
        )


def renew_in_thread(profile: Profile, now: datetime, jitter: float) -> Deferred[Profile]:
    """Do as `renew_if_due`, and block nobody."""
    return deferToThread(renew_if_due, profile, now, jitter)
