"""Why a handshake did not succeed, in words for one line of the server's log."""

from __future__ import annotations

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.SSL import X509VerificationCodes as Codes
from twisted.python.failure import Failure

from chat.pki.authority import Identity
from chat.pki.errors import IdentityError

NO_CERTIFICATE = "it presented no certificate"
WRONG_PURPOSE = "its certificate has the wrong purpose, it is not a client's"
_UNKNOWN_AUTHORITY = "its certificate is of an unknown authority"
#: Why OpenSSL refused a chain; {who} is what the certificate claims.
_REFUSALS = {
    Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
    Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: _UNKNOWN_AUTHORITY,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: _UNKNOWN_AUTHORITY,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: _UNKNOWN_AUTHORITY,
    Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: _UNKNOWN_AUTHORITY,
    Codes.ERR_CERT_SIGNATURE_FAILURE: "the signature of its certificate is forged",
    Codes.ERR_CERT_HAS_EXPIRED: "the certificate of {who} expired on {end:%Y-%m-%d %H:%M} UTC",
    Codes.ERR_CERT_NOT_YET_VALID: (
        "the certificate of {who} is not valid before {start:%Y-%m-%d %H:%M} UTC"
    ),
    Codes.ERR_CERT_REVOKED: "the certificate of {who} is revoked",
    Codes.ERR_INVALID_PURPOSE: WRONG_PURPOSE,
    Codes.ERR_INVALID_CA: "its certificate was signed by one that is no authority",
    Codes.ERR_PATH_LENGTH_EXCEEDED: "its certificate was signed by one that is no authority",
    Codes.ERR_KEYUSAGE_NO_CERTSIGN: "its certificate was signed by one that is no authority",
    Codes.ERR_UNABLE_TO_GET_CRL: "there is no revocation list of its certificate's authority",
    Codes.ERR_CRL_HAS_EXPIRED: "this server's revocation list is out of date: renew it",
    Codes.ERR_CRL_NOT_YET_VALID: "this server's revocation list is from the future: set the clock",
}

_NOT_TLS = "it does not speak TLS"
_NO_SHARED_CIPHER = "it offers no cipher that is accepted here"
#: Why a handshake failed, by the reason that OpenSSL puts in its error queue.
_REASONS = {
    "peer did not return a certificate": NO_CERTIFICATE,
    "unsupported protocol": "its TLS version is too old",
    "unknown protocol": _NOT_TLS,
    "wrong version number": _NOT_TLS,
    "http request": "it speaks HTTP, not TLS",
    "https proxy request": "it speaks HTTP, not TLS",
    "packet length too long": _NOT_TLS,
    "record too small": _NOT_TLS,
    "no shared cipher": _NO_SHARED_CIPHER,
    "no suitable key share": "it offers no key exchange that is accepted here",
    "no suitable signature algorithm": "it offers no signature algorithm that is accepted here",
}
_HUNG_UP = "it hung up during the handshake"


class PeerRefusedError(Exception):
    """A certificate that passed the handshake is not good enough; the text says why."""


def explain_failure(connection: SSL.Connection | None, failure: Failure) -> str:
    """Say in words why a handshake did not succeed, for one line of the log.

    ``connection`` is the transport's handle (``None`` when it is gone), ``failure``
    what connectionLost was called with.  The text is about the peer ("it presented
    no certificate") and holds nothing of the peer's that could break a line.
    """
    remembered: str | None = getattr(connection, "refusal", None)
    if remembered is not None:
        return remembered
    error = failure.value
    if isinstance(error, PeerRefusedError):
        return str(error)
    if not isinstance(error, SSL.Error) or isinstance(error, SSL.SysCallError):
        return _HUNG_UP
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [str(entry[2]).casefold() for entry in queue]
    for reason in reasons:
        if reason in _REASONS:
            return _REASONS[reason]
        if " alert " in reason:
            return f"it refused this server: {reason.partition(' alert ')[2]}"
    return f"the handshake failed: {reasons[-1]}" if reasons else _HUNG_UP


def refusal(code: int, certificate: x509.Certificate) -> str:
    """Return why OpenSSL, by its ``code``, does not accept a link of a chain."""
    words = _REFUSALS.get(code)
    if words is None:
        return f"its certificate failed OpenSSL's check number {code}"
    try:
        who = str(Identity.from_certificate(certificate))
    except IdentityError:
        who = "somebody unnamed"
    return words.format(
        who=who, start=certificate.not_valid_before_utc, end=certificate.not_valid_after_utc
    )
