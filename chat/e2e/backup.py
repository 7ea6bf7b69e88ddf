"""A backup of what decrypts the past, in one file under a recovery passphrase.

It holds the keys of rooms, not the identity of this device: two that were one would break
each other's sessions.  A device that takes it in reads what the other one could.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from chat.e2e.canonical import decode, encode, list_of, read_object, text_of, to_bytes
from chat.e2e.envelope import identity
from chat.e2e.errors import CipherError, E2eError, MalformedError
from chat.e2e.master import SALT, seal, stretch, unseal
from chat.e2e.olm import Inbound as Session
from chat.e2e.rooms import Inbound, Rooms

FORMAT = "securechat e2e backup v1"


@frozen
class Restored:
    """How many sessions of rooms were in a backup, and how many of them were new here."""

    sessions: int
    new: int


def export(rooms: Rooms, passphrase: str, random: Callable[[int], bytes]) -> bytes:
    """Return the backup; takes a tenth of a second for the passphrase."""
    sessions = [
        {
            "device": str(each.device),
            "to": each.to,
            "key": each.session.exported(each.session.first),
            "via": each.via,
        }
        for each in rooms.all_inbound()
    ]
    words, salt = random(SALT), random(SALT)
    key = stretch(passphrase, words)
    sealed = seal(key, salt, FORMAT.encode(), to_bytes({"v": 1, "sessions": sessions}))
    return to_bytes(
        {
            "format": FORMAT,
            "kdf": "argon2id 64MiB 3 passes 4 lanes",
            "passphrase_salt": encode(words),
            "salt": encode(salt),
            "sealed": encode(sealed),
        }
    )


def restore(rooms: Rooms, backup: bytes, passphrase: str) -> Restored:
    """Take a backup in; `E2eError` for a wrong passphrase or another file."""
    try:
        outer = read_object(backup)
        if text_of(outer, "format") != FORMAT:
            raise MalformedError("another format")
        key = stretch(passphrase, decode(text_of(outer, "passphrase_salt")))
        salt, sealed = decode(text_of(outer, "salt")), decode(text_of(outer, "sealed"))
    except MalformedError as error:
        raise E2eError(f"that is no backup of keys ({error}): name another file") from error
    try:
        value = read_object(unseal(key, salt, FORMAT.encode(), sealed))
    except CipherError as error:
        raise E2eError("the passphrase does not open the backup: try it again") from error
    new = 0
    sessions = list_of(value, "sessions")
    for each in sessions:
        session = Session.imported(text_of(each, "key"))
        device = identity(text_of(each, "device"))
        new += rooms.add(Inbound(device, text_of(each, "to"), session, text_of(each, "via")))
    return Restored(len(sessions), new)
