"""What a signing request says: a public key, and for an issuing authority its network.

Nothing else of a request gets into a certificate: the authority writes all other
fields itself.
Source: RFC 2986 (PKCS #10).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chat.pki.authority import network_name
from chat.pki.errors import PkiError


def make_request(key: ec.EllipticCurvePrivateKey, root: x509.Certificate) -> bytes:
    """Return a request for an issuing authority with ``key`` under ``root``, as PEM."""
    name = x509.NameAttribute(NameOID.ORGANIZATION_NAME, network_name(root))
    return _sign(key, x509.Name([name]))


def make_device_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a request for a device with ``key``, which says nothing but that, as PEM."""
    return _sign(key, x509.Name([]))


def requested_key(pem: bytes, root: x509.Certificate, source: str) -> ec.EllipticCurvePublicKey:
    """Return the public key that a request wants ``root`` to certify as an issuing authority.

    Raises `PkiError` for anything but a request of the same network, with an ECDSA
    P-256 key, signed with that key; ``source`` names it.
    """
    key, subject = _read(pem, source, ": make one with securechat ca request")
    names = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    name = names[0].value if names else "nobody"
    if name != network_name(root):
        raise PkiError(f"{source} is of the network {name!r}, the root of {network_name(root)!r}")
    return key


def requested_device_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of a device's request; raises as `requested_key`."""
    key, _ = _read(pem, "the request")
    return key


def _sign(key: ec.EllipticCurvePrivateKey, subject: x509.Name) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _read(pem: bytes, source: str, remedy: str = "") -> tuple[ec.EllipticCurvePublicKey, x509.Name]:
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        is_signed = request.is_signature_valid
        subject = request.subject
    except Exception as error:
        # cryptography has no one class for what a strange request may raise.
        raise PkiError(f"{source} is no signing request{remedy}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise PkiError(f"{source} asks for another kind of key than ECDSA P-256")
    if not is_signed:
        raise PkiError(f"{source} is not signed with the key that it is about")
    return key, subject
