"""The two tiers of authority, and the certificates that they sign.

Pure: every function returns certificates or lists; nothing is written, and the
time comes in.  Keys are ECDSA P-256, signatures SHA-256, serials 159 random bits
(RFC 5280 section 4.1.2.2), and every validity starts five minutes in the past for
clocks that are behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from chat.irc.names import is_account_name
from chat.pki.errors import IdentityError, PkiError

BACKDATED = timedelta(minutes=5)
ROOT_LIFETIME = timedelta(days=3652)
ISSUING_LIFETIME = timedelta(days=730)
SERVER_LIFETIME = timedelta(days=90)
DEVICE_LIFETIME = timedelta(days=30)

#: RFC 5280, appendix A.1: ub-common-name and ub-organization-name.
MAX_NAME = 64
_MAX_NETWORK_NAME = MAX_NAME - len(" issuing authority")

_URI = re.compile(r"urn:securechat:account:([^:]+):device:([^:]+)")
#: What looking for an extension raises.
_UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
)
_DNS_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


@frozen
class Identity:
    """Whose certificate it is: an account and one of its devices.

    The constructor raises `IdentityError` for a name that is not one of
    `[A-Za-z][A-Za-z0-9_-]*` of at most 64 characters, so that either is safe in a
    URI, in a file name and in a log line.
    """

    account: str
    device: str

    def __attrs_post_init__(self) -> None:
        for kind, name in (("account", self.account), ("device", self.device)):
            if not is_account_name(name, MAX_NAME):
                raise IdentityError(
                    f"{name!r} cannot name a{'n' * (kind == 'account')} {kind}: use at most"
                    f" {MAX_NAME} letters, digits, '-' and '_', a letter first"
                )

    def __str__(self) -> str:
        return f"{self.account}/{self.device}"

    @property
    def uri(self) -> str:
        """The identity as the certificate's subject alternative name."""
        return f"urn:securechat:account:{self.account}:device:{self.device}"

    @classmethod
    def from_certificate(cls, certificate: x509.Certificate) -> Identity:
        """Return the identity in the certificate's only SAN; `IdentityError` otherwise."""
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except _UNREADABLE as error:
            raise IdentityError("the certificate names no account and device") from error
        if len(names.value) != 1:
            raise IdentityError("the certificate has more than one subject alternative name")
        uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
        match = _URI.fullmatch(uris[0]) if uris else None
        if match is None:
            raise IdentityError("the certificate names no account and device")
        return cls(match[1], match[2])


@frozen
class Authority:
    """A certificate that may sign others, with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new ECDSA P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_root(network: str, now: datetime) -> Authority:
    """Return a new root authority of ``network``: 10 years, path length 1."""
    key = new_key()
    name = _authority_name(network, "root authority")
    builder = _builder(name, key.public_key(), _start(now), _start(now) + ROOT_LIFETIME)
    builder = _with_authority_extensions(builder.issuer_name(name), path_length=1)
    return Authority(builder.sign(key, SHA256()), key)


def make_issuing(root: Authority, now: datetime) -> Authority:
    """Return a new issuing authority under ``root``, with a key of its own."""
    key = new_key()
    return Authority(certify_issuing(root, key.public_key(), now), key)


def certify_issuing(
    root: Authority, public_key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.Certificate:
    """Return the certificate of an issuing authority: 2 years, path length 0.

    Its name is that of the network of ``root``.  Two authorities of a network differ in
    the qualifier, which comes of the key: a list belongs to one issuer's name (RFC
    5280, section 5.2.3), and X.520 has dnQualifier to tell names apart.
    """
    name = _authority_name(network_name(root.certificate), "issuing authority")
    qualifier = x509.NameAttribute(NameOID.DN_QUALIFIER, short_key_id(public_key))
    name = x509.Name([*name, qualifier])
    builder = _builder(name, public_key, *_validity(root, now, ISSUING_LIFETIME))
    return _sign(_with_authority_extensions(builder, path_length=0), root)


def network_name(authority: x509.Certificate) -> str:
    """Return the name of the network whose authority it is, its own where it is nobody's."""
    attributes = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(attributes[0].value) if attributes else authority.subject.rfc4514_string()


def title(name: x509.Name) -> str:
    """Return a certificate's name for people: the common name, and what tells it apart."""
    parts = [
        str(attribute.value)
        for oid in (NameOID.COMMON_NAME, NameOID.DN_QUALIFIER)
        for attribute in name.get_attributes_for_oid(oid)
    ]
    return printable(" ".join(parts) or name.rfc4514_string())


def printable(text: str) -> str:
    """Return what stands in a certificate of anybody's without what a terminal obeys."""
    return "".join(character if character.isprintable() else "?" for character in text)


def key_id(certificate: x509.Certificate) -> bytes:
    """Return what identifies the public key in a certificate (section 4.2.1.2, method 1)."""
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def short_key_id(key: CertificatePublicKeyTypes) -> str:
    """Return the start of a key's identifier, as names and file names have it."""
    return x509.SubjectKeyIdentifier.from_public_key(key).digest[:4].hex()


def issue_server(
    issuing: Authority,
    public_key: ec.EllipticCurvePublicKey,
    hosts: Sequence[str],
    now: datetime,
    lifetime: timedelta = SERVER_LIFETIME,
) -> x509.Certificate:
    """Return a certificate for a server that is reached as ``hosts``.

    Each host is a DNS name in ASCII or an IP address; `PkiError` for anything else
    and for none at all.  It serves as a server's certificate only (EKU serverAuth).
    """
    names = [_general_name(host) for host in dict.fromkeys(hosts)]
    if not names:
        raise PkiError("a server certificate needs at least one host name or address")
    return _issue_leaf(
        issuing,
        public_key,
        hosts[0][:MAX_NAME],
        names,
        ExtendedKeyUsageOID.SERVER_AUTH,
        _validity(issuing, now, lifetime),
    )


def issue_device(
    issuing: Authority,
    public_key: ec.EllipticCurvePublicKey,
    identity: Identity,
    now: datetime,
    lifetime: timedelta = DEVICE_LIFETIME,
) -> x509.Certificate:
    """Return the certificate of one device of an account.

    It serves as a client's certificate only (EKU clientAuth), its common name is
    the account and its only SAN the identity's URI.
    """
    return _issue_leaf(
        issuing,
        public_key,
        identity.account,
        [x509.UniformResourceIdentifier(identity.uri)],
        ExtendedKeyUsageOID.CLIENT_AUTH,
        _validity(issuing, now, lifetime),
    )


def whole_seconds(moment: datetime) -> datetime:
    """Return ``moment`` in UTC without its fraction of a second, as certificates hold it."""
    return moment.astimezone(UTC).replace(microsecond=0)


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return the extension that ties what ``issuer`` signed to its key (section 4.2.1.1)."""
    subject = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject.value)


def _issue_leaf(
    issuing: Authority,
    public_key: ec.EllipticCurvePublicKey,
    common_name: str,
    names: Sequence[x509.GeneralName],
    purpose: ObjectIdentifier,
    validity: tuple[datetime, datetime],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(subject, public_key, *validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return _sign(builder, issuing)


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .subject_name(subject)
        .public_key(key)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _with_authority_extensions(
    builder: x509.CertificateBuilder, path_length: int
) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=path_length), critical=True
    ).add_extension(_key_usage(digital_signature=False), critical=True)


def _sign(builder: x509.CertificateBuilder, issuer: Authority) -> x509.Certificate:
    return (
        builder.issuer_name(issuer.certificate.subject)
        .add_extension(authority_key_identifier(issuer.certificate), critical=False)
        .sign(issuer.key, SHA256())
    )


def _start(now: datetime) -> datetime:
    return whole_seconds(now - BACKDATED)


def _validity(issuer: Authority, now: datetime, lifetime: timedelta) -> tuple[datetime, datetime]:
    """Return start and end, the end never behind the issuer's own (`PkiError`: it is over)."""
    end = issuer.certificate.not_valid_after_utc
    if now >= end:
        raise PkiError(
            f"the certificate of {title(issuer.certificate.subject)} ended on"
            f" {end:%Y-%m-%d}: it can sign nothing more, make a new one"
            " (securechat ca rotate-issuing)"
        )
    if lifetime <= timedelta(0):
        raise PkiError("a certificate must be valid for longer than nothing")
    return _start(now), whole_seconds(min(now + lifetime, end))


def _key_usage(*, digital_signature: bool) -> x509.KeyUsage:
    """Return what a leaf's key does (signatures), or an authority's (certificates, lists)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=not digital_signature,
        crl_sign=not digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_name(network: str, role: str) -> x509.Name:
    if not 0 < len(network) <= _MAX_NETWORK_NAME or not network.isprintable():
        raise PkiError(
            f"{network!r} cannot name a network: use 1 to {_MAX_NETWORK_NAME} printable characters"
        )
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, network),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{network} {role}"),
        ]
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    if len(host) > 253 or not all(_DNS_LABEL.fullmatch(label) for label in host.split(".")):
        raise PkiError(
            f"{host!r} is no host name or address: write a name like chat.example.org (ASCII;"
            " an international name in its xn-- form) or an address like 192.0.2.1, no port"
        )
    return x509.DNSName(host)
