"""How a device gets its certificate: with an invitation's code, or with the one it has.

Everything here blocks, each step for `TIMEOUT` seconds at the most: a command line
calls it, or a thread.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from typing import TypeVar

from attrs import field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from OpenSSL import SSL

from chat.client.profile import Address, Profile
from chat.irc.formatting import strip_formatting
from chat.pki import enrolment
from chat.pki.authority import Identity, new_key
from chat.pki.enrolment import EnrolmentMessage, Greeting, Issued, Refusal, Terms
from chat.pki.errors import InvitationError, PkiError
from chat.pki.invitation import EXPORTED, EXPORTER, Invitation, prove, public_part
from chat.pki.requests import make_device_request

#: Seconds for each step: to connect, to shake hands, for one answer.
TIMEOUT = 20.0

#: Called with the network's name, its root and the terms, before the invitation is used
#: up; returns the password for the account where the terms want one.
Agree = Callable[[str, x509.Certificate, Terms], str | None]
_Expected = TypeVar("_Expected", bound=EnrolmentMessage)


class UnreachableError(PkiError):
    """There is no server at the address now."""


@frozen
class Enrolled:
    """What a device has got."""

    identity: Identity
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    #: The device's certificate, and the issuing authority's.
    certificates: tuple[x509.Certificate, ...]
    root: x509.Certificate
    network: str
    #: The password that was chosen, if one was.
    password: str | None = field(default=None, repr=False)


def join(invitation: Invitation, agree: Agree) -> Enrolled:
    """Use an invitation: return the new device's key and certificate.

    What ``agree`` raises ends it, and the invitation is as good as before.  Raises
    `InvitationError` or `PkiError`, whose texts say what to do, and `OSError`.
    """
    address = Address.parse(invitation.address)
    with _Line.open(address, enrolment.JOIN) as line:
        greeting = line.receive(Greeting)
        network = strip_formatting(greeting.network)
        root = _only(greeting.authority)
        if not invitation.is_by(root):
            raise InvitationError(
                f"the server at {address} is of another network than the code: check the address"
                " with who invited you"
            )
        line.must_be(address.host, root)
        key = invitation.key()
        line.send(enrolment.Open(public_part(key), prove(key, line.exported())))
        terms = line.receive(Terms)
        identity = Identity(terms.account, terms.device)
        password = agree(network, root, terms)
        own = new_key()
        line.send(enrolment.Enrol(make_device_request(own).decode(), password))
        certificates = _certificates(line.receive(Issued).certificate)
    _must_fit(certificates, own, identity)
    return Enrolled(identity, own, certificates, root, network, password)


def renew(profile: Profile, *, key: ec.EllipticCurvePrivateKey) -> tuple[x509.Certificate, ...]:
    """Return a new certificate for the device of ``profile``, and the issuing authority's.

    ``key`` is the one that it will be for, the old one or another.
    """
    own = profile.credentials
    if not own.certificates or own.key is None:
        raise PkiError("there is no certificate to renew: join with an invitation")
    context = _context(enrolment.RENEW)
    context.use_certificate(own.certificates[0])
    context.use_privatekey(own.key)
    for certificate in own.certificates[1:]:
        context.add_extra_chain_cert(certificate)
    with _Line.open(profile.address, enrolment.RENEW, context) as line:
        line.must_be(profile.server_name, *own.authorities)
        line.send(enrolment.Renew(make_device_request(key).decode()))
        certificates = _certificates(line.receive(Issued).certificate)
    _must_fit(certificates, key, Identity.from_certificate(own.certificates[0]))
    return certificates


class _Line:
    """A TLS connection of lines, each within its time."""

    def __init__(self, raw: socket.socket, context: SSL.Context, address: Address) -> None:
        self._raw = raw
        self._address = address
        self._connection = SSL.Connection(context, raw)
        self._connection.set_connect_state()
        self._connection.set_tlsext_host_name(address.host.encode("idna"))
        self._buffer = b""

    @classmethod
    def open(cls, address: Address, protocol: bytes, context: SSL.Context | None = None) -> _Line:
        """Return a connection whose handshake is done, and nothing verified."""
        try:
            raw = socket.create_connection((address.host, address.port), TIMEOUT)
        except OSError as error:
            raise UnreachableError(
                f"cannot reach {address}: {error.strerror or error}: check the address, and that"
                " the server runs"
            ) from error
        raw.setblocking(False)
        line = cls(raw, context or _context(protocol), address)
        try:
            line._do(line._connection.do_handshake)
            if line._connection.get_alpn_proto_negotiated() != protocol:
                raise PkiError(f"the server at {address} does not make certificates")
        except BaseException:
            raw.close()
            raise
        return line

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *error: object) -> None:
        self._raw.close()

    def must_be(self, name: str, *authorities: x509.Certificate) -> None:
        """Raise `PkiError` unless the server proved that it is ``name``."""
        chain = self._connection.get_peer_cert_chain(as_cryptography=True) or []
        try:
            subject: x509.IPAddress | x509.DNSName = x509.IPAddress(ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        builder = PolicyBuilder().store(Store(list(authorities))).time(datetime.now(UTC))
        if chain:
            _must_be_in_time(self._address, chain[0])
        try:
            builder.build_server_verifier(subject).verify(chain[0], chain[1:])
        except (VerificationError, IndexError) as error:
            raise PkiError(
                f"the server at {self._address} did not prove that it is {name}: {error}:"
                " nothing was sent to it"
            ) from error

    def exported(self) -> bytes:
        """Return what only the two ends of this TLS session have."""
        return self._connection.export_keying_material(EXPORTER, EXPORTED)

    def send(self, message: EnrolmentMessage) -> None:
        """Send one message."""
        rest = enrolment.encode(message)
        while rest:
            rest = rest[self._do(partial(self._connection.send, rest)) :]

    def receive(self, expected: type[_Expected]) -> _Expected:
        """Return the next message; a refusal of the server is raised."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > enrolment.MAX_LINE:
                raise PkiError(f"{self._address} does not speak this program's language")
            self._buffer += self._do(partial(self._connection.recv, 4096))
        line, _, self._buffer = self._buffer.partition(b"\n")
        message = enrolment.decode(line)
        if isinstance(message, Refusal):
            # Whoever is there may have sent it, and it goes to a terminal.
            raise InvitationError(strip_formatting(" ".join(message.text.split())))
        if not isinstance(message, expected):
            raise PkiError(f"the server at {self._address} answered out of turn")
        return message

    def _do(self, step: Callable[[], _T]) -> _T:
        """Return what ``step`` returns, once the socket lets it."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                return step()
            except SSL.WantReadError:
                reads, writes = [self._raw], []
            except SSL.WantWriteError:
                reads, writes = [], [self._raw]
            except SSL.Error as error:
                raise PkiError(
                    f"the server at {self._address} closed the connection: {_reason(error)}"
                ) from error
            left = deadline - time.monotonic()
            if left <= 0 or not any(select.select(reads, writes, [], left)):
                raise PkiError(f"the server at {self._address} did not answer in {TIMEOUT:.0f} s")


_T = TypeVar("_T")


def _must_be_in_time(address: Address, certificate: x509.Certificate) -> None:
    """Name the time where that is what is wrong, for it may be this computer's clock."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if datetime.now(UTC) < start:
        wrong = f"is not valid before {start:%Y-%m-%d %H:%M} UTC: set this computer's clock"
    elif datetime.now(UTC) > end:
        wrong = (
            f"expired on {end:%Y-%m-%d %H:%M} UTC: ask who runs the server to renew it, or set"
            " this computer's clock"
        )
    else:
        return
    raise PkiError(f"the certificate of {address} {wrong}; nothing was sent to it")


def _context(protocol: bytes) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_protos([protocol])
    # Whom to trust comes with the greeting, or from the profile: `must_be` verifies.
    context.set_verify(SSL.VERIFY_NONE)
    return context


def _reason(error: SSL.Error) -> str:
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(queue[0][2]) if queue else "it hung up"


def _only(pem: str) -> x509.Certificate:
    (found, *more) = _certificates(pem)
    if more:
        raise PkiError("the server names more than one authority")
    return found


def _certificates(pem: str) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError as error:
        raise PkiError("the server sent a certificate that cannot be read") from error


def _must_fit(
    certificates: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey, identity: Identity
) -> None:
    if (
        certificates[0].public_key() != key.public_key()
        or Identity.from_certificate(certificates[0]) != identity
    ):
        raise PkiError("the server sent a certificate that is somebody else's")
