"""Where the keys of a profile's device are, and how they are opened: the engine's beginning.

They are in a vault beside the scrollback, which one process has at a time.  What opens it is
a file beside the certificate, made at the first use, or a passphrase where ``profile.toml``
says ``vault = "passphrase"``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256

from chat.client.profile import Profile
from chat.client.sealing import Sealing
from chat.e2e.errors import E2eError, VaultError
from chat.pki.authority import Identity
from chat.pki.errors import PkiError
from chat.pki.keys import SigningKey

if TYPE_CHECKING:
    from chat.e2e.engine import Engine

#: The key's file, beside the certificate.
KEY_FILE = "encryption.key"
#: A revocation list of the authority, beside its certificates: read where it is there.
LIST_FILE = "revoked.crl"
#: Characters of a name in the name of a file.
_READABLE = 48

#: Returns a passphrase for something, ``None`` where nobody can be asked.
Ask = Callable[[str], str | None]


def open_sealing(profile: Profile, directory: Path, ask: Ask = lambda text: None) -> Sealing:
    """Return what encrypts for a profile; where that cannot be, it says why not.

    ``directory`` is where the program keeps its data.
    """
    try:
        return Sealing(open_engine(profile, directory, ask))
    except VaultError as error:
        # Where there never were any, nobody was ever told that this device encrypts.
        device = Identity.from_certificate(profile.credentials.certificates[0])
        has_keys = vault_path(profile, device, directory).exists()
        return Sealing(None, str(error), has_keys=has_keys)
    except E2eError as error:
        return Sealing(None, str(error))


def open_engine(profile: Profile, directory: Path, ask: Ask = lambda text: None) -> Engine:
    """Open the vault of a profile's device; raises `E2eError`."""
    from chat.e2e.engine import Engine
    from chat.e2e.master import key_from_file
    from chat.e2e.vault import Vault, with_key, with_passphrase

    credentials, roots = profile.credentials, profile.credentials.roots
    if not credentials.certificates or credentials.source is None or not roots:
        raise E2eError("without a certificate of one's own nothing is encrypted: join the network")
    if not isinstance(credentials.key, SigningKey):
        raise E2eError("the certificate's key is of a kind that cannot vouch: renew it")
    try:
        device = Identity.from_certificate(credentials.certificates[0])
    except PkiError as error:
        raise E2eError(f"{error}: use one that this network issued") from error
    path = vault_path(profile, device, directory)
    if profile.vault == "passphrase":
        passphrase = ask(f"Passphrase of the encryption keys of {device}")
        if not passphrase:
            raise VaultError(f"{path} has a passphrase: start on a terminal, and enter it")
        unlock = with_passphrase(passphrase)
    else:
        unlock = with_key(key_from_file(credentials.source.with_name(KEY_FILE), os.urandom))
    engine = Engine(
        Vault.open(path, unlock, os.urandom),
        device,
        credentials.key,
        credentials.chain,
        roots,
        clock=lambda: datetime.now(UTC),
        random=os.urandom,
    )
    revoked = credentials.source.with_name(LIST_FILE)
    if revoked.exists():
        engine.revoked(revoked.read_bytes())
    return engine


def vault_path(profile: Profile, device: Identity, directory: Path) -> Path:
    """Return where the keys of a device are, under the data ``directory`` of the program.

    The digest is over the network's authority, in which all trust ends: an address changes.
    """
    root = min(profile.credentials.roots, key=lambda each: each.not_valid_before_utc)
    digest = sha256(f"{device}\0{profile.server_name}\0".encode() + root.fingerprint(SHA256()))
    words = [
        re.sub(r"[^\w.-]", "_", word, flags=re.ASCII)[:_READABLE].lstrip(".")
        for word in (device.account, device.device, profile.server_name)
    ]
    name = f"{words[0]}-{words[1]}@{words[2]}-{digest.hexdigest()[:8]}.vault"
    return directory / "e2e" / name
