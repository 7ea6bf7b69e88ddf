"""What a server's handshake messages say about the connection.

Sources: RFC 8446 (4, and B.3 for the numbers), RFC 5246 (7.4), RFC 8422 (5.4, key
exchange with elliptic curves), RFC 5746 (renegotiation), RFC 6066 (8, OCSP).
"""

from __future__ import annotations

from contextlib import suppress

from attrs import evolve, frozen

from chat.inspection import records
from chat.inspection.records import Cursor, MalformedError, Transcript, read_extensions

_STATUS_REQUEST = 5
_EXTENDED_MASTER_SECRET = 23
_PRE_SHARED_KEY = 41
_EARLY_DATA = 42
_SUPPORTED_VERSIONS = 43
_KEY_SHARE = 51
_RENEGOTIATION_INFO = 0xFF01

#: RFC 8446, 4.1.3: this random makes a ServerHello a HelloRetryRequest.
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_NAMED_CURVE = 3

_GROUPS = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "x25519",
    30: "x448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}
_SIGNATURES = {
    0x0201: "rsa_pkcs1_sha1",
    0x0203: "ecdsa_sha1",
    0x0301: "rsa_pkcs1_sha224",
    0x0303: "ecdsa_sha224",
    0x0401: "rsa_pkcs1_sha256",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x0904: "mldsa44",
    0x0905: "mldsa65",
    0x0906: "mldsa87",
}
#: TLS 1.2 names a hash and a kind of key there, and no curve.
_ECDSA_OF_TLS12 = {0x0403: "ecdsa_sha256", 0x0503: "ecdsa_sha384", 0x0603: "ecdsa_sha512"}


@frozen
class Ticket:
    """A session ticket: for how many seconds it serves, and with how much early data."""

    lifetime: int
    early_data: int


@frozen
class Said:
    """What the messages of one connection say; ``None`` where the question does not arise."""

    is_tls13: bool = False
    group: str | None = None
    signature: str | None = None
    #: Whether a key exchange with keys of this connection alone took place.
    fresh_exchange: bool = False
    resumed: bool = False
    #: Whether the server asked for another key share first (HelloRetryRequest).
    retried: bool = False
    asks_for_certificate: bool = False
    tickets: tuple[Ticket, ...] = ()
    #: TLS 1.2: the server keeps the session itself, under this session id.
    session_id: bool = False
    stapled: bool = False
    compression: bool | None = None
    secure_renegotiation: bool | None = None
    extended_master_secret: bool | None = None


def understand(transcript: Transcript) -> Said | None:
    """Return what a server said; ``None`` without a ServerHello.

    A message that is malformed says nothing.
    """
    reader = _Reader()
    for message in transcript.messages:
        handler = _HANDLERS.get(message.type)
        if handler is not None:
            with suppress(MalformedError):
                handler(reader, message.body)
    if not reader.has_hello:
        return None
    said = reader.said
    if not said.is_tls13:
        # RFC 5246, 7.3: an abbreviated handshake has no Certificate message, and what
        # is offered here has no cipher without one.
        sent = any(message.type == records.CERTIFICATE for message in transcript.messages)
        return evolve(said, resumed=not sent)
    return said


class _Reader:
    """Gathers what one message after the other says."""

    def __init__(self) -> None:
        self.has_hello = False
        self.said = Said()

    def hello(self, body: bytes) -> None:
        cursor = Cursor(body)
        cursor.take(2)
        random = cursor.take(32)
        session_id = cursor.vector(1)
        cursor.take(2)
        compression = cursor.number(1)
        extensions = read_extensions(cursor)
        if random == _RETRY:
            self.said = evolve(self.said, retried=True)
            return
        self.has_hello = True
        if _SUPPORTED_VERSIONS in extensions:
            resumed = _PRE_SHARED_KEY in extensions
            self.said = evolve(self.said, is_tls13=True, resumed=resumed)
            share = Cursor(extensions.get(_KEY_SHARE, b""))
            if share:
                self._exchange(_group(share.number(2)))
            return
        self.said = evolve(
            self.said,
            session_id=bool(session_id),
            compression=compression != 0,
            secure_renegotiation=_RENEGOTIATION_INFO in extensions,
            extended_master_secret=_EXTENDED_MASTER_SECRET in extensions,
        )

    def certificate(self, body: bytes) -> None:
        """Look for what is stapled to a certificate, which OpenSSL itself hands over."""
        if not self.said.is_tls13:
            return
        cursor = Cursor(body)
        cursor.vector(1)
        entries = cursor.vector(3)
        while entries:
            entries.vector(3)
            if _STATUS_REQUEST in read_extensions(entries):
                self.status(b"")

    def key_exchange(self, body: bytes) -> None:
        """ServerKeyExchange of TLS 1.2: a named curve, or Diffie-Hellman's p, g and public."""
        cursor = Cursor(body)
        if body[:1] == bytes([_NAMED_CURVE]):
            cursor.take(1)
            self._exchange(_group(cursor.number(2)))
            cursor.vector(1)
        else:
            prime = cursor.vector(2).data
            cursor.vector(2)
            cursor.vector(2)
            self._exchange(f"DH {int.from_bytes(prime, 'big').bit_length()} bits")
        self.verify(cursor.data[cursor.at :])

    def request(self, body: bytes) -> None:
        self.said = evolve(self.said, asks_for_certificate=True)

    def verify(self, body: bytes) -> None:
        number = Cursor(body).number(2)
        name = _SIGNATURES.get(number, f"signature scheme {number:#06x}")
        if not self.said.is_tls13:
            name = _ECDSA_OF_TLS12.get(number, name)
        self.said = evolve(self.said, signature=name)

    def status(self, body: bytes) -> None:
        self.said = evolve(self.said, stapled=True)

    def ticket(self, body: bytes) -> None:
        cursor = Cursor(body)
        lifetime = cursor.number(4)
        early_data = 0
        if self.said.is_tls13:
            cursor.take(4)
            cursor.vector(1)
            cursor.vector(2)
            limit = read_extensions(cursor).get(_EARLY_DATA, b"")
            early_data = int.from_bytes(limit, "big")
        elif not cursor.vector(2):
            return  # RFC 5077, 3.3: a server that changed its mind sends an empty one
        tickets = (*self.said.tickets, Ticket(lifetime, early_data))
        self.said = evolve(self.said, tickets=tickets)

    def _exchange(self, group: str) -> None:
        self.said = evolve(self.said, group=group, fresh_exchange=True)


def _group(number: int) -> str:
    return _GROUPS.get(number, f"group {number}")


_HANDLERS = {
    records.SERVER_HELLO: _Reader.hello,
    records.CERTIFICATE: _Reader.certificate,
    records.SERVER_KEY_EXCHANGE: _Reader.key_exchange,
    records.CERTIFICATE_REQUEST: _Reader.request,
    records.CERTIFICATE_VERIFY: _Reader.verify,
    records.CERTIFICATE_STATUS: _Reader.status,
    records.NEW_SESSION_TICKET: _Reader.ticket,
}
