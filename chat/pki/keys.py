"""Private keys as bytes: encrypted with a passphrase, or not.

With a passphrase a key is in the standard OpenSSH container, whose key derivation
is bcrypt_pbkdf with a number of rounds of our choice; the PKCS#8 that the library
writes would use 2,048 rounds of PBKDF2 only.  ``ssh-keygen -p -f FILE`` changes the
passphrase.  Without one it is PKCS#8.
Source: OpenSSH, PROTOCOL.key.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from chat.pki.errors import PassphraseError, PkiError

#: Of bcrypt_pbkdf: 0.67 s per attempt on a 2024 server core (OpenSSH's own default is 24).
ROUNDS = 100

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def encode_key(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None) -> bytes:
    """Return ``key`` as PEM, encrypted when there is a passphrase (takes 0.7 s then)."""
    if passphrase is None:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if not passphrase:
        raise PassphraseError("the passphrase is empty: enter one, or say --no-passphrase")
    encryption = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(ROUNDS).build(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def decode_key(pem: bytes, passphrase: bytes | None, source: str) -> ec.EllipticCurvePrivateKey:
    """Return the key in ``pem``; ``source`` names it in errors.

    A passphrase for a key that needs none is ignored.  Raises `PassphraseError` for
    a missing or wrong passphrase, `PkiError` for anything but an EC private key.
    """
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
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PkiError(f"{source} is not an ECDSA key: it was not made by this program")
    return key


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
