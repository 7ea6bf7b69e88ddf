"""The server's part of the authority: it keeps the revocation list fresh."""

from __future__ import annotations

from datetime import datetime, timedelta

from chat.pki.files import read_certificates, read_passphrase
from chat.pki.revocation import RevocationList, renew_revocations
from chat.server.config import Config

#: The age at which the list is signed anew.
_DUE = timedelta(days=1)


def renew_if_due(config: Config, now: datetime) -> bool:
    """Sign the revocation list anew when it is a day old; return whether it was done.

    Needs the issuing authority's key in ``[authority] directory``, and blocks for
    about a second where that has a passphrase.  Raises `PkiError` or `OSError`.
    """
    authorities = read_certificates(config.path(config.tls.authority))
    path = config.path(config.tls.revocations)
    revocations = RevocationList.parse(path.read_bytes(), authorities)
    if now - revocations.issued < _DUE:
        return False
    authority = config.authority
    passphrase = None
    if authority.passphrase_file:
        passphrase = read_passphrase(config.path(authority.passphrase_file))
    renew_revocations(config.path(authority.directory), passphrase, now)
    return True
