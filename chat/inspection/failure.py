"""Why a handshake did not succeed, in words.

Source: RFC 8446, 6 (alerts).
"""

from __future__ import annotations

from enum import Enum

from chat.inspection.records import Transcript, looks_like_tls
from chat.inspection.report import Finding

#: RFC 8446, 6 and B.2; RFC 5246, 7.2.
_ALERTS = {
    10: "unexpected message",
    20: "bad record mac",
    22: "record overflow",
    40: "handshake failure",
    42: "bad certificate",
    43: "unsupported certificate",
    44: "certificate revoked",
    45: "certificate expired",
    46: "certificate unknown",
    47: "illegal parameter",
    48: "unknown ca",
    49: "access denied",
    50: "decode error",
    51: "decrypt error",
    70: "protocol version",
    71: "insufficient security",
    80: "internal error",
    86: "inappropriate fallback",
    90: "user canceled",
    100: "no renegotiation",
    109: "missing extension",
    110: "unsupported extension",
    112: "unrecognized name",
    113: "bad certificate status response",
    115: "unknown psk identity",
    116: "certificate required",
    120: "no application protocol",
}
#: What to do about an alert; where it is not here, the server's log has to tell.
_REMEDIES = {
    40: "it may want another version, another cipher or a client certificate (--dir, --cert)",
    70: "ask who runs the server to turn TLS 1.2 or 1.3 on",
    112: "check the name, or give another one with --name",
    116: "present a certificate: give a profile (--dir), or --cert FILE.pem",
}
_CERTIFICATE_ALERTS = range(42, 50)
_ASK_LOG = "look into the server's log"
_CHECK_PORT = "check the port"
#: How much of what a server says in place of TLS is shown.
_QUOTED = 60


class End(Enum):
    """How a handshake ended that did not succeed."""

    SILENT = "silent"
    CLOSED = "closed"
    RESET = "reset"
    #: Our own side broke it off.
    OURS = "ours"


def alert_name(number: int) -> str:
    """Return the name of an alert as the RFC has it, with spaces."""
    return _ALERTS.get(number, f"number {number}")


def explain(
    end: End, stream: bytes, transcript: Transcript, reason: str, timeout: float
) -> Finding:
    """Return why a handshake failed.

    ``stream`` is all that the server sent, ``reason`` what OpenSSL said when our side
    gave up, ``timeout`` the deadline in seconds that passed when it was silent.
    """
    if stream and not looks_like_tls(stream):
        return _other_protocol(stream)
    if transcript.alerts:
        return refusal(transcript.alerts[0])
    said = "after a part of its handshake" if stream else "without a word"
    match end:
        case End.SILENT if stream:
            return Finding(
                "silent",
                f"the server does not finish its handshake within {timeout:g} s",
                "give it more time with --timeout",
            )
        case End.SILENT:
            return Finding(
                "silent",
                f"the server accepts the connection and then is silent for {timeout:g} s",
                "check the port: servers of other protocols wait like that for plain text;"
                " or give it more time with --timeout",
            )
        case End.CLOSED:
            return Finding("closed", f"the server closes the connection {said}", _CHECK_PORT)
        case End.RESET:
            return Finding("reset", f"the server resets the connection {said}", _CHECK_PORT)
        case End.OURS:
            return Finding(
                "incompatible",
                f"the server answers, and OpenSSL breaks the handshake off: {reason}",
                "ask who runs the server to turn TLS 1.2 or 1.3 on, or to mend its TLS",
            )


def refusal(alert: int) -> Finding:
    """Return what an alert of the server says."""
    remedy = _REMEDIES.get(alert, _ASK_LOG)
    if alert in _CERTIFICATE_ALERTS:
        remedy = "present a certificate that an authority of this server issued (--dir, --cert)"
    return Finding("alert", f"the server answers with the alert {alert_name(alert)!r}", remedy)


def _other_protocol(stream: bytes) -> Finding:
    protocols = ((b"SSH-", "SSH"), (b"HTTP/", "HTTP without TLS"), (b"RFB ", "VNC"))
    name = next((name for start, name in protocols if stream.startswith(start)), None)
    if name is not None:
        return Finding("not-tls", f"the server speaks {name}, not TLS", _CHECK_PORT)
    line = stream.partition(b"\n")[0].strip()[:_QUOTED]
    if line.isascii() and line.decode("ascii").isprintable() and line:
        text = f"the server speaks plain text, not TLS: {line.decode('ascii')!r}"
        remedy = "check the port; STARTTLS is not spoken here"
        return Finding("not-tls", text, remedy)
    return Finding("not-tls", "the server speaks something that is not TLS", _CHECK_PORT)
