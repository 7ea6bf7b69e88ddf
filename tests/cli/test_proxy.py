"""``securechat proxy`` as a process."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from tests.cli.programs import invoke
from tests.cli.test_connect import ServedTest
from tests.client.fake import until

reactor: Any = installed


class Plaintext(Protocol):
    """An IRC client that knows nothing of TLS."""

    data = b""

    def connectionMade(self) -> None:
        self.transport.write(b"NICK alice\r\nUSER a 0 * a\r\nCAP END\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.data += data


class ProxyTest(ServedTest):
    async def test_plaintext_in(self) -> None:
        await self.serve()
        program = self.program("proxy", "--dir", self.profile, "--listen", "127.0.0.1:0")
        await until(reactor, lambda: "\n" in program.out or program.err)
        match = re.match(r"listening on 127\.0\.0\.1:(\d+) for alice at 127\.0\.0\.1:", program.out)
        assert match is not None, program.out + program.err
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", int(match[1]))
        client = await connectProtocol(endpoint, Plaintext())
        await until(reactor, lambda: b"001 alice Welcome" in client.data)
        client.transport.write(b"QUIT\r\n")
        await until(reactor, lambda: client.data.endswith(b"ERROR :Closing link: quit\r\n"))
        program.process.signalProcess("TERM")
        self.assertEqual(await program.exited, 0, program.err)

    async def test_refuses_other_computers(self) -> None:
        await self.serve()
        result = invoke("proxy", "--dir", self.profile, "--listen", "0.0.0.0:6667")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("--insecure-listen", result.output + result.stderr)

    async def test_address_in_use(self) -> None:
        await self.serve()
        program = self.program("proxy", "--dir", self.profile, "--listen", f"127.0.0.1:{self.port}")
        self.assertEqual(await program.exited, 1)
        self.assertRegex(
            program.err, rf"^securechat: cannot listen on 127\.0\.0\.1:{self.port}: .*\n$"
        )
