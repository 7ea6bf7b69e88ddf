"""Private keys as bytes: encrypted with a passphrase, or not.

With a passphrase a key is in the standard OpenSSH container, whose key derivation
is bcrypt_pbkdf with a number of rounds of our choice; the PKCS#8 that the library
writes would use 2,048 rounds of PBKDF2 only.  ``ssh-keygen -p -f FILE`` changes the
passphrase.  Without one it is PKCS#8.
Source: OpenSSH, PROTOCOL.key.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from chat.pki.errors import PassphraseError, PkiError

#: Of bcrypt_pbkdf: 0.67 s per attempt on a 2024 server core (OpenSSH's own default is 24).
ROUNDS = 100

#: Keys that sign a TLS handshake.
SigningKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----\s*", re.DOTALL)


def encode_key(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None) -> bytes:
    """Return ``key`` as PEM, encrypted when there is a passphrase (takes 0.7 s then)."""
    if passphrase is None:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if not passphrase:
        raise PassphraseError("the passphrase is empty: enter one, or say --no-passphrase")
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(ROUNDS).build(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def decode_key(pem: bytes, passphrase: bytes | None, source: str) -> ec.EllipticCurvePrivateKey:
    """Return the authority's key in ``pem``; ``source`` names it in errors.

    A passphrase for a key that needs none is ignored.  Raises `PassphraseError` for
    a missing or wrong passphrase, `PkiError` for anything but an EC private key.
    """
    key = decode_signing_key(pem, passphrase, source)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError(f"{source} is not an ECDSA key: it was not made by this program")
    return key


def decode_signing_key(pem: bytes, passphrase: bytes | None, source: str) -> SigningKey:
    """Return the key in ``pem``, which may be of others: EC, RSA or Ed25519."""
    load = load_ssh_private_key if pem.lstrip().startswith(_OPENSSH) else load_pem_private_key
    try:
        key = load(pem, passphrase if is_encrypted(pem) else None)
    except TypeError as error:
        raise PassphraseError(
            f"{source} is encrypted: give its passphrase (--passphrase-file)"
        ) from error
    except ValueError as error:
        if passphrase and is_encrypted(pem):
            raise PassphraseError(f"the passphrase does not open {source}") from error
        raise PkiError(f"{source} is not a private key: restore it from a backup") from error
    if not isinstance(key, SigningKey):
        raise PkiError(f"{source} is not an ECDSA, RSA or Ed25519 key: make one that is")
    return key


def split_keys(pem: bytes) -> list[bytes]:
    """Return the private keys of a file, each as it is there; the whole where there is none."""
    return [match[0] for match in _BLOCK.finditer(pem)] or [pem]


def public_numbers(pem: bytes) -> ec.EllipticCurvePublicNumbers | None:
    """Return the public part of an authority's key without its passphrase.

    OpenSSH's container has it in the clear.  ``None`` where it cannot be told.
    """
    public: object
    try:
        if pem.lstrip().startswith(_OPENSSH):
            public = load_ssh_public_key(_public_line(pem))
        else:
            public = load_pem_private_key(pem, None).public_key()
    except (TypeError, ValueError, struct.error, Base64Error):
        return None
    return public.public_numbers() if isinstance(public, ec.EllipticCurvePublicKey) else None


def _public_line(pem: bytes) -> bytes:
    """Return the public key of OpenSSH's container as a line of its own.

    The container is the magic, three strings (cipher, key derivation and its
    options), the number of keys, and the first public key, as a string.
    """
    body = b64decode(b"".join(pem.split(b"-----")[2].split()))
    position = len(_MAGIC)
    for _ in range(3):
        position += 4 + int(struct.unpack_from(">I", body, position)[0])
    start = position + 8
    blob = body[start : start + int(struct.unpack_from(">I", body, position + 4)[0])]
    kind = blob[4 : 4 + int(struct.unpack_from(">I", blob)[0])]
    return kind + b" " + b64encode(blob)


def is_encrypted(pem: bytes) -> bool:
    """Return whether the key in ``pem`` needs a passphrase (nothing else is checked)."""
    load = load_ssh_private_key if pem.lstrip().startswith(_OPENSSH) else load_pem_private_key
    try:
        load(pem, None)
    except TypeError:
        return True
    except ValueError:
        return False
    return False
