"""The keys of this device: who it is, and what others begin a session with.

A one-time key begins one session and is forgotten with it.  The fallback key serves when
the server has no one-time key left; it is renewed each week, and the last one still works.
Each is signed with its kind, its id and its device, so that none can be passed for another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen

from chat.e2e.bundle import Bundle
from chat.e2e.canonical import decode, read_object, text_of, to_bytes
from chat.e2e.errors import BundleError, CipherError, MalformedError
from chat.e2e.olm import MOST_ONE_TIME_KEYS, Account, verify
from chat.e2e.vault import Vault
from chat.pki.authority import Identity

FALLBACK_LIFETIME = timedelta(days=7)
ONE_TIME = "otk"
FALLBACK = "fallback"

_KIND = "account"


@frozen
class PublicKey:
    """A signed key of a device, to begin a session with."""

    id: str
    key: str
    kind: str


class OwnKeys:
    """The account of this device, in the vault; made where there is none."""

    def __init__(self, vault: Vault, device: Identity) -> None:
        self._vault = vault
        self._device = device
        kept = vault.get(_KIND, str(device))
        self.olm = Account() if kept is None else Account.unpickle(kept["pickle"])
        self._fallback: float = 0 if kept is None else kept["fallback"]
        #: How many fallback keys there were.
        self.generation: int = 0 if kept is None else kept["generation"]
        if kept is None:
            self.save()

    def save(self) -> None:
        """Note the account's state; it changes with each session that begins."""
        self._vault.put(
            _KIND,
            str(self._device),
            {
                "pickle": self.olm.pickle(),
                "fallback": self._fallback,
                "generation": self.generation,
            },
        )

    def missing(self, kept: int, now: datetime) -> bytes | None:
        """Return the payload of new keys where the server keeps only ``kept``, else ``None``."""
        keys = []
        if kept < MOST_ONE_TIME_KEYS:
            made = self.olm.make_one_time_keys(MOST_ONE_TIME_KEYS - kept)
            keys += [self._signed(ONE_TIME, name, key) for name, key in made.items()]
        if now.timestamp() - self._fallback >= FALLBACK_LIFETIME.total_seconds():
            self._fallback = now.timestamp()
            self.generation += 1
            keys.append(self._signed(FALLBACK, *self.olm.make_fallback_key()))
        if not keys:
            return None
        self.save()
        return to_bytes({"keys": keys})

    def _signed(self, kind: str, name: str, key: str) -> dict[str, str]:
        signature = self.olm.sign(signed_text(kind, self._device, name, key))
        return {"id": name, "key": key, "kind": kind, "sig": signature}


def signed_text(kind: str, device: Identity, name: str, key: str) -> bytes:
    """Return what a device signs of a key that begins sessions."""
    return b"securechat e2e key v1\0" + "\0".join((kind, device.uri, name, key)).encode()


def verify_key(payload: bytes, bundle: Bundle) -> PublicKey:
    """Return the key in ``payload``; `BundleError` unless the bundle's device signed it."""
    try:
        value = read_object(payload)
        found = PublicKey(text_of(value, "id"), text_of(value, "key"), text_of(value, "kind"))
        if found.kind not in (ONE_TIME, FALLBACK) or len(decode(found.key)) != 32:
            raise MalformedError("it is no key to begin a session with")
        signed = signed_text(found.kind, bundle.device, found.id, found.key)
        verify(bundle.ed25519, signed, text_of(value, "sig"))
    except (MalformedError, CipherError, UnicodeEncodeError) as error:
        raise BundleError(f"a key for {bundle.device} is not its own: {error}") from error
    return found
