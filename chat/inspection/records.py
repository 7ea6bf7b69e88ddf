"""The records of a TLS connection as a server sent them, and the messages in them.

Of TLS 1.2 (RFC 5246) what comes before ChangeCipherSpec is read, which is all that
a report needs; of TLS 1.3 (RFC 8446) everything, with the secrets that OpenSSL
hands to its key log.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from attrs import define, field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

TLS13 = 0x0304

SERVER_HELLO = 2
NEW_SESSION_TICKET = 4
ENCRYPTED_EXTENSIONS = 8
CERTIFICATE = 11
SERVER_KEY_EXCHANGE = 12
CERTIFICATE_REQUEST = 13
CERTIFICATE_VERIFY = 15
FINISHED = 20
CERTIFICATE_STATUS = 22

_CHANGE_CIPHER_SPEC = 20
_ALERT = 21
HANDSHAKE = 22
_APPLICATION_DATA = 23
_CONTENT_TYPES = range(_CHANGE_CIPHER_SPEC, _APPLICATION_DATA + 1)
_HEADER = struct.Struct(">BHH")
#: RFC 5246, 6.2.3: the longest fragment, encrypted.
_MAX_FRAGMENT = 2**14 + 2048
_IV_LENGTH = 12

#: The labels of the secrets behind the server's two keys, in the key log.
_IN_HANDSHAKE = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
_BEHIND_IT = "SERVER_TRAFFIC_SECRET_0"

_SUPPORTED_VERSIONS = 43


class MalformedError(Exception):
    """Bytes that are not what TLS says they are."""


@define
class Cursor:
    """Reads numbers and vectors from the front of some bytes; `MalformedError` at their end."""

    data: bytes
    at: int = 0

    def take(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        piece = self.data[self.at : self.at + length]
        if len(piece) < length:
            raise MalformedError("a message is shorter than it says")
        self.at += length
        return piece

    def number(self, length: int) -> int:
        """Return the next ``length`` bytes as a number."""
        return int.from_bytes(self.take(length), "big")

    def vector(self, length: int) -> Cursor:
        """Return what a length of ``length`` bytes is in front of."""
        return Cursor(self.take(self.number(length)))

    def __bool__(self) -> bool:
        return self.at < len(self.data)


@frozen
class Message:
    """A handshake message: its type and its body."""

    type: int
    body: bytes


@frozen
class Transcript:
    """What a server said, as far as it could be read."""

    messages: tuple[Message, ...] = ()
    #: The alerts' descriptions (RFC 8446, 6), without close_notify.
    alerts: tuple[int, ...] = ()
    #: Whether data of the application came, of any length.
    application_data: bool = False


@frozen
class _Suite:
    hash: Callable[[], HashAlgorithm]
    key_length: int
    cipher: Callable[[bytes], AESGCM | AESCCM | ChaCha20Poly1305]


#: RFC 8446, B.4.
_SUITES = {
    0x1301: _Suite(SHA256, 16, AESGCM),
    0x1302: _Suite(SHA384, 32, AESGCM),
    0x1303: _Suite(SHA256, 32, ChaCha20Poly1305),
    0x1304: _Suite(SHA256, 16, AESCCM),
    0x1305: _Suite(SHA256, 16, lambda key: AESCCM(key, tag_length=8)),
}


def looks_like_tls(stream: bytes) -> bool:
    """Return whether a stream begins as a TLS record does."""
    head = stream[:2]
    return len(head) == 2 and head[0] in _CONTENT_TYPES and head[1] == 3


def read_server(stream: bytes, secrets: Mapping[str, bytes]) -> Transcript:
    """Return what a server's bytes say; ``secrets`` are the key log's, by label.

    Whatever cannot be read ends the transcript, and is no error.
    """
    reader = _Reader(secrets)
    try:
        for kind, header, payload in _records(stream):
            reader.record(kind, header, payload)
    except (MalformedError, InvalidTag):
        pass
    return Transcript(tuple(reader.messages), tuple(reader.alerts), reader.application_data)


def parse_key_log(lines: list[bytes]) -> dict[str, bytes]:
    """Return the secrets of one connection by their label (NSS key log format)."""
    secrets = {}
    for line in lines:
        label, _, rest = line.decode("ascii").partition(" ")
        secrets[label] = bytes.fromhex(rest.rpartition(" ")[2])
    return secrets


def server_hello_extensions(body: bytes) -> dict[int, bytes]:
    """Return the extensions of a ServerHello by their type."""
    cursor = Cursor(body)
    cursor.take(2 + 32)
    cursor.vector(1)
    cursor.take(2 + 1)
    return read_extensions(cursor)


def read_extensions(cursor: Cursor) -> dict[int, bytes]:
    """Return the extensions at the cursor by their type; none where it has ended."""
    found = {}
    block = cursor.vector(2) if cursor else cursor
    while block:
        kind = block.number(2)
        found[kind] = block.vector(2).data
    return found


def _records(stream: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    cursor = Cursor(stream)
    while cursor:
        header = cursor.take(_HEADER.size)
        kind, _version, length = _HEADER.unpack(header)
        if kind not in _CONTENT_TYPES or length > _MAX_FRAGMENT:
            raise MalformedError("this is no TLS record")
        yield kind, header, cursor.take(length)


@define
class _Reader:
    secrets: Mapping[str, bytes]
    messages: list[Message] = field(factory=list)
    alerts: list[int] = field(factory=list)
    application_data: bool = False
    _buffer: bytes = b""
    _suite: _Suite | None = None
    _is_tls13: bool = False
    _keys: _Keys | None = None

    def record(self, kind: int, header: bytes, payload: bytes) -> None:
        if kind == _CHANGE_CIPHER_SPEC:
            if not self._is_tls13:
                raise MalformedError("what follows is encrypted, and not needed")
            return
        if kind == _APPLICATION_DATA:
            if self._keys is None:
                raise MalformedError("a record is encrypted with an unknown key")
            kind, payload = self._keys.decrypt(header, payload)
        if kind == HANDSHAKE:
            self._buffer += payload
            self._split()
        elif kind == _ALERT and len(payload) == 2 and payload[1] != 0:
            self.alerts.append(payload[1])
        elif kind == _APPLICATION_DATA:
            self.application_data = True

    def _split(self) -> None:
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[1:4], "big")
            if len(self._buffer) < 4 + length:
                return
            message = Message(self._buffer[0], self._buffer[4 : 4 + length])
            self._buffer = self._buffer[4 + length :]
            self.messages.append(message)
            if message.type == SERVER_HELLO:
                self._hello(message.body)
            elif message.type == FINISHED:
                self._change_keys(_BEHIND_IT)

    def _hello(self, body: bytes) -> None:
        extensions = server_hello_extensions(body)
        self._is_tls13 = extensions.get(_SUPPORTED_VERSIONS) == TLS13.to_bytes(2, "big")
        cursor = Cursor(body)
        cursor.take(2 + 32)
        cursor.vector(1)
        self._suite = _SUITES.get(cursor.number(2))
        if self._is_tls13:
            self._change_keys(_IN_HANDSHAKE)

    def _change_keys(self, label: str) -> None:
        secret = self.secrets.get(label)
        self._keys = None if self._suite is None or secret is None else _Keys(self._suite, secret)


class _Keys:
    """The key and the nonces of one direction (RFC 8446, 5.2, 5.3 and 7.3)."""

    def __init__(self, suite: _Suite, secret: bytes) -> None:
        self._cipher = suite.cipher(_expand(suite, secret, b"key", suite.key_length))
        self._iv = int.from_bytes(_expand(suite, secret, b"iv", _IV_LENGTH), "big")
        self._sequence = 0

    def decrypt(self, header: bytes, payload: bytes) -> tuple[int, bytes]:
        nonce = (self._iv ^ self._sequence).to_bytes(_IV_LENGTH, "big")
        self._sequence += 1
        inner = self._cipher.decrypt(nonce, payload, header).rstrip(b"\0")
        if not inner:
            raise MalformedError("a record has no content type")
        return inner[-1], inner[:-1]


def _expand(suite: _Suite, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label without a context (RFC 8446, 7.1)."""
    name = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    return HKDFExpand(suite.hash(), length, info).derive(secret)
