"""Olm, Megolm and short authentication strings: the one module that knows the library.

Everything here takes and returns bytes, and keys as base64url.  Each failure is an error of
`errors`.  A pickle made here is sealed by the vault under a key of its own: the encryption
that the library gives a pickle is deterministic and adds nothing to that, so its key is
fixed.  Sources: Matrix, Olm and Megolm specifications; vodozemac's documentation.
"""

from __future__ import annotations

from typing import Any

from chat.e2e.canonical import decode, encode
from chat.e2e.errors import CipherError, E2eError, MalformedError

try:
    import vodozemac
except ImportError as error:  # pragma: no cover
    raise E2eError("encryption needs one more library: pip install 'securechat[e2e]'") from error

#: Exactly 32 bytes, as the library demands.
_PICKLE_KEY = b"securechat: sealed by the vault."
#: How many one-time keys an account keeps.
MOST_ONE_TIME_KEYS = 50


def _url(base64: str) -> str:
    return base64.rstrip("=").replace("+", "-").replace("/", "_")


def _standard(base64url: str) -> str:
    return base64url.replace("-", "+").replace("_", "/")


def _curve(key: str) -> vodozemac.Curve25519PublicKey:
    try:
        return vodozemac.Curve25519PublicKey.from_bytes(decode(key))
    except (ValueError, MalformedError) as error:
        raise MalformedError("it holds no Curve25519 key") from error


def verify(key: str, message: bytes, signature: str) -> None:
    """Raise `CipherError` unless ``signature`` over ``message`` is by the Ed25519 ``key``."""
    try:
        signed = vodozemac.Ed25519Signature.from_base64(_standard(signature))
        vodozemac.Ed25519PublicKey.from_base64(_standard(key)).verify_signature(message, signed)
    except ValueError as error:
        raise CipherError("the device's signature is wrong") from error


class Session:
    """One Olm session with another device."""

    def __init__(self, inner: vodozemac.Session) -> None:
        self._inner = inner

    @classmethod
    def unpickle(cls, pickle: str) -> Session:
        """Return the session in a pickle."""
        return cls(vodozemac.Session.from_pickle(pickle, _PICKLE_KEY))

    def pickle(self) -> str:
        """Return the session as text, which is secret."""
        return self._inner.pickle(_PICKLE_KEY)

    def encrypt(self, plaintext: bytes) -> tuple[bool, bytes]:
        """Return whether it is a prekey message, and the message."""
        try:
            kind, ciphertext = self._inner.encrypt(plaintext).to_parts()
        except ValueError as error:
            raise CipherError("the session with the device is at its end") from error
        return kind == 0, ciphertext

    def decrypt(self, message: OlmMessage) -> bytes:
        """Return the plaintext; `CipherError` where it is not of this session, or came before."""
        try:
            return self._inner.decrypt(message.inner)
        except ValueError as error:
            raise CipherError("the device's message cannot be decrypted") from error

    def matches(self, message: OlmMessage) -> bool:
        """Return whether a prekey message began this session."""
        return message.prekey is not None and self._inner.session_matches(message.prekey)


class OlmMessage:
    """A message between two devices; ``session_id`` is empty where it is no prekey message."""

    def __init__(self, is_prekey: bool, ciphertext: bytes) -> None:
        try:
            self.inner = vodozemac.AnyOlmMessage.from_parts(0 if is_prekey else 1, ciphertext)
        except ValueError as error:
            raise MalformedError("it is no message between devices") from error
        self.prekey = self.inner.to_pre_key()
        self.session_id = "" if self.prekey is None else _url(self.prekey.session_id())


class Account:
    """The secret keys of this device: identity, one-time keys, fallback key."""

    def __init__(self, inner: Any = None) -> None:
        # The library's own stubs know nothing of fallback keys, hence Any.
        self._inner: Any = inner or vodozemac.Account()

    @classmethod
    def unpickle(cls, pickle: str) -> Account:
        """Return the account in a pickle."""
        return cls(vodozemac.Account.from_pickle(pickle, _PICKLE_KEY))

    def pickle(self) -> str:
        """Return the account as text, which is secret."""
        return str(self._inner.pickle(_PICKLE_KEY))

    @property
    def curve25519(self) -> str:
        """The identity key that agrees on secrets."""
        return _url(self._inner.curve25519_key.to_base64())

    @property
    def ed25519(self) -> str:
        """The identity key that signs."""
        return _url(self._inner.ed25519_key.to_base64())

    def sign(self, message: bytes) -> str:
        """Return the Ed25519 signature over ``message``."""
        return _url(self._inner.sign(message).to_base64())

    def make_one_time_keys(self, count: int) -> dict[str, str]:
        """Return new one-time keys by their id; they count as published."""
        self._inner.generate_one_time_keys(min(count, MOST_ONE_TIME_KEYS))
        keys = self._inner.one_time_keys
        self._inner.mark_keys_as_published()
        return {_url(name): _url(key.to_base64()) for name, key in keys.items()}

    def make_fallback_key(self) -> tuple[str, str]:
        """Return the id of a new fallback key, and it; the last one still works."""
        self._inner.generate_fallback_key()
        ((name, key),) = self._inner.fallback_key.items()
        self._inner.mark_keys_as_published()
        return "f" + _url(name), _url(key.to_base64())

    def begin(self, identity: str, one_time: str) -> Session:
        """Return a session with the device that has these keys; `CipherError` for weak ones."""
        try:
            return Session(self._inner.create_outbound_session(_curve(identity), _curve(one_time)))
        except ValueError as error:
            raise CipherError("no session can begin with these keys") from error

    def accept(self, identity: str, message: OlmMessage) -> tuple[Session, bytes]:
        """Return the session that a prekey message of ``identity`` begins, and its plaintext."""
        try:
            session, text = self._inner.create_inbound_session(_curve(identity), message.prekey)
        except ValueError as error:
            raise CipherError("no session can begin with the device's message") from error
        return Session(session), bytes(text)


class Outbound:
    """The Megolm session by which this device encrypts for a room."""

    def __init__(self, inner: vodozemac.GroupSession | None = None) -> None:
        self._inner = inner or vodozemac.GroupSession()

    @classmethod
    def unpickle(cls, pickle: str) -> Outbound:
        """Return the session in a pickle."""
        return cls(vodozemac.GroupSession.from_pickle(pickle, _PICKLE_KEY))

    def pickle(self) -> str:
        """Return the session as text, which is secret."""
        return self._inner.pickle(_PICKLE_KEY)

    @property
    def id(self) -> str:
        """The session's id: its Ed25519 key."""
        return _url(self._inner.session_id)

    @property
    def index(self) -> int:
        """The index of the next message."""
        return self._inner.message_index

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the message."""
        return self._inner.encrypt(plaintext).to_bytes()

    def inbound(self) -> Inbound:
        """Return what decrypts from the next message on: `session_key` has the index of now."""
        return Inbound(vodozemac.InboundGroupSession(self._inner.session_key))


class Inbound:
    """A Megolm session that decrypts, from some index on."""

    def __init__(self, inner: vodozemac.InboundGroupSession) -> None:
        self._inner = inner

    @classmethod
    def unpickle(cls, pickle: str) -> Inbound:
        """Return the session in a pickle."""
        return cls(vodozemac.InboundGroupSession.from_pickle(pickle, _PICKLE_KEY))

    @classmethod
    def imported(cls, key: str) -> Inbound:
        """Return the session of an exported key; `MalformedError` where it is none."""
        try:
            exported = vodozemac.ExportedSessionKey(_standard(key))
            return cls(vodozemac.InboundGroupSession.import_session(exported))
        except ValueError as error:
            raise MalformedError("it holds no key of a room") from error

    def pickle(self) -> str:
        """Return the session as text, which is secret."""
        return self._inner.pickle(_PICKLE_KEY)

    @property
    def id(self) -> str:
        """The session's id: its Ed25519 key."""
        return _url(self._inner.session_id)

    @property
    def first(self) -> int:
        """The first index that it decrypts."""
        return self._inner.first_known_index

    def exported(self, index: int) -> str | None:
        """Return the key from ``index`` on, ``None`` where that is before `first`."""
        key = self._inner.export_at(index)
        return None if key is None else _url(key.to_base64())

    def decrypt(self, message: bytes) -> tuple[bytes, int]:
        """Return the plaintext and its index.

        It takes the same message again and again: who decrypts remembers what was seen.
        Raises `CipherError`.
        """
        try:
            decrypted = self._inner.decrypt(vodozemac.MegolmMessage.from_bytes(message))
        except ValueError as error:
            raise CipherError("the message cannot be decrypted with the room's key") from error
        return bytes(decrypted.plaintext), decrypted.message_index


def message_index(message: bytes) -> int:
    """Return the index that a Megolm message says it has; `MalformedError` where it is none."""
    try:
        return vodozemac.MegolmMessage.from_bytes(message).message_index()
    except ValueError as error:
        raise MalformedError("it is no message of a room") from error


class Sas:
    """One side's secret of a short authentication string; it serves for one agreement."""

    def __init__(self) -> None:
        self._inner = vodozemac.Sas()
        self.public = encode(self._inner.public_key.to_bytes())

    def agree(self, other: str) -> Agreed:
        """Return the secret in common with the other side's key; `CipherError` for a weak one."""
        try:
            return Agreed(self._inner.diffie_hellman(_curve(other)))
        except ValueError as error:
            raise CipherError("the other side's key is not usable") from error


class Agreed:
    """The secret in common of two sides."""

    def __init__(self, inner: vodozemac.EstablishedSas) -> None:
        self._inner = inner

    def emojis(self, info: str) -> tuple[int, ...]:
        """Return seven numbers below 64, the same on both sides if ``info`` is."""
        return tuple(self._inner.bytes(info).emoji_indices)

    def mac(self, text: str, info: str) -> str:
        """Return what proves that ``text`` is from who has the secret."""
        return _url(self._inner.calculate_mac(text, info))

    def check(self, text: str, info: str, mac: str) -> None:
        """Raise `CipherError` unless ``mac`` is that of ``text``."""
        try:
            self._inner.verify_mac(text, info, _standard(mac))
        except ValueError as error:
            raise CipherError("the other side compared something else") from error
