"""TLS servers of every kind, on loopback, each in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)


@frozen
class Signed:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return crypto.dump_certificate(
            crypto.FILETYPE_PEM, crypto.X509.from_cryptography(self.certificate)
        )


def sign(
    subject: str,
    issuer: Signed | None = None,
    *,
    names: Sequence[str] = (),
    key: Key | None = None,
    start: timedelta = -DAY,
    end: timedelta = 90 * DAY,
    authority: bool = False,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Signed:
    """Return a new certificate, signed by ``issuer`` or by itself."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    name = _name(subject)
    signer = own if issuer is None else issuer.key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.certificate.subject)
        .serial_number(x509.random_serial_number())
        .public_key(own.public_key())
        .not_valid_before(now + start)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternatives, False)
    return Signed(builder.sign(signer, SHA256()), own)


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _name(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


@define
class Listener:
    """Accepts on a free port of 127.0.0.1, and hands every connection to a function."""

    handle: Callable[[socket.socket], None]
    socket: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0)))
    accepted: int = 0

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def close(self) -> None:
        """Stop listening; again is no error."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(10)

    _thread: threading.Thread = field(init=False)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            with connection, suppress(OSError):
                connection.settimeout(10)
                self.handle(connection)


def tls_context(own: Signed, *chain: Signed) -> SSL.Context:
    """Return a server's context as OpenSSL has it by default, with session tickets."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_session_id(b"tests")
    context.use_certificate(own.certificate)
    context.use_privatekey(own.key)
    for one in chain:
        context.add_extra_chain_cert(one.certificate)
    return context


def serve_tls(context: SSL.Context) -> Listener:
    """Serve as most servers do: take the handshake, wait for the client's end."""

    def handle(plug: socket.socket) -> None:
        plug.setblocking(True)
        connection = SSL.Connection(context, plug)
        connection.set_accept_state()
        with suppress(SSL.Error):
            connection.do_handshake()
            with suppress(SSL.ZeroReturnError):
                connection.recv(1)
            connection.shutdown()  # OpenSSL keeps no session that ended otherwise

    return Listener(handle)


def speak(data: bytes) -> Listener:
    """Say ``data`` once something has come, and hang up when the client does."""

    def handle(plug: socket.socket) -> None:
        plug.recv(4096)
        plug.sendall(data)
        plug.shutdown(socket.SHUT_WR)
        while plug.recv(4096):
            pass

    return Listener(handle)


def falsify(server: Listener) -> Listener:
    """Pass a server's first flight on, with another signature in it when that is TLS 1.2's."""
    done = b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"  # ServerHelloDone, behind the signature

    def handle(plug: socket.socket) -> None:
        hello = plug.recv(65536)
        if not hello:
            return
        with socket.create_connection(("127.0.0.1", server.port), 10) as behind:
            behind.sendall(hello)
            flight = behind.recv(65536)
            if flight.endswith(done):
                end = len(flight) - len(done)
                flight = flight[: end - 1] + bytes([flight[end - 1] ^ 1]) + done
            plug.sendall(flight)
            plug.recv(4096)

    return Listener(handle)
