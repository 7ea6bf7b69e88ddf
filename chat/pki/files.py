"""Keys and certificates on disk: one function writes, a few read."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509

from chat.pki.authority import Authority, title
from chat.pki.errors import ExistsError, PkiError
from chat.pki.keys import (
    SigningKey,
    decode_key,
    decode_signing_key,
    is_encrypted,
    split_keys,
)
from chat.pki.layout import Layout

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def write_files(contents: Mapping[Path, bytes], *, replace: bool = False) -> list[Path]:
    """Write all of ``contents``, or none, and return the files and directories that were made.

    Every file is made with mode 0600 and every missing directory with 0700, from
    its first moment.  A file that is already there raises `ExistsError` before
    anything is written, unless ``replace``: then it is exchanged in one step, and
    a reader sees the old or the new content.  On return everything is on disk.
    """
    if not replace:
        present = [str(path) for path in contents if os.path.lexists(path)]
        if present:
            raise ExistsError(
                f"already there: {', '.join(present)}: nothing was written, move them away first"
            )
    made: list[Path] = []
    try:
        for path in dict.fromkeys(path.parent for path in contents):
            _make_directory(path, made)
        for path, content in contents.items():
            _write(path, content, made, replace=replace)
    except BaseException:
        remove_made(made)
        raise
    for directory in dict.fromkeys(path.parent for path in contents):
        sync_directory(directory)
    return made


def remove_made(paths: list[Path]) -> None:
    """Remove files, and directories that are empty by then, the last first."""
    for path in reversed(paths):
        try:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError:
            continue  # in use by something else, or gone: the first error is the one to report


def read_private(path: Path) -> bytes:
    """Return the content of a secret file; `PkiError` when others can read it.

    A pipe or a device (``/dev/stdin``) has no mode worth checking.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode)
        if os.name == "posix" and stat.S_ISREG(status.st_mode) and mode & 0o077:
            raise PkiError(f"others can read {path} (mode {mode:04o}): run chmod 600 {path}")
        return file.read()


def read_passphrase(path: Path) -> bytes:
    """Return the first line of a secret file, without its end."""
    return first_line(read_private(path), path)


def first_line(content: bytes, path: Path) -> bytes:
    """Return the passphrase in what ``path`` holds."""
    passphrase = content.partition(b"\n")[0].rstrip(b"\r")
    if not passphrase:
        raise PkiError(f"{path} holds no passphrase: its first line is empty")
    return passphrase


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates in a PEM file, at least one, in order."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise PkiError(f"{path} holds no readable certificate: restore it") from error


def read_server_key(path: Path, certificate: x509.Certificate) -> SigningKey:
    """Return the server's key that belongs to ``certificate``.

    The file may hold several keys: while one takes the place of another, both are
    there, so that a moment without a matching pair never comes.
    """
    for pem in split_keys(read_private(path)):
        if is_encrypted(pem):
            raise PkiError(
                f"{path} is encrypted, and the server starts without a person: store it decrypted"
            )
        key = decode_signing_key(pem, None, str(path))
        if key.public_key() == certificate.public_key():
            return key
    raise PkiError(f"{path} is not the key of the server's certificate: one is misplaced")


def read_issuing(layout: Layout, passphrase: bytes | None) -> Authority:
    """Return the issuing authority that signs now (0.7 s when its key is encrypted)."""
    (certificate, *_) = read_certificates(layout.issuing_certificate)
    return read_authority(certificate, layout.key_of(certificate), passphrase)


def read_authority(certificate: x509.Certificate, key: Path, passphrase: bytes | None) -> Authority:
    """Return an authority whose key is in a file; `PkiError` when it is another's."""
    private = decode_key(read_private(key), passphrase, str(key))
    if private.public_key() != certificate.public_key():
        raise PkiError(
            f"{key} is not the key of {title(certificate.subject)}: one of them is misplaced"
        )
    return Authority(certificate, private)


def _make_directory(path: Path, made: list[Path]) -> None:
    if path.is_dir():
        return
    _make_directory(path.parent, made)
    path.mkdir(mode=0o700)
    made.append(path)


def _write(path: Path, content: bytes, made: list[Path], *, replace: bool) -> None:
    """Write one file; ``made`` then has what a failure must remove."""
    target = path.with_name(f".{path.name}.{secrets.token_hex(4)}") if replace else path
    try:
        descriptor = os.open(target, _CREATE, 0o600)
    except FileExistsError as error:
        raise ExistsError(f"already there: {path}: nothing was written") from error
    made.append(target)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        target.replace(path)
        made.remove(target)


def sync_directory(path: Path) -> None:
    """Have the directory's new entries on disk, where directories can be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
