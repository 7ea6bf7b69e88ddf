"""Olm sessions with other devices, several with each.

Both sides may begin at once, and a device may have lost its keys: so what is received goes
to whichever session takes it, and what is sent by the one that last received.  A prekey
message begins a session once: for a one-time key the key is gone then, for the fallback key
its session is remembered here.  Source: Matrix, Olm specification.
"""

from __future__ import annotations

from typing import Any

from chat.e2e.account import OwnKeys, PublicKey
from chat.e2e.bundle import Bundle
from chat.e2e.canonical import decode, encode, read_object, text_of, to_bytes
from chat.e2e.errors import CipherError, MalformedError, ReplayError
from chat.e2e.olm import OlmMessage, Session
from chat.e2e.vault import Vault

#: Sessions with one device; the one that was used least is dropped.
MOST_SESSIONS = 5

_KIND = "pair"
_BEGUN = "prekey"


class Pairs:
    """The sessions of this device with all others."""

    def __init__(self, vault: Vault, own: OwnKeys) -> None:
        self._vault = vault
        self._own = own
        self._open: dict[str, list[Session]] = {}

    def has(self, bundle: Bundle) -> bool:
        """Return whether there is a session with that device and those keys."""
        return bool(self._sessions(bundle))

    def begin(self, bundle: Bundle, key: PublicKey) -> None:
        """Begin a session with a key of the device, which is used from now on."""
        self._sessions(bundle).insert(0, self._own.olm.begin(bundle.curve25519, key.key))
        self._save(bundle)

    def encrypt(self, bundle: Bundle, content: dict[str, Any]) -> bytes:
        """Return the payload that takes ``content`` to a device; there is a session with it."""
        is_prekey, ciphertext = self._sessions(bundle)[0].encrypt(to_bytes(content))
        self._save(bundle)
        kind = "prekey" if is_prekey else "normal"
        return to_bytes({"v": 1, "kind": kind, "body": encode(ciphertext)})

    def decrypt(self, bundle: Bundle, payload: bytes) -> dict[str, Any]:
        """Return what a device sent.

        Raises `ReplayError` where it began a session before, `MalformedError`, and
        `CipherError` for what no session takes: it came before, was changed, is of
        another device, or more than 2,000 messages are missing.
        """
        outer = read_object(payload)
        kind = text_of(outer, "kind")
        if kind not in ("prekey", "normal"):
            raise MalformedError("it is no message between devices")
        message = OlmMessage(kind == "prekey", decode(text_of(outer, "body")))
        sessions = self._sessions(bundle)
        for session in sessions:
            if message.prekey is not None and not session.matches(message):
                continue
            try:
                text = session.decrypt(message)
            except CipherError:
                continue
            sessions.remove(session)
            sessions.insert(0, session)
            self._save(bundle)
            return read_object(text)
        return read_object(self._accept(bundle, message))

    def forget_begun(self) -> None:
        """Forget the sessions that began with fallback keys which work no more."""
        for name, kept in self._vault.items(_BEGUN):
            if kept["generation"] < self._own.generation - 1:
                self._vault.delete(_BEGUN, name)

    def _accept(self, bundle: Bundle, message: OlmMessage) -> bytes:
        if message.prekey is None:
            raise CipherError("no session with the device takes its message")
        if self._vault.get(_BEGUN, message.session_id) is not None:
            raise ReplayError("the message that began a session came again")
        session, text = self._own.olm.accept(bundle.curve25519, message)
        self._vault.put(_BEGUN, message.session_id, {"generation": self._own.generation})
        self._own.save()
        self._sessions(bundle).insert(0, session)
        self._save(bundle)
        return text

    def _sessions(self, bundle: Bundle) -> list[Session]:
        name = _name(bundle)
        if name not in self._open:
            kept = self._vault.get(_KIND, name) or {"sessions": []}
            self._open[name] = [Session.unpickle(each) for each in kept["sessions"]]
        return self._open[name]

    def _save(self, bundle: Bundle) -> None:
        sessions = self._sessions(bundle)
        del sessions[MOST_SESSIONS:]
        pickles = [each.pickle() for each in sessions]
        self._vault.put(_KIND, _name(bundle), {"sessions": pickles})


def _name(bundle: Bundle) -> str:
    return f"{bundle.device} {bundle.curve25519}"
