"""The server's side of TLS: who gets in, and in words why somebody did not.

A client certificate is demanded and checked against the network's authorities:
chain, validity, purpose (EKU clientAuth) and the leaf against its issuer's
revocation list.
Sessions are resumed only where the configuration allows it, with tickets whose keys are
in one context's memory.  OpenSSL checks nothing on a resumed one: `ServerTLS` does.
Sources: RFC 8446, RFC 9325 (section 4.2 for TLS 1.2's ciphers), RFC 7301 (ALPN).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path
from socket import socket
from typing import cast

from attrs import evolve, frozen
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto
from OpenSSL.SSL import X509VerificationCodes as Codes

from chat.pki.authority import Identity
from chat.pki.enrolment import JOIN, RENEW
from chat.pki.errors import IdentityError, PkiError, RevocationError
from chat.pki.files import read_certificates, read_server_key
from chat.pki.revocation import RevocationLists
from chat.server.refusals import NO_CERTIFICATE, WRONG_PURPOSE, PeerRefusedError, refusal
from chat.server.tls_socket import TLSSocket

#: What ALPN calls the protocols: IRC's lines, and the HTTP that WebSocket begins with.
ALPN_IRC, ALPN_HTTP = b"irc", b"http/1.1"

_TLS13_CIPHERS = b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#: ECDHE and AEAD only: forward secrecy, and none of CBC's padding.
_TLS12_CIPHERS = b":".join(
    b"ECDHE-%s-%s" % (signature, cipher)
    for cipher in (b"AES256-GCM-SHA384", b"CHACHA20-POLY1305", b"AES128-GCM-SHA256")
    for signature in (b"ECDSA", b"RSA")
)
#: Key exchanges, the best first: OpenSSL's default has weak ones too.
_GROUPS = b"X25519MLKEM768:X25519:P-256:P-384"
_SESSION_ID_CONTEXT = b"securechat"
_NO_AUTO_CHAIN = 0x8  # SSL_MODE_NO_AUTO_CHAIN: the root is not sent
_MODE = _NO_AUTO_CHAIN | SSL.MODE_RELEASE_BUFFERS
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
#: Certificates of which it is remembered what they say: to read it takes longer than to verify it.
KNOWN = 1024
#: Seconds that a ticket is good for.
TICKET_LIFETIME = 3600


class TLSVersion(Enum):
    """The oldest version of TLS that is accepted, by its name in the configuration."""

    TLS12 = "1.2"
    TLS13 = "1.3"


_OPENSSL_VERSIONS = {
    TLSVersion.TLS12: SSL.TLS1_2_VERSION,
    TLSVersion.TLS13: SSL.TLS1_3_VERSION,
}


@frozen
class TLSFiles:
    """Where the server's side of TLS is on disk (the section [tls] of the configuration)."""

    certificate: Path
    key: Path
    authority: Path
    revocations: Path

    @property
    def all(self) -> tuple[Path, ...]:
        """All of them."""
        return self.certificate, self.key, self.authority, self.revocations


@frozen
class Credentials:
    """One consistent reading of the files, and the OpenSSL context made of it."""

    certificate: x509.Certificate
    revocations: RevocationLists
    #: Makes such a context: each has keys of its own for its tickets.
    make_context: Callable[[], SSL.Context]
    context: SSL.Context


class ServerConnection(TLSSocket):
    """A connection that knows what it may be for, and why its peer's certificate was refused."""

    #: What is accepted in ALPN, and what was chosen.
    accepted: tuple[bytes, ...] = (ALPN_IRC,)
    chosen: bytes | None = None
    refusal: str | None = None
    #: Whether this handshake verified a certificate: one that resumes a session does not.
    has_verified: bool = False


class ServerTLS:
    """Makes the server's TLS connections, for a `TLSPort`.

    The constructor reads the files as `reload` does; ``resumes`` says whether clients
    get tickets that they can resume their sessions with.
    """

    def __init__(
        self, files: TLSFiles, minimum: TLSVersion, now: datetime, *, resumes: bool = False
    ) -> None:
        #: Whether devices may come for a certificate (`chat.server.enrolment`).
        self.enrols = False
        self.files = files
        self._minimum = minimum
        self._resumes = resumes
        self.credentials = load_credentials(files, minimum, now, None, resumes=resumes)

    def reload(self, now: datetime) -> None:
        """Read the files again; connections made from here on use what they hold.

        Raises `PkiError` or `OSError` when a file is missing or wrong, the list stale
        or older than the one in force: what was in force then stays so.
        """
        self.credentials = load_credentials(
            self.files,
            self._minimum,
            now,
            self.credentials.revocations,
            resumes=self._resumes,
        )

    def rotate_ticket_keys(self) -> None:
        """Forget the keys of all tickets: who has one makes a full handshake next time."""
        self.credentials = evolve(self.credentials, context=self.credentials.make_context())

    def accept(self, accepted: socket) -> ServerConnection:
        """Return the connection of one accepted client, before its handshake."""
        connection = ServerConnection(self.credentials.context, accepted)
        connection.set_accept_state()
        if self.enrols:
            connection.accepted = (ALPN_IRC, JOIN, RENEW)
        return connection

    def peer_certificate(self, connection: ServerConnection) -> x509.Certificate:
        """Return the peer's certificate, whose chain is good by what is in force now.

        To be called in handshakeCompleted.  A resumed session verified nothing, and a
        handshake that began before a reload did so against the old files: then the
        chain is verified here, as in a full handshake.  Of what is above the peer's
        certificate a ticket holds nothing: all of that must be in the authorities' file.
        Raises `PeerRefusedError`.
        """
        certificate = connection.get_peer_certificate()
        if certificate is None:
            raise PeerRefusedError(NO_CERTIFICATE)
        in_force = self.credentials.context
        if not connection.has_verified or connection.get_context() is not in_force:
            store = cast(crypto.X509Store, in_force.get_cert_store())
            try:
                crypto.X509StoreContext(store, certificate).verify_certificate()
            except crypto.X509StoreContextError as error:
                words = refusal(error.errors[0], error.certificate.to_cryptography())
                raise PeerRefusedError(words) from error
        return certificate.to_cryptography()

    def peer_identity(
        self, certificate: x509.Certificate, now: datetime, grace: timedelta = timedelta()
    ) -> Identity:
        """Return whose certificate it is, which the handshake found good.

        To be called in handshakeCompleted, and before that nothing may be written.
        Checks again what may have changed since the context was made, and what
        OpenSSL takes for granted; raises `PeerRefusedError`.  With ``grace`` the
        certificate may have ended so long ago.
        """
        try:
            identity = _identity(certificate)
        except IdentityError as error:
            raise PeerRefusedError(str(error)) from error
        if self.credentials.revocations.revokes(certificate):
            raise PeerRefusedError(f"the certificate of {identity} is revoked")
        if now >= certificate.not_valid_after_utc + grace:
            end = certificate.not_valid_after_utc
            raise PeerRefusedError(
                f"the certificate of {identity} expired on {end:%Y-%m-%d %H:%M} UTC"
            )
        if not _is_for_clients(certificate):
            raise PeerRefusedError(WRONG_PURPOSE)
        return identity


@frozen
class WebTLS:
    """Makes the same connections, for a listener whose protocol is HTTP."""

    tls: ServerTLS

    def accept(self, accepted: socket) -> ServerConnection:
        """Return the connection of one accepted client, before its handshake."""
        connection = self.tls.accept(accepted)
        connection.accepted = (ALPN_HTTP,)
        return connection


def load_credentials(
    files: TLSFiles,
    minimum: TLSVersion,
    now: datetime,
    in_force: RevocationLists | None,
    *,
    resumes: bool = False,
) -> Credentials:
    """Read and check the files, and return what to serve with.

    Raises `PkiError` that names the file, or `OSError`.
    """
    own, *chain = read_certificates(files.certificate)
    if now >= own.not_valid_after_utc:
        raise PkiError(
            f"{files.certificate} expired on {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC:"
            " make a new one (securechat ca renew-server)"
        )
    key = read_server_key(files.key, own)
    authorities = read_certificates(files.authority)
    try:
        revocations = RevocationLists.parse(files.revocations.read_bytes(), authorities)
        revocations.check(now, in_force, authorities)
    except RevocationError as error:
        raise RevocationError(f"{files.revocations}: {error}") from error

    def make_context() -> SSL.Context:
        context = _context(minimum, resumes=resumes)
        context.use_certificate(own)
        context.use_privatekey(key)
        for certificate in chain:
            context.add_extra_chain_cert(certificate)
        store = cast(crypto.X509Store, context.get_cert_store())  # None without a context only
        for certificate in authorities:
            store.add_cert(crypto.X509.from_cryptography(certificate))
        for each in revocations.lists:
            store.add_crl(each.crl)
        store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
        return context

    return Credentials(own, revocations, make_context, make_context())


def _context(minimum: TLSVersion, *, resumes: bool) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_OPENSSL_VERSIONS[minimum])
    context.set_cipher_list(_TLS12_CIPHERS)
    context.set_tls13_ciphersuites(_TLS13_CIPHERS)
    # pyOpenSSL has this function in its bindings, and no method for it.
    if SSL._lib.SSL_CTX_set1_curves_list(context._context, _GROUPS) != 1:  # type: ignore[attr-defined]
        raise RuntimeError("OpenSSL does not know the key exchanges that are wanted")
    # In TLS 1.3 OpenSSL then sends two tickets all the same, and takes none back.
    context.set_options(_OPTIONS if resumes else _OPTIONS | SSL.OP_NO_TICKET)
    context.set_mode(_MODE)
    # A session is in its ticket and nowhere else: no memory for clients that are gone.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_timeout(TICKET_LIFETIME)
    context.set_session_id(_SESSION_ID_CONTEXT)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _remember_refusal)
    context.set_alpn_select_callback(_select_protocol)
    # The names of the authorities that are accepted are not sent: a stranger learns
    # nothing, and a client with a wrong certificate presents it, so that the log
    # can say what is wrong.
    return context


def _select_protocol(
    connection: SSL.Connection, offered: list[bytes]
) -> bytes | SSL._NoOverlappingProtocols:
    """Take a protocol that is accepted where one is offered; else go on without (no alert).

    Who comes to join has no certificate yet: it is not asked for one, and reaches
    nothing but `chat.server.enrolment`.  A session that began there is never resumed.
    """
    if not isinstance(connection, ServerConnection):
        return SSL.NO_OVERLAPPING_PROTOCOLS
    connection.chosen = next((name for name in connection.accepted if name in offered), None)
    if connection.chosen in (JOIN, RENEW):
        connection.set_options(SSL.OP_NO_TICKET)
    if connection.chosen == JOIN:
        connection.set_verify(SSL.VERIFY_NONE, _remember_refusal)
    return connection.chosen or SSL.NO_OVERLAPPING_PROTOCOLS


def _remember_refusal(
    connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, ok: int
) -> bool:
    """Leave the decision as it is, and keep the reason of the first refusal.

    OpenSSL calls this in each handshake that verifies a certificate.  Who comes to renew
    one may come too late: `ServerTLS.peer_identity` says how late.
    """
    if not isinstance(connection, ServerConnection):
        return bool(ok)
    connection.has_verified = True
    if code == Codes.ERR_CERT_HAS_EXPIRED and depth == 0 and connection.chosen == RENEW:
        return True
    if not ok and connection.refusal is None:
        try:
            connection.refusal = refusal(code, certificate.to_cryptography())
        except ValueError:  # OpenSSL reads certificates that cryptography does not
            connection.refusal = "its certificate is malformed"
    return bool(ok)


@lru_cache(maxsize=KNOWN)
def _identity(certificate: x509.Certificate) -> Identity:
    return Identity.from_certificate(certificate)


@lru_cache(maxsize=KNOWN)
def _is_for_clients(certificate: x509.Certificate) -> bool:
    """Return whether the extended key usage is there and names clientAuth."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage.value
