"""The client's side of TLS: whom we trust, who we are, and refusals in words.

Only the profile's authority is trusted, the server's name is verified as RFC 9525
says (service_identity), TLS 1.3 is used, and 1.2 with a server that has no more.
No ALPN is offered: servers that know no name for IRC break the connection off.
The session of a connection that is over is resumed by the next one, where the server
gives tickets; it is in memory only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, cast

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from OpenSSL import SSL, crypto
from OpenSSL.SSL import X509VerificationCodes as Codes
from service_identity import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from zope.interface import implementer

from chat.client.events import Rejected

if TYPE_CHECKING:
    from twisted.protocols.tls import TLSMemoryBIOProtocol

#: TLS 1.2: ECDHE and AEAD only (RFC 9325, 4.2).
_TLS12_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
_ASK = "ask who runs the server"
#: The remedy where one's own certificate is worth nothing any more.
NEW_CERTIFICATE = "ask for an invitation (securechat invite NAME) and run securechat join"

#: Why we refused the server's chain, by OpenSSL's code, with the remedy.
_FOREIGN = (
    "{server} has a certificate of another authority than {authority}",
    "check the address and the authority file",
)
_SERVER_REFUSED = {
    Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: _FOREIGN,
    Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: _FOREIGN,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: _FOREIGN,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: _FOREIGN,
    Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: _FOREIGN,
    Codes.ERR_CERT_SIGNATURE_FAILURE: _FOREIGN,
    Codes.ERR_CERT_HAS_EXPIRED: (
        "the certificate of {server} expired on {end:%Y-%m-%d %H:%M} UTC",
        "ask who runs the server to renew it, or set this computer's clock",
    ),
    Codes.ERR_CERT_NOT_YET_VALID: (
        "the certificate of {server} is not valid before {start:%Y-%m-%d %H:%M} UTC",
        "set this computer's clock",
    ),
    Codes.ERR_INVALID_PURPOSE: ("{server} presents a certificate that is not a server's", _ASK),
}
#: What the server's alert says of our certificate (RFC 8446, 6.2), with the remedy.
_ALERTS = {
    "certificate required": (
        "the server wants a certificate, and none was presented",
        "give a profile (--dir), or a certificate (--cert FILE.pem --ca FILE)",
    ),
    "unknown ca": (
        "the server does not know the authority that issued your certificate",
        "use the certificate that this network issued to you",
    ),
    "certificate revoked": ("your certificate is revoked", NEW_CERTIFICATE),
    "certificate expired": ("the server says that your certificate has expired", NEW_CERTIFICATE),
    "bad certificate": ("the server does not accept your certificate", NEW_CERTIFICATE),
    "unsupported certificate": (
        "your certificate is not one for a client",
        "use the certificate that this network issued to you",
    ),
    "certificate unknown": ("the server does not accept your certificate", NEW_CERTIFICATE),
    "access denied": ("the server denies access to your certificate", _ASK),
    "protocol version": ("the server speaks no version of TLS that is safe", _ASK),
    "handshake failure": (
        "the server broke the TLS handshake off",
        "check that a certificate is given, and that the server speaks TLS 1.2 or 1.3",
    ),
}
#: Other reasons in OpenSSL's error queue.
_NOT_TLS = ("the server does not speak TLS on this port", "check the port")
_REASONS = {
    "wrong version number": _NOT_TLS,
    "packet length too long": _NOT_TLS,
    "record layer failure": _NOT_TLS,
    "unsupported protocol": _ALERTS["protocol version"],
}


#: The kinds of key that TLS 1.2 and 1.3 can sign with, as this program allows.
PrivateKey = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


@frozen
class Credentials:
    """What a client presents (``certificates``: its own first, or none) and trusts."""

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKey | None
    authorities: tuple[x509.Certificate, ...]
    #: Where the authorities were read from, for messages.
    authority_source: str
    #: The file with our certificate and key.
    source: Path | None = None

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """The authorities that nobody signed but themselves."""
        return tuple(each for each in self.authorities if each.issuer == each.subject)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Our own certificate, and the authorities between it and the root."""
        known = dict.fromkeys((*self.certificates, *self.authorities))
        return tuple(each for each in known if each.issuer != each.subject)

    @property
    def expires(self) -> datetime | None:
        """When our own certificate ends."""
        return self.certificates[0].not_valid_after_utc if self.certificates else None


class ClientConnection(SSL.Connection):
    """A connection that remembers what it presents, and why the server was refused."""

    refusal: Rejected | None = None
    presents: Credentials | None = None
    #: Whether it ended without the server's farewell.
    was_cut: bool = False

    def bio_shutdown(self) -> None:
        """Take the end of the bytes for the end of TLS (Twisted calls this).

        OpenSSL spoils the session of a connection that breaks, which is the one to
        resume.  Only TLS 1.0 asks for that (RFC 5246, 7.2.1), and a line of IRC that was
        cut has no end: nobody takes it for whole.
        """
        self.was_cut = not self.get_shutdown() & SSL.RECEIVED_SHUTDOWN
        self.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
        super().bio_shutdown()


@frozen
class _Kept:
    """A session to resume, and until when what was verified is valid."""

    session: SSL.Session
    until: datetime


@implementer(IOpenSSLClientConnectionCreator)
class ClientTLS:
    """Makes TLS connections to one server, for ``wrapClientTLS``.

    ``server_name`` is a DNS name or an IP address, and has to be in the server's
    certificate.
    """

    def __init__(self, credentials: Credentials, server_name: str) -> None:
        self.credentials = credentials
        self.server_name = server_name
        try:
            self._identity: DNS_ID | IPAddress_ID = IPAddress_ID(str(ip_address(server_name)))
        except ValueError:
            self._identity = DNS_ID(server_name)
        self._context = self._make_context()
        self._kept: _Kept | None = None

    def clientConnectionForTLS(
        self,
        tlsProtocol: TLSMemoryBIOProtocol,  # noqa: N803
    ) -> SSL.Connection:
        """Return a connection that is about to begin its handshake (Twisted calls this)."""
        connection = ClientConnection(self._context, None)
        connection.presents = self.credentials
        if isinstance(self._identity, DNS_ID):
            connection.set_tlsext_host_name(self._identity.hostname)
        # Once: a ticket that is used again shows that it is the same client (RFC 8446, C.4),
        # and one that the server refuses must not be in the way of a full handshake.
        kept, self._kept = self._kept, None
        if kept is not None and datetime.now(UTC) < kept.until:
            connection.set_session(kept.session)
        return connection

    def present(self, credentials: Credentials) -> None:
        """Use other credentials, from the next connection on."""
        self.credentials = credentials
        self._context = self._make_context()
        self._kept = None

    def keep_session(self, connection: SSL.Connection) -> None:
        """Have the next connection resume the session of this one, if the server lets it.

        To be called when the server has welcomed us: in TLS 1.3 its tickets come behind the
        handshake.  Nothing verifies a certificate then, so it is not done when the
        server's or ours has ended, or we have another one by now.
        """
        if isinstance(connection, ClientConnection) and connection.presents is not self.credentials:
            return
        session = connection.get_session()
        theirs = connection.get_peer_certificate(as_cryptography=True)
        if session is not None and theirs is not None:
            ends = (theirs.not_valid_after_utc, self.credentials.expires)
            self._kept = _Kept(session, min(end for end in ends if end is not None))

    def rejection(self, connection: SSL.Connection, error: BaseException | None) -> Rejected | None:
        """Return why TLS ended a connection, or ``None`` when it was something else.

        In TLS 1.3 the server's refusal of our certificate comes with the first read
        after our own handshake has succeeded.
        """
        if isinstance(connection, ClientConnection) and connection.refusal is not None:
            return connection.refusal
        if not isinstance(error, SSL.Error) or isinstance(error, SSL.SysCallError):
            return None
        queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
        for entry in queue:
            reason = str(entry[2]).casefold()
            _, alert, name = reason.partition(" alert ")
            cause, remedy = (_ALERTS if alert else _REASONS).get(name or reason, ("", ""))
            if cause:
                return Rejected(self._more_precisely(name, cause), remedy)
            if alert:
                return Rejected(f"the server broke TLS off: {name}", _ASK)
        return None

    def _more_precisely(self, alert: str, cause: str) -> str:
        # The alert for an expired certificate is also that for an expired revocation list.
        if alert == "certificate expired" and self.credentials.expires is not None:
            return f"{cause} (it is valid until {self.credentials.expires:%Y-%m-%d %H:%M} UTC)"
        return cause

    def _make_context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(_TLS12_CIPHERS)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if self.credentials.certificates and self.credentials.key is not None:
            own, *chain = self.credentials.certificates
            context.use_certificate(own)
            context.use_privatekey(self.credentials.key)
            for certificate in chain:
                context.add_extra_chain_cert(certificate)
        trusted = cast(crypto.X509Store, context.get_cert_store())  # None without a context only
        for certificate in self.credentials.authorities:
            trusted.add_cert(crypto.X509.from_cryptography(certificate))
        context.set_verify(SSL.VERIFY_PEER, self._verify)
        return context

    def _verify(
        self, connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, ok: int
    ) -> bool:
        """Accept a link of the server's chain, or remember why not (OpenSSL calls this)."""
        refusal = None if ok else self._refusal(certificate, code)
        if refusal is None and depth == 0:
            refusal = self._wrong_name(certificate)
        if refusal is not None and isinstance(connection, ClientConnection):
            connection.refusal = connection.refusal or refusal
        return refusal is None

    def _refusal(self, certificate: crypto.X509, code: int) -> Rejected:
        cause, remedy = _SERVER_REFUSED.get(
            code, (f"the certificate of {{server}} failed OpenSSL's check number {code}", _ASK)
        )
        link = certificate.to_cryptography()
        words = cause.format(
            server=self.server_name,
            authority=self.credentials.authority_source,
            start=link.not_valid_before_utc,
            end=link.not_valid_after_utc,
        )
        return Rejected(words, remedy)

    def _wrong_name(self, certificate: crypto.X509) -> Rejected | None:
        try:
            patterns = extract_patterns(certificate)
            verify_service_identity(patterns, [self._identity], [])
        except VerificationError:
            names = ", ".join(_names(certificate.to_cryptography()))
            return Rejected(
                f"the server is not {self.server_name}: its certificate is for {names}",
                "check the address, or server_name in profile.toml",
            )
        except Exception as error:  # an exception in an OpenSSL callback would pass as success
            return Rejected(f"the certificate of {self.server_name} is unreadable: {error}", _ASK)
        return None


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ["nobody"]
    return [
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    ] or ["nobody"]
