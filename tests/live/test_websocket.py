"""IRC over WebSocket, to a server process: the client's side is the library websockets."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time

from twisted.trial.unittest import TestCase
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from tests.live.irc import IRC
from tests.support.servers import PATIENCE, Device, Server, make_home, until

ORIGIN = "https://chat.lab.example"
LISTEN = f"""\
tls = ["127.0.0.1:0"]
websocket = ["127.0.0.1:0"]
websocket_origins = ["{ORIGIN}"]
"""


class WebSocketIRC(IRC):
    """`IRC` over WebSocket; ``kinds`` has the opcode of every message that came."""

    subprotocol = "text.ircv3.net"

    def __init__(self, port: int, device: Device, origin: str | None = None) -> None:
        super().__init__(port, device)
        self.kinds: set[Opcode] = set()
        self.status = 0
        self.headers = Headers()
        self._frames = ClientProtocol(
            parse_uri(f"wss://localhost:{port}/"),
            origin=None if origin is None else Origin(origin),
            subprotocols=[Subprotocol(self.subprotocol)],
        )
        self._frames.send_request(self._frames.connect())
        self._flush()
        end = time.monotonic() + PATIENCE
        while not self.status:
            self._read(end, "an answer")

    def send(self, *lines: str) -> None:
        for line in lines:
            if self.subprotocol == "text.ircv3.net":
                self._frames.send_text(line.encode())
            else:
                self._frames.send_binary(line.encode())
        self._flush()

    def ping(self) -> None:
        self._frames.send_ping(b"are you there")
        self._flush()

    def close_politely(self) -> int | None:
        """Close as WebSocket wants it, and return the server's code."""
        self._frames.send_close(1000)
        self._flush()
        self.read_to_end()
        return self.close_code

    @property
    def close_code(self) -> int | None:
        """What the server closed with."""
        close = self._frames.close_rcvd
        return None if close is None else close.code

    def _flush(self) -> None:
        for data in self._frames.data_to_send():
            if data:
                self._write(data)

    def _take(self, data: bytes) -> None:
        self._frames.receive_data(data)
        for event in self._frames.events_received():
            if isinstance(event, Response):
                self.status, self.headers = event.status_code, event.headers
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                self.kinds.add(event.opcode)
                self.seen.append(bytes(event.data).decode())
            elif isinstance(event, Frame):
                self.seen.append(f"{event.opcode.name} {bytes(event.data)!r}")
        self._flush()


class BinaryIRC(WebSocketIRC):
    subprotocol = "binary.ircv3.net"


class WebSocketTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(listen=LISTEN)
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.port = self.server.websocket_port()
        self.addCleanup(lambda: self.assertNotIn("Traceback", self.server.log()))

    def login(self, kind: type[IRC], account: str) -> IRC:
        port = self.port if issubclass(kind, WebSocketIRC) else self.server.port
        client = kind.login(port, self.home.device(account))
        self.addCleanup(client.close)
        return client

    def refused(self) -> list[str]:
        return [line for line in self.server.log().splitlines() if "Refused" in line]

    def test_two_talk(self) -> None:
        bob = self.login(IRC, "bob")
        bob.exchange("CAP REQ away-notify", "JOIN #room")
        for kind, opcode in ((WebSocketIRC, Opcode.TEXT), (BinaryIRC, Opcode.BINARY)):
            alice = self.login(kind, "alice")
            assert isinstance(alice, WebSocketIRC)
            self.assertEqual(alice.headers["Sec-WebSocket-Protocol"], kind.subprotocol)
            self.assertNotIn("Sec-WebSocket-Extensions", alice.headers)
            alice.exchange("JOIN #room")
            alice.send(*(f"PRIVMSG #room :{number} \N{SNOWMAN}" for number in range(50)))
            bob.send(*(f"PRIVMSG #room :{number} \N{SNOWMAN}" for number in range(50)))
            for one, sender in ((alice, "bob"), (bob, "alice")):
                for number in range(50):
                    one.expect(rf"{sender}!\S+ PRIVMSG #room :{number} \N{{SNOWMAN}}$")
            self.assertEqual(alice.kinds, {opcode})
            alice.ping()
            alice.expect(r"PONG b'are you there'")
            self.assertEqual(alice.close_politely(), 1000)
            bob.expect(r"alice!\S+ AWAY :No device is connected$")

    def test_quit(self) -> None:
        alice = self.login(WebSocketIRC, "alice")
        assert isinstance(alice, WebSocketIRC)
        alice.send("QUIT :good night")
        alice.read_to_end()
        self.assertEqual(alice.close_code, 1000)
        self.assertTrue(any(line.startswith("ERROR ") for line in alice.seen))

    def test_the_server_stops(self) -> None:
        alice = self.login(WebSocketIRC, "alice")
        assert isinstance(alice, WebSocketIRC)
        self.assertEqual(self.server.stop(), 0)
        alice.expect("ERROR :The server is shutting down")
        alice.read_to_end()
        self.assertEqual(alice.close_code, 1000)

    def test_a_page_of_somebody_else(self) -> None:
        files = self.home.device("alice")
        for origin, status in ((ORIGIN, 101), ("https://evil.example", 403), ("null", 403)):
            client = WebSocketIRC(self.port, files, origin)
            self.assertEqual(client.status, status)
            if status == 403:
                client.read_to_end()
                self.assertEqual(client.seen, [])
            client.close()
        until(lambda: len(self.refused()) >= 2, "two lines in the log")
        self.assertIn(
            "Refused 127.0.0.1: the WebSocket request of alice/laptop got 403: The origin"
            " https://evil.example is not in websocket_origins",
            self.refused()[0],
        )

    def test_rehash_takes_other_origins_into_use(self) -> None:
        self.home.configure(listen=LISTEN.replace("chat.lab", "web.lab"))
        process = self.server.process
        assert process is not None
        process.send_signal(1)
        self.server.wait_for_log("was read again")
        for origin, status in (("https://web.lab.example", 101), (ORIGIN, 403)):
            client = WebSocketIRC(self.port, self.home.device("alice"), origin)
            self.assertEqual(client.status, status)
            client.close()

    def test_no_certificate(self) -> None:
        """Not one byte of HTTP, and the reason in the log."""
        self.assertEqual(self.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b"")
        until(self.refused, "a line in the log")
        self.assertTrue(self.refused()[0].endswith("127.0.0.1: it presented no certificate"))

    def test_a_request_that_is_none(self) -> None:
        answer = self.ask(
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "-cert", str(self.home.device("alice").pem)
        )
        self.assertTrue(answer.startswith(b"HTTP/1.1 426 Upgrade Required\r\n"), answer)
        self.assertIn(b"This port is for IRC clients that speak WebSocket", answer)

    def ask(self, request: bytes, *options: str) -> bytes:
        """Return what ``openssl s_client`` gets for a request."""
        return subprocess.run(
            [
                "openssl", "s_client", "-connect", f"127.0.0.1:{self.port}",
                "-quiet", "-ign_eof", *options,
            ],
            input=request,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        ).stdout  # fmt: skip

    def test_alpn(self) -> None:
        """Browsers offer http/1.1 for WebSocket; each listener takes its own protocol alone."""
        device = self.home.device("alice")
        for port, offered, chosen in (
            (self.port, "http/1.1", "http/1.1"),
            (self.server.port, "irc", "irc"),
            (self.server.port, "http/1.1", None),
        ):
            context = ssl.create_default_context(cafile=str(device.ca))
            context.load_cert_chain(device.pem)
            context.set_alpn_protocols([offered])
            with (
                socket.create_connection(("127.0.0.1", port), PATIENCE) as tcp,
                context.wrap_socket(tcp, server_hostname="localhost") as tls,
            ):
                self.assertEqual(tls.selected_alpn_protocol(), chosen)

    def test_garbage(self) -> None:
        """Whatever comes behind the handshake is the end of that connection alone."""
        files = self.home.device("alice")
        bob = self.login(IRC, "bob")
        for data in (b"NICK alice\r\n" * 100, b"\xff" * 1000, b"\x81\xff" + b"\x7f" * 12):
            client = WebSocketIRC(self.port, files)
            client._write(data)
            client.read_to_end()
            self.assertIn(client.close_code, (1002, 1009))
        bob.exchange()
