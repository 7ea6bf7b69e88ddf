"""The one key under which everything in the vault is sealed, and where it comes from.

A passphrase, through Argon2id (RFC 9106); a file with 32 bytes, which may be anywhere, for
instance on a stick; or the system's keyring, where the library for that is installed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat.e2e.canonical import decode, encode
from chat.e2e.errors import CipherError, E2eError, VaultError

KEY = 32
SALT = 16
#: RFC 9106, section 4, the second recommended option: 64 MiB, 3 passes, 4 lanes.
MEMORY = 64 * 1024
PASSES = 3
LANES = 4

_NONCE = bytes(12)
_SERVICE = "securechat e2e"


def stretch(passphrase: str, salt: bytes) -> bytes:
    """Return the key of a passphrase; takes a tenth of a second and 64 MiB.

    Raises `E2eError` for an empty passphrase.
    """
    if not passphrase.strip():
        raise E2eError("the passphrase is empty: enter six words, say")
    kdf = Argon2id(salt=salt, length=KEY, iterations=PASSES, lanes=LANES, memory_cost=MEMORY)
    return kdf.derive(passphrase.encode())


def derive(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    """Return a key for one purpose (HKDF-SHA-256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY, salt=salt, info=info).derive(key)


def seal(key: bytes, salt: bytes, about: bytes, plaintext: bytes) -> bytes:
    """Return ``plaintext`` sealed under a key of its own, which ``salt`` makes: so use it once.

    ``about`` says what it is; opened as anything else it does not open (AES-256-GCM).
    """
    return AESGCM(derive(key, salt, about)).encrypt(_NONCE, plaintext, about)


def unseal(key: bytes, salt: bytes, about: bytes, sealed: bytes) -> bytes:
    """Return what `seal` sealed; `CipherError` for another key, purpose or content."""
    try:
        return AESGCM(derive(key, salt, about)).decrypt(_NONCE, sealed, about)
    except InvalidTag as error:
        raise CipherError("it was sealed under another key, or changed") from error


def key_from_file(path: Path, random: Callable[[int], bytes]) -> bytes:
    """Return the key in a file, which is made, mode 0600, where there is none."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise VaultError(f"cannot make {path}: {error.strerror}: name another file") from error
    key = random(KEY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def key_from_keyring(name: str, random: Callable[[int], bytes]) -> bytes | None:
    """Return the key that the system's keyring has under ``name``, made where it has none.

    ``None`` where the library is not installed, or finds no keyring that it can use.
    """
    try:
        import keyring
    except ImportError:
        return None
    ring: Any = keyring
    try:
        kept = ring.get_password(_SERVICE, name)
        if kept is None:
            key = random(KEY)
            ring.set_password(_SERVICE, name, encode(key))
            return key
        return decode(kept)
    except (ring.errors.KeyringError, RuntimeError):
        return None


def _read(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes()
    except OSError as error:
        raise VaultError(f"cannot read {path}: {error.strerror}: bring it back") from error
    if os.name == "posix" and mode & 0o077:
        raise VaultError(f"others can read {path} (mode {mode:04o}): run chmod 600 {path}")
    if len(key) != KEY:
        raise VaultError(f"{path} is no key of {KEY} bytes: name another file")
    return key
