"""One connection to a server: TCP, a handshake through memory, and what went over the wire."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from attrs import define, field, frozen
from cryptography import x509
from OpenSSL import SSL, crypto
from service_identity.hazmat import DNS_ID

from chat.inspection import flights
from chat.inspection.failure import End
from chat.inspection.messages import Said, understand
from chat.inspection.records import HANDSHAKE, Transcript, parse_key_log, read_server
from chat.inspection.target import Target
from chat.inspection.verdict import Refusal, identity_of

#: Everything that OpenSSL still has and that authenticates the server by a
#: certificate: this is for looking, nothing secret is sent.
_CIPHERS = b"ALL:!aNULL:!PSK:!SRP:@SECLEVEL=0"
_TLS13_CIPHERS = (
    b"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
    b":TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
)
_BLOCK = 65536
#: More than that no server sends before the first request.
_MAX_RECEIVED = 2**20
#: Seconds until what follows a handshake of TLS 1.3 has begun to arrive, beside the
#: way there: tickets, the refusal of our certificate, or nothing.
_PATIENCE = 0.5
_PATIENCE_IF_ASKED = 2.0
#: Seconds without a word behind which nothing more is awaited.
_PAUSE = 0.1


@frozen
class Address:
    """One address of the server, as `socket` has it."""

    family: int
    sockaddr: Any

    def __str__(self) -> str:
        host, port = self.sockaddr[:2]
        return f"[{host}]:{port}" if self.family == socket.AF_INET6 else f"{host}:{port}"

    def make_socket(self) -> socket.socket:
        """Return a socket that is about to be connected to it."""
        plug = socket.socket(self.family, socket.SOCK_STREAM)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plug


class Observed(SSL.Connection):
    """A connection that remembers what OpenSSL tells on the way."""

    def __init__(self, context: SSL.Context) -> None:
        super().__init__(context, None)
        self.key_log: list[bytes] = []
        self.refusals: list[Refusal] = []


@frozen
class Result:
    """What one connection showed."""

    stream: bytes
    transcript: Transcript
    said: Said | None
    #: The chain in DER, which OpenSSL has verified, and what it found.
    certificates: tuple[bytes, ...]
    refusals: tuple[Refusal, ...]
    #: Whether the server proved that it has the key of its certificate.
    proven: bool
    authorities: tuple[x509.Name, ...]
    cipher: str
    alpn: bytes
    #: Set when our side completed the handshake.
    cost: flights.Count | None
    milliseconds: float
    session: SSL.Session | None
    #: How the connection ended, when it was not us who ended it.
    end: End | None
    reason: str


def make_context(target: Target, version: int) -> SSL.Context:
    """Return a context that speaks one version, and finishes handshakes with anybody."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.set_cipher_list(_CIPHERS)
    context.set_tls13_ciphersuites(_TLS13_CIPHERS)
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT | SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if target.certificates and target.key is not None:
        own, *chain = target.certificates
        context.use_certificate(own)
        context.use_privatekey(target.key)
        for certificate in chain:
            context.add_extra_chain_cert(certificate)
    if target.authorities is None:
        context.set_default_verify_paths()
    else:
        trusted = cast(crypto.X509Store, context.get_cert_store())  # None without a context only
        for certificate in target.authorities:
            trusted.add_cert(crypto.X509.from_cryptography(certificate))
    context.set_verify(SSL.VERIFY_PEER, _note_refusal)
    context.set_keylog_callback(_note_secret)
    return context


def attempt(
    address: Address,
    target: Target,
    context: SSL.Context,
    timeout: float,
    *,
    session: SSL.Session | None = None,
    alpn: tuple[bytes, ...] = (),
    listen: bool = False,
) -> Result:
    """Make one handshake, which has ``timeout`` seconds, and maybe see what follows it."""
    deadline = time.monotonic() + timeout
    connection = Observed(context)
    connection.set_connect_state()
    connection.request_ocsp()
    identity = identity_of(target.name)
    if isinstance(identity, DNS_ID):
        connection.set_tlsext_host_name(identity.hostname)
    if session is not None:
        connection.set_session(session)
    if alpn:
        connection.set_alpn_protos(list(alpn))
    with address.make_socket() as plug:
        wire = _Wire(connection, plug, deadline)
        wire.shake_hands(address)
        if listen:
            wire.listen()
        wire.say_goodbye()
        return wire.result()


class _EndedError(Exception):
    """The connection is over; how, says the argument."""

    def __init__(self, end: End) -> None:
        self.end = end


@define
class _Wire:
    """Carries bytes between OpenSSL's memory and a socket, and keeps a copy of them."""

    connection: Observed
    plug: socket.socket
    deadline: float
    chunks: list[flights.Chunk] = field(factory=list)
    #: How many chunks belong to the handshake, once it is complete.
    handshake: int | None = None
    milliseconds: float = 0.0
    end: End | None = None
    reason: str = ""

    def shake_hands(self, address: Address) -> None:
        begun = time.monotonic()
        try:
            with self._deadline(self.deadline):
                self.plug.connect(address.sockaddr)
            begun = time.monotonic()
            while self.handshake is None:
                try:
                    self.connection.do_handshake()
                except SSL.WantReadError:
                    self._send()
                    self.connection.bio_write(self._receive(self.deadline))
                else:
                    self._send()
                    self.handshake = len(self.chunks)
        except SSL.Error as error:
            self._fail(error)
        except _EndedError as error:
            self.end = error.end
        self.milliseconds = (time.monotonic() - begun) * 1000

    def listen(self) -> None:
        """Take in what a server of TLS 1.3 says behind the handshake.

        There come its tickets, and its refusal of our certificate (RFC 8446, 4.6.1 and 4.4.2.4).
        """
        said = self.said()
        if self.handshake is None or said is None or not said.is_tls13:
            return
        patience = _PATIENCE_IF_ASKED if said.asks_for_certificate else _PATIENCE
        trip = self.milliseconds / 1000
        until = time.monotonic() + patience + 2 * trip
        try:
            while True:
                self.connection.bio_write(self._receive(min(until, self.deadline)))
                self._take_in()
                until = time.monotonic() + _PAUSE + trip
        except SSL.ZeroReturnError:
            self.end = End.CLOSED
        except SSL.Error as error:
            self._fail(error)
        except _EndedError as error:
            self.end = None if error.end is End.SILENT else error.end

    def say_goodbye(self) -> None:
        """End the session properly: OpenSSL resumes none that was cut off."""
        with suppress(SSL.Error, _EndedError):
            self.connection.shutdown()
            self._send()

    def said(self) -> Said | None:
        return understand(self._transcript())

    def result(self) -> Result:
        said = self.said()
        return Result(
            stream=flights.received(self.chunks),
            transcript=self._transcript(),
            said=said,
            certificates=tuple(
                crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
                for certificate in self.connection.get_peer_cert_chain() or ()
            ),
            refusals=tuple(self.connection.refusals),
            proven=self.handshake is not None or self._has_signed(said),
            authorities=tuple(self.connection.get_client_ca_list(as_cryptography=True)),
            cipher=self.connection.get_cipher_name() or "",
            alpn=self.connection.get_alpn_proto_negotiated(),
            cost=self._cost(said),
            milliseconds=self.milliseconds,
            session=self._session(said),
            end=self.end,
            reason=self.reason,
        )

    def _cost(self, said: Said | None) -> flights.Count | None:
        if self.handshake is None or said is None:
            return None
        waits = not said.is_tls13 or said.asks_for_certificate
        return flights.count(self.chunks[: self.handshake], server_waits=waits)

    def _has_signed(self, said: Said | None) -> bool:
        """Return whether a handshake that failed went far enough for the server's signature.

        TLS 1.2: OpenSSL answers a good ServerKeyExchange with handshake messages, a bad
        one with an alert.
        """
        if said is None or said.is_tls13 or said.signature is None:
            return False
        ours = [chunk.data for chunk in self.chunks if chunk.ours]
        return len(ours) > 1 and ours[1][0] == HANDSHAKE

    def _session(self, said: Said | None) -> SSL.Session | None:
        if self.handshake is None or said is None or not (said.tickets or said.session_id):
            return None
        return self.connection.get_session()

    def _transcript(self) -> Transcript:
        secrets = parse_key_log(self.connection.key_log)
        return read_server(flights.received(self.chunks), secrets)

    def _send(self) -> None:
        while True:
            try:
                data = self.connection.bio_read(_BLOCK)
            except SSL.WantReadError:
                return
            with self._deadline(self.deadline):
                self.plug.sendall(data)
            self.chunks.append(flights.Chunk(True, data))

    def _receive(self, deadline: float) -> bytes:
        with self._deadline(deadline):
            data = self.plug.recv(_BLOCK)
        if not data or sum(len(chunk.data) for chunk in self.chunks) > _MAX_RECEIVED:
            raise _EndedError(End.CLOSED)
        self.chunks.append(flights.Chunk(False, data))
        return data

    @contextmanager
    def _deadline(self, deadline: float) -> Iterator[None]:
        """Let the socket work until ``deadline``, and say how the connection ended."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise _EndedError(End.SILENT)
        self.plug.settimeout(left)
        try:
            yield
        except TimeoutError:
            raise _EndedError(End.SILENT) from None
        except OSError:
            raise _EndedError(End.RESET) from None

    def _take_in(self) -> None:
        """Let OpenSSL read all that has arrived; data of the application is dropped."""
        with suppress(SSL.WantReadError):
            while True:
                self.connection.recv(_BLOCK)

    def _fail(self, error: SSL.Error) -> None:
        self.end = End.OURS
        queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
        self.reason = str(queue[-1][2]) if queue else "it gave no reason"
        with suppress(_EndedError):
            self._send()  # our alert, so that the server's log can say why


def _note_refusal(
    connection: SSL.Connection, certificate: crypto.X509, code: int, depth: int, ok: int
) -> bool:
    """Note what is wrong, and go on: all of it is to be told (OpenSSL calls this)."""
    if not ok and isinstance(connection, Observed):
        connection.refusals.append(Refusal(code, depth))
    return True


def _note_secret(connection: SSL.Connection, line: bytes) -> None:
    if isinstance(connection, Observed):
        connection.key_log.append(line)
