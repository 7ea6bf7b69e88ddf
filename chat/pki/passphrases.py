"""Where a program that nobody watches has the passphrase of the authority's keys from.

A file, or a credential that systemd gives to a service: a file in the directory that
$CREDENTIALS_DIRECTORY names, "accessible to the user associated with the unit".  A
passphrase is never an argument and never in the environment itself.
Source: systemd.exec(5), section Credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chat.pki.errors import PassphraseError
from chat.pki.files import first_line, read_passphrase

#: How a configuration names a credential in place of a file: ``credential:NAME``.
PREFIX = "credential:"
#: The credential that is taken where nothing is configured.
NAME = "securechat-passphrase"


def find_passphrase(
    configured: str, directory: Path, environment: Mapping[str, str]
) -> bytes | None:
    """Return the passphrase that is ``configured``, ``None`` where there is none.

    ``configured`` is a path, relative to ``directory``, or ``credential:NAME``, or
    empty: then it is the credential `NAME`, if the service has it.
    """
    if configured and not configured.startswith(PREFIX):
        return read_passphrase(directory / configured)
    name = configured.removeprefix(PREFIX)
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials is not None:
        path = Path(credentials) / (name or NAME)
        if path.is_file():
            # The mode says nothing: systemd adds an access control list for the service's user.
            return first_line(path.read_bytes(), path)
    if name:
        raise PassphraseError(
            f"there is no credential {name} here: run the program as a service with"
            f" LoadCredential={name}:/path/to/file, or give --passphrase-file"
        )
    return None
