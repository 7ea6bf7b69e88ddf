"""The server's part of the authority: it keeps the revocation lists fresh."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from chat.pki.authority import title
from chat.pki.errors import RevocationError
from chat.pki.files import read_certificates
from chat.pki.layout import Layout
from chat.pki.lists import lists_are_due, renew_lists
from chat.pki.passphrases import find_passphrase
from chat.pki.revocation import RevocationLists
from chat.server.config import Config

#: The age at which a list is signed anew.
_DUE = timedelta(days=1)


def renew_if_due(config: Config, now: datetime) -> bool:
    """Sign the revocation lists anew when one is a day old; return whether it was done.

    Needs the issuing authority's key in ``[authority] directory``, and blocks for
    about a second where that has a passphrase.  Where the authority is somebody
    else's, whoever runs it brings the lists: a late one is a `RevocationError`.
    Raises `PkiError` or `OSError`.
    """
    authority = config.authority
    if not authority.directory:
        _complain_when_late(config, now)
        return False
    layout = Layout(config.path(authority.directory))
    if not lists_are_due(layout, now, _DUE):
        return False
    passphrase = find_passphrase(authority.passphrase_file, config.directory, os.environ)
    renew_lists(layout, passphrase, now)
    return True


def _complain_when_late(config: Config, now: datetime) -> None:
    path = config.path(config.tls.revocations)
    authorities = read_certificates(config.path(config.tls.authority))
    for each in RevocationLists.parse(path.read_bytes(), authorities).lists:
        if each.half_life_passed(now):
            raise RevocationError(
                f"{path}: the list of {title(each.authority.subject)} ends on"
                f" {each.ends:%Y-%m-%d %H:%M} UTC, and half of its time is over: bring its next"
                " one, and send the server SIGHUP"
            )
