"""Rooms with a passphrase: for crews that agree on words in person, and for bots.

Whoever has the words reads everything ever said under them, and can write in anybody's
name: there is neither forward secrecy nor a proof of the sender.  The key is stretched from
the words (Argon2id), with the network's authority and the room as salt; each sender device
encrypts with keys of its own.  Source: docs/encryption.md.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from secrets import choice

from attrs import define, frozen
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from xkcdpass import xkcd_password

from chat.e2e.canonical import encode
from chat.e2e.envelope import identity
from chat.e2e.errors import CipherError, MalformedError
from chat.e2e.master import SALT, derive, stretch
from chat.e2e.rooms import MOST_MESSAGES
from chat.pki.authority import Identity

#: Characters of the session in the tag; a Megolm session has 22.
ID = 12
WORDS = 6

_COUNTER = 8


def suggest() -> str:
    """Return a new passphrase: six of 7,776 words, 77 bits."""
    words = xkcd_password.generate_wordlist(
        wordfile=xkcd_password.locate_wordfile(), min_length=3, max_length=9
    )
    return " ".join(choice(words) for _ in range(WORDS))


def room_key(passphrase: str, root: x509.Certificate, to: str) -> bytes:
    """Return the key of a room; takes a tenth of a second and 64 MiB.

    Words count, not their case nor the spaces between them.
    """
    salt = sha256(b"securechat e2e room v1\0" + root.fingerprint(SHA256()) + to.encode()).digest()
    return stretch(" ".join(passphrase.casefold().split()), salt)


def key_id(key: bytes) -> str:
    """Return the session that tags name for a room's key."""
    return "k" + encode(derive(key, None, b"securechat e2e room id v1")[:8])


@frozen
class Opened:
    """A message of a room with a passphrase, and the place that it has in its stream."""

    device: Identity
    plaintext: bytes
    stream: str
    counter: int


@define
class Stream:
    """What one device encrypts with, from one start on; nobody else uses its salt."""

    key: bytes
    to: str
    device: Identity
    salt: bytes
    counter: int = 0

    @classmethod
    def begin(cls, key: bytes, to: str, device: Identity, random: Callable[[int], bytes]) -> Stream:
        """Return a new stream."""
        return cls(_stream_key(key, salt := random(SALT), device), to, device, salt)

    @property
    def is_over(self) -> bool:
        """Whether the next message needs a new stream."""
        return self.counter >= MOST_MESSAGES

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the message: the device's name and its length, salt, counter and ciphertext."""
        counter = self.counter.to_bytes(_COUNTER, "big")
        self.counter += 1
        about = _about(self.to, self.device, counter)
        sealed = AESGCM(self.key).encrypt(b"\0" * 4 + counter, plaintext, about)
        name = str(self.device).encode()
        return bytes([len(name)]) + name + self.salt + counter + sealed


def decrypt(key: bytes, to: str, message: bytes) -> Opened:
    """Return what a message holds.

    Raises `MalformedError`, and `CipherError` for another key, room, sender or counter.
    """
    name, message = message[1 : 1 + message[0]], message[1 + message[0] :]
    device = identity(name.decode(errors="replace"))
    if len(message) < SALT + _COUNTER + 16:
        raise MalformedError("it is too short")
    salt, counter = message[:SALT], message[SALT : SALT + _COUNTER]
    try:
        plaintext = AESGCM(_stream_key(key, salt, device)).decrypt(
            b"\0" * 4 + counter, message[SALT + _COUNTER :], _about(to, device, counter)
        )
    except InvalidTag as error:
        raise CipherError("it is not of this passphrase, room or sender") from error
    stream = f"{key_id(key)} {device} {encode(salt)}"
    return Opened(device, plaintext, stream, int.from_bytes(counter, "big"))


def _stream_key(key: bytes, salt: bytes, device: Identity) -> bytes:
    return derive(key, salt, b"securechat e2e room stream v1\0" + device.uri.encode())


def _about(to: str, device: Identity, counter: bytes) -> bytes:
    return b"securechat e2e room message v1\0" + f"{to}\0{device.uri}\0".encode() + counter
