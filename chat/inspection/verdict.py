"""Whether a server's certificates can be trusted, and in words why not.

OpenSSL verifies the chain and tells all that it finds by numbers; the name is checked
as RFC 9525 says (service_identity), the strength of keys and signatures as RFC 9325
(4.1 and 4.5) recommends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import pairwise

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1
from OpenSSL.SSL import X509VerificationCodes as Codes
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity

from chat.inspection.chain import Link, host_names, key_words, name_words
from chat.inspection.report import Finding

_MIN_RSA_BITS = 2048
_MIN_EC_BITS = 224
#: Under so many days a certificate that is valid is worth a remark.
_SOON = 14

_REINSTALL = "ask who runs the server to install its whole chain again"
_NOT_AUTHORITY = (
    "not-an-authority",
    "{subject} signed a certificate, and is not allowed to sign one",
    "ask who runs the server for a certificate of a real authority",
)
_UNKNOWN = (
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT,
    Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN,
    Codes.ERR_CERT_UNTRUSTED,
)
#: What OpenSSL finds wrong with one certificate: kind, sentence, remedy.
_FINDINGS = {
    Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: (
        "self-signed",
        "the certificate is self-signed: nobody but the server itself says who it is",
        "get that certificate from who runs the server, and give it with --ca FILE",
    ),
    Codes.ERR_CERT_HAS_EXPIRED: (
        "expired",
        "the certificate of {subject} expired on {end:%Y-%m-%d %H:%M} UTC",
        "ask who runs the server to renew it, or set this computer's clock",
    ),
    Codes.ERR_CERT_NOT_YET_VALID: (
        "not-yet-valid",
        "the certificate of {subject} is not valid before {start:%Y-%m-%d %H:%M} UTC",
        "set this computer's clock, or ask who runs the server",
    ),
    Codes.ERR_INVALID_PURPOSE: (
        "wrong-purpose",
        "the certificate of {subject} is not for a server",
        "ask who runs the server for one whose extended key usage names server auth",
    ),
    Codes.ERR_CERT_SIGNATURE_FAILURE: (
        "bad-signature",
        "the signature of the certificate of {subject} is not that of its issuer's key:"
        " it is damaged or forged",
        _REINSTALL,
    ),
    Codes.ERR_INVALID_CA: _NOT_AUTHORITY,
    Codes.ERR_KEYUSAGE_NO_CERTSIGN: _NOT_AUTHORITY,
    Codes.ERR_PATH_LENGTH_EXCEEDED: (
        "path-too-long",
        "there are more authorities below {subject} than its path length allows",
        _REINSTALL,
    ),
    Codes.ERR_PERMITTED_VIOLATION: (
        "name-not-permitted",
        "an authority of the chain is not allowed to sign for the names of {subject}",
        "ask who runs the server for a certificate of another authority",
    ),
}


@frozen
class Refusal:
    """What OpenSSL's verification said of one certificate of the chain."""

    code: int
    depth: int


def identity_of(name: str) -> DNS_ID | IPAddress_ID:
    """Return what a certificate has to be for; `ValueError` for what is no host name."""
    try:
        return IPAddress_ID(str(ip_address(name)))
    except ValueError:
        return DNS_ID(name)


def judge(
    links: Sequence[Link], refusals: Sequence[Refusal], name: str, trust: str
) -> tuple[Finding, ...]:
    """Return all that is wrong with a chain, for a server that has to be ``name``.

    ``trust`` says where the authorities came from that OpenSSL trusted.
    """
    findings: dict[tuple[str, str], Finding] = {}
    for refusal in refusals:
        finding = _refused(links, refusal, trust)
        findings.setdefault((finding.kind, finding.text), finding)
    for finding in (*_wrong_name(links[0].certificate, name), *_weak(links)):
        findings.setdefault((finding.kind, finding.text), finding)
    return tuple(findings.values())


def remarks(links: Sequence[Link]) -> Iterator[str]:
    """Yield what is not wrong with a chain, and still worth knowing."""
    own = links[0].words
    if 0 <= own.days_left < _SOON:
        yield f"The certificate expires in {own.days_left} days: renew it now."
    for link, following in pairwise(links):
        if link.certificate.issuer != following.certificate.subject:
            yield (
                f"The chain is out of order: {following.words.subject} follows, and is not the"
                f" issuer of {link.words.subject}."
            )
    last = links[-1].certificate
    if len(links) > 1 and last.issuer == last.subject:
        yield "The server sends the root authority too, which nobody needs: who trusts it has it."


def _refused(links: Sequence[Link], refusal: Refusal, trust: str) -> Finding:
    # Above what the server sent, OpenSSL went on with certificates that are trusted.
    link = links[min(refusal.depth, len(links) - 1)]
    if refusal.code in _UNKNOWN:
        return _unknown(links, trust)
    kind, text, remedy = _FINDINGS.get(
        refusal.code,
        ("refused", "the certificate of {subject} failed OpenSSL's check {code}", _REINSTALL),
    )
    words = link.words
    values = {"subject": words.subject, "start": words.valid_from, "end": words.valid_until}
    return Finding(kind, text.format(code=refusal.code, **values), remedy)


def _unknown(links: Sequence[Link], trust: str) -> Finding:
    """Say why no trusted authority was found at the chain's end.

    A server's certificate that comes alone is nearly always one whose intermediate
    certificate was forgotten; an authority signs few servers directly.
    """
    last = links[-1].words
    if len(links) == 1:
        return Finding(
            "missing-intermediate",
            f"the server sends only its own certificate; that of its issuer, {last.issuer},"
            f" is missing, and not among {trust}",
            "ask who runs the server to install the intermediate certificate too;"
            " if there is none, give the authority with --ca FILE",
        )
    return Finding(
        "unknown-authority",
        f"the chain ends at {last.issuer}, which is not among {trust}",
        "check the address; if it is the right server, give its authority with --ca FILE",
    )


def _wrong_name(certificate: x509.Certificate, name: str) -> Iterator[Finding]:
    try:
        verify_service_identity(extract_patterns(certificate), [identity_of(name)], [])
    except (VerificationError, CertificateError):
        names = ", ".join(host_names(certificate)) or "nobody, it has no alternative names"
        yield Finding(
            "wrong-name",
            f"the server is not {name}: its certificate is for {names}",
            "check the address, or say with --name which name it has to be",
        )


def _weak(links: Sequence[Link]) -> Iterator[Finding]:
    for link in links:
        certificate = link.certificate
        subject = name_words(certificate.subject)
        if _is_weak(certificate):
            yield Finding(
                "weak-key",
                f"the key of {subject} is too weak: {key_words(certificate)}",
                "ask who runs the server for a new key: RSA of 2048 bits, or ECDSA P-256",
            )
        # Nobody checks the signature that a root has made of itself.
        if certificate.issuer != certificate.subject and _is_forgeable(certificate):
            yield Finding(
                "weak-signature",
                f"the signature of the certificate of {subject} can be forged:"
                f" {link.words.signature}",
                "ask who runs the server for a certificate that is signed with SHA-256",
            )


def _is_weak(certificate: x509.Certificate) -> bool:
    try:
        key = certificate.public_key()
    except UnsupportedAlgorithm:
        return False
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return key.key_size < _MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _MIN_EC_BITS


def _is_forgeable(certificate: x509.Certificate) -> bool:
    try:
        return isinstance(certificate.signature_hash_algorithm, MD5 | SHA1)
    except UnsupportedAlgorithm:
        return False
