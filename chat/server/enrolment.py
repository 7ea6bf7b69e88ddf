"""Certificates for devices: made with an invitation, or renewed with the one at hand.

`Enrolment` decides, `EnrolmentProtocol` carries its messages over a connection that
chose one of their names in ALPN (`chat.pki.enrolment`).  Of a signing request only
the public key counts.  Nothing is answered that a stranger could learn from: who
has no proof of an invitation is told the same, whether there is one or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from chat.network.ids import Timestamp
from chat.network.records import Account, Invited
from chat.pki import enrolment
from chat.pki.authority import Identity
from chat.pki.enrolment import Enrol, EnrolmentMessage, Issued, Open, Refusal, Renew, Terms
from chat.pki.errors import PkiError
from chat.pki.invitation import EXPORTED, EXPORTER, proves
from chat.pki.requests import requested_device_key
from chat.server.authority import IssuingAuthority, LockedError
from chat.server.backoff import Backoff
from chat.server.gatekeeper import Gatekeeper
from chat.server.refusals import PeerRefusedError
from chat.server.tls import ServerTLS
from chat.server.tls_transport import TLSTransport
from chat.store.interfaces import AccountExistsError, IAccounts, IInvitations, UnavailableError

if TYPE_CHECKING:
    from chat.server.protocol import ChatProtocol

_log = Logger()

#: Seconds that a stranger has to prove something, and that one who did has to choose a password.
PROOF, PATIENCE = 30.0, 600.0
#: Seconds that a client has to read the answer before its connection is cut.
_LINGER = 3.0

_UNKNOWN = (
    "This invitation is unknown here: it was withdrawn, or was never made by this network;"
    " ask for a new one"
)
_USED = "This invitation was used already, and each is good for one device: ask for a new one"


class RefusedEnrolmentError(Exception):
    """There will be no certificate; the text is for the person who asked."""


@frozen
class Enrolment:
    """Makes certificates; every method raises `RefusedEnrolmentError`."""

    network: Callable[[], str]
    #: Whether an account has to have a password.
    wants_password: Callable[[], bool]
    accounts: IAccounts
    invitations: IInvitations
    gatekeeper: Gatekeeper
    issuing: IssuingAuthority
    #: Says why the network lets a device in no more, where it does not.
    refusal: Callable[[Identity, x509.Certificate], str | None]
    backoff: Backoff
    seconds: Callable[[], float]

    def greeting(self) -> enrolment.Greeting:
        """Return what everybody is told."""
        return enrolment.Greeting(self.network(), self.issuing.root_pem())

    async def open(self, message: Open, exported: bytes, host: str) -> tuple[Invited, Terms]:
        """Return the invitation whose code the other side has, and what it brings."""
        self._must_not_wait(host)
        invited = await self.invitations.find(message.invitation)
        if invited is None or not proves(invited.id, message.proof, exported):
            self.backoff.failed(host, self.seconds())
            raise RefusedEnrolmentError(_UNKNOWN)
        _must_be_good(invited)
        account = await self.accounts.find(invited.account)
        return invited, Terms(
            account.name if account is not None else invited.account,
            invited.device,
            self.wants_password() and (account is None or not account.password),
        )

    async def enrol(self, invited: Invited, terms: Terms, message: Enrol) -> Issued:
        """Use the invitation up, and return the certificate."""
        key = requested_device_key(message.request.encode())
        if terms.needs_password and not message.password:
            raise RefusedEnrolmentError("The account needs a password: choose one")
        await self.issuing.open()
        hashed = None
        if terms.needs_password and message.password:
            hashed = await self.gatekeeper.hash_password(message.password)
        if not await self.invitations.use(invited.id, _now()):
            again = await self.invitations.find(invited.id)
            if again is None:
                raise RefusedEnrolmentError(_UNKNOWN)
            _must_be_good(again)
            raise RefusedEnrolmentError(_USED)
        await self._have_account(invited, hashed)
        return await self._issue(Identity(terms.account, terms.device), key)

    async def renew(self, certificate: x509.Certificate, message: Renew) -> Issued:
        """Return a new certificate for the device that presented ``certificate``.

        Each is kept in a file: a device cannot have them in masses.
        """
        identity = Identity.from_certificate(certificate)
        key_of_device = f"renew:{identity}"
        self._must_not_wait(key_of_device)
        self.backoff.failed(key_of_device, self.seconds())
        key = requested_device_key(message.request.encode())
        if await self.accounts.find(identity.account) is None:
            raise RefusedEnrolmentError(f"There is no account {identity.account} any more")
        refusal = self.refusal(identity, certificate)
        if refusal is not None:
            raise RefusedEnrolmentError(f"{refusal}: it needs a new invitation")
        if datetime.now(UTC) >= certificate.not_valid_after_utc and await self.issuing.has_newer(
            identity, certificate
        ):
            raise RefusedEnrolmentError(
                "This expired certificate was renewed once already: use the newer one, or ask"
                " for an invitation"
            )
        return await self._issue(identity, key)

    def _must_not_wait(self, key: str) -> None:
        wait = self.backoff.wait(key, self.seconds())
        if wait:
            raise RefusedEnrolmentError(f"Too many attempts: try again in {wait:.0f} seconds")

    async def _have_account(self, invited: Invited, hashed: tuple[bytes, bytes] | None) -> None:
        password, scram = hashed or (b"", b"")
        account = Account(invited.account, password, invited.role, _now(), scram)
        try:
            await self.accounts.add(account)
        except AccountExistsError:
            if hashed is not None:
                await self.accounts.set_password(invited.account, password, scram)
        else:
            _log.info("The account {account} was made by its invitation", account=account.name)

    async def _issue(self, identity: Identity, key: ec.EllipticCurvePublicKey) -> Issued:
        certificate, pem = await self.issuing.issue(identity, key)
        _log.info(
            "Issued a certificate to {identity}, valid until {end:%Y-%m-%d %H:%M} UTC",
            identity=identity,
            end=certificate.not_valid_after_utc,
        )
        return Issued(pem)


class EnrolmentProtocol(LineReceiver, TimeoutMixin):
    """One connection; it ends with the certificate, with a refusal, or at its time.

    ``certificate`` is what the client presented, for a renewal.
    """

    delimiter = b"\n"
    MAX_LENGTH = enrolment.MAX_LINE

    def __init__(
        self,
        service: Enrolment,
        host: str,
        exported: bytes,
        certificate: x509.Certificate | None,
        gone: Callable[[Failure], None],
        refusal: str = "",
    ) -> None:
        self._service = service
        self._host = host
        self._exported = exported
        self._certificate = certificate
        self._gone = gone
        self._refusal = refusal
        self._invited: tuple[Invited, Terms] | None = None
        self._is_busy = False
        self._is_over = False

    def connectionMade(self) -> None:
        """Greet who comes with a code, unless the handshake was not good enough."""
        self.setTimeout(PROOF)
        if self._refusal:
            self._refuse(self._refusal)
        elif self._certificate is None:
            self._send(self._service.greeting())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note that it is over."""
        self.setTimeout(None)
        self._gone(reason)

    def timeoutConnection(self) -> None:
        """Cut the connection: a farewell of TLS would wait for the other side."""
        cast(TLSTransport, self.transport).abortConnection()

    def lineReceived(self, line: bytes) -> None:
        """Answer one message; a second one at the same time is out of turn."""
        if self._is_over:
            return
        if self._is_busy:
            self._refuse("One message at a time")
            return
        self._is_busy = True
        answered = Deferred.fromCoroutine(self._answer(line))
        answered.addCallback(self._send).addErrback(self._failed)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Break off."""
        self._refuse("This is too long")

    async def _answer(self, line: bytes) -> EnrolmentMessage:
        message = enrolment.decode(line)
        match message:
            case Open() if self._certificate is None and self._invited is None:
                self._invited = await self._service.open(message, self._exported, self._host)
                self.setTimeout(PATIENCE)
                return self._invited[1]
            case Enrol() if self._invited is not None:
                return await self._service.enrol(*self._invited, message)
            case Renew() if self._certificate is not None:
                return await self._service.renew(self._certificate, message)
        raise RefusedEnrolmentError("This message is out of turn")

    def _send(self, message: EnrolmentMessage) -> None:
        self._is_busy = False
        if self._is_over or not self.connected or self.transport is None:
            return
        self.transport.write(enrolment.encode(message))
        if isinstance(message, Issued | Refusal):
            self._is_over = True
            self.setTimeout(_LINGER)
            self.transport.loseConnection()

    def _refuse(self, why: str) -> None:
        """Say why there is no certificate, and end; what comes then is not looked at."""
        if not self._is_over:
            _log.info("Refused {host} a certificate: {why}", host=self._host, why=why)
            self._send(Refusal(why))

    def _failed(self, failure: Failure) -> None:
        if failure.check(RefusedEnrolmentError, PkiError):
            self._refuse(failure.getErrorMessage())
        elif failure.check(LockedError):
            self._refuse("This server cannot sign certificates now: tell who runs it")
        elif failure.check(UnavailableError):
            self._refuse("The server's database does not answer: try again later")
        else:
            _log.failure("An enrolment failed", failure)
            self._refuse("The server could not do this: it is a fault of its own, and in its log")


@frozen
class Enrolments:
    """Takes the connections whose clients came for a certificate."""

    service: Enrolment
    tls: ServerTLS
    #: For how long after its end a certificate may be renewed.
    grace: Callable[[], timedelta]

    def take(self, protocol: ChatProtocol) -> bool:
        """Return whether it is one of these; then another protocol has its transport.

        To be called when the TLS handshake is complete.
        """
        transport = cast(TLSTransport, protocol.transport)
        chosen = transport.negotiatedProtocol
        if chosen not in (enrolment.JOIN, enrolment.RENEW):
            return False
        handle = transport.getHandle()
        certificate, refusal = None, ""
        try:
            # The exporter of an older version is not tied to the whole handshake (RFC 7627).
            if handle.get_protocol_version() < SSL.TLS1_3_VERSION:
                raise PeerRefusedError("it came for a certificate with less than TLS 1.3")
            # A ticket proves nothing of the key that a certificate is for.
            if handle.get_peer_certificate() is not None and not handle.has_verified:
                raise PeerRefusedError("it came for a certificate with a resumed session")
            if chosen == enrolment.RENEW:
                certificate = self.tls.peer_certificate(handle)
                self.tls.peer_identity(certificate, datetime.now(UTC), self.grace())
        except PeerRefusedError as error:
            refusal = f"{error}; ask for an invitation"
        protocol.connection.hand_over()
        exported = handle.export_keying_material(EXPORTER, EXPORTED)
        successor = EnrolmentProtocol(
            self.service, protocol.host, exported, certificate, protocol.connection.lost, refusal
        )
        transport.protocol = successor
        successor.makeConnection(transport)
        return True


def _must_be_good(invited: Invited) -> None:
    if invited.used is not None:
        raise RefusedEnrolmentError(_USED)
    if invited.expires <= _now():
        end = datetime.fromtimestamp(invited.expires / 1000, UTC)
        raise RefusedEnrolmentError(
            f"This invitation expired on {end:%Y-%m-%d %H:%M} UTC: ask for a new one"
        )


def _now() -> Timestamp:
    return Timestamp(time.time_ns() // 1_000_000)
