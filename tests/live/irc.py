"""An IRC client of the standard library's sockets alone, which waits for what it is told to."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import TypeVar

from tests.support.servers import PASSWORD, PATIENCE, Device

CAPABILITIES = "echo-message labeled-response batch message-tags server-time standard-replies"

_Found = TypeVar("_Found")


class ConnectionEndedError(Exception):
    """The server, or what was between, ended the connection."""


class IRC:
    """One connection; ``seen`` has every line that came."""

    def __init__(self, port: int, device: Device) -> None:
        context = ssl.create_default_context(cafile=str(device.ca))
        context.load_cert_chain(device.pem)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        tcp = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.device = device
        self.seen: list[str] = []
        self._socket = context.wrap_socket(tcp, server_hostname="localhost")
        self._received = b""
        self._looked = 0

    @classmethod
    def login(cls, port: int, device: Device, capabilities: str = CAPABILITIES) -> IRC:
        """Return a connection that is logged in with the password, and welcomed."""
        self = cls(port, device)
        self.send(f"CAP REQ :sasl {capabilities}")
        self.authenticate()
        self.expect(r"\S+ 903 ")
        account = device.account
        self.send(f"NICK {account}", f"USER {account} 0 * :{account.title()}", "CAP END")
        self.expect(r"\S+ (376|422) ")
        return self

    def authenticate(self) -> None:
        """Send the password, and do not wait for what that leads to."""
        self.send("AUTHENTICATE PLAIN")
        self.expect(r"(\S+ )?AUTHENTICATE \+")
        plain = f"\0{self.device.account}\0{PASSWORD}".encode()
        self.send(f"AUTHENTICATE {base64.b64encode(plain).decode()}")

    def send(self, *lines: str) -> None:
        """Send lines; `ConnectionEndedError` when nobody takes them."""
        self._write("".join(f"{line}\r\n" for line in lines).encode())

    def expect(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """Return the next match among lines (without their tags) not looked at before."""
        return self.find(
            lambda line: re.match(f":?{pattern}", re.sub(r"^@\S+ ", "", line)), pattern, patience
        )

    def find(
        self,
        look: Callable[[str], _Found | None],
        wanted: str = "such line",
        patience: float = PATIENCE,
    ) -> _Found:
        """Return what ``look`` finds in the next line not looked at before that it accepts."""
        end = time.monotonic() + patience
        while True:
            while self._looked < len(self.seen):
                line = self.seen[self._looked]
                self._looked += 1
                found = look(line)
                if found is not None:
                    return found
            self._read(end, wanted)

    def rest(self) -> list[str]:
        """Return the lines not looked at that came until now."""
        looked = self._looked
        self.exchange()
        return self.seen[looked:-1]

    def exchange(self, *lines: str) -> list[str]:
        """Send lines and return what comes until all are answered."""
        before = len(self.seen)
        self.send(*lines, "PING :done with it")
        self.expect(r"\S+ PONG \S+ :?done with it")
        return self.seen[before:-1]

    def read_to_end(self) -> None:
        """Read what still comes."""
        end = time.monotonic() + PATIENCE
        try:
            while True:
                self._read(end, "the end")
        except ConnectionEndedError:
            pass

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ConnectionEndedError(error) from error

    def _read(self, end: float, wanted: str) -> None:
        """Wait for bytes, and take the lines from them."""
        self._socket.settimeout(max(0.01, end - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            raise AssertionError(f"no {wanted!r} behind {self.seen[-5:]}") from None
        except OSError as error:
            raise ConnectionEndedError(error) from error
        if not data:
            raise ConnectionEndedError("the connection is closed")
        self._take(data)

    def _take(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\r\n")
        self.seen += [line.decode() for line in lines]

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()
