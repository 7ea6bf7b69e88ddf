"""Who may not in gets no byte of IRC, and is one line in the log: ``openssl s_client`` asks."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.pki.authority import Identity
from tests.pki.networks import Network, now
from tests.support.servers import Server, make_home, until


class RefusalTests(TestCase):
    def setUp(self) -> None:
        self.server = Server(make_home())
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def ask(self, *options: object) -> bytes:
        """Return all that the server says, inside TLS, to somebody who speaks IRC."""
        done = subprocess.run(
            [
                "openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}",
                "-quiet", "-ign_eof", *map(str, options),
            ],
            input=b"CAP LS 302\r\nNICK alice\r\nUSER alice 0 * :Alice\r\nQUIT\r\n",
            capture_output=True,
            timeout=20,
        )  # fmt: skip
        return done.stdout

    def assert_refused(self, why: str, *options: object) -> None:
        before = len(self.server.log())

        def logged() -> list[str]:
            # Beside it the server may have looked after its certificates.
            lines = self.server.log()[before:].splitlines()
            return [line for line in lines if "#info] In use: " not in line]

        self.assertEqual(self.ask(*options), b"")
        until(logged, "a line in the log")
        # Behind one who gets in, nothing more can come of who did not.
        self.assertIn(b" CAP * LS ", self.ask("-cert", self.server.home.device("alice").pem))
        self.assertEqual(len(logged()), 1, logged())
        self.assertTrue(logged()[0].endswith(f"Refused 127.0.0.1: {why}"), logged())

    def test_no_certificate(self) -> None:
        self.assert_refused("it presented no certificate")

    def test_a_self_signed_certificate(self) -> None:
        pem = Path(self.mktemp())
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-subj", "/CN=alice", "-addext", "extendedKeyUsage=clientAuth",
                "-addext", "subjectAltName=URI:urn:securechat:account:alice:device:laptop",
                "-keyout", str(pem), "-out", f"{pem}.crt",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        self.assert_refused("its certificate is self-signed", "-cert", f"{pem}.crt", "-key", pem)

    def test_another_authority_s_certificate(self) -> None:
        # It has the same names: only the keys are others.
        other = Network.make(Path(self.mktemp()), name="securechat").device(
            Identity("alice", "laptop")
        )
        pem = other.combined
        self.assert_refused(
            "its certificate is of an unknown authority", "-cert", pem, "-cert_chain", pem
        )

    def test_an_expired_certificate(self) -> None:
        issued, days = now() - timedelta(days=31), timedelta(days=30)
        old = self.server.home.authority.device(
            Identity("alice", "laptop"), at=issued, lifetime=days
        )
        self.assert_refused(
            f"the certificate of alice/laptop expired on {issued + days:%Y-%m-%d %H:%M} UTC",
            "-cert", old.combined,
        )  # fmt: skip

    def test_the_server_s_own_certificate(self) -> None:
        keys = self.server.home.authority.layout
        self.assert_refused(
            "its certificate has the wrong purpose, it is not a client's",
            "-cert", keys.server_certificate, "-key", keys.server_key,
        )  # fmt: skip

    def test_tls_1_2(self) -> None:
        self.assert_refused(
            "its TLS version is too old",
            "-tls1_2", "-cert", self.server.home.device("alice").pem,
        )  # fmt: skip

    def test_no_tls(self) -> None:
        done = subprocess.run(
            ["openssl", "s_client", "-starttls", "irc", "-quiet",
             "-connect", f"127.0.0.1:{self.server.port}"],
            input=b"",
            capture_output=True,
            timeout=20,
        )  # fmt: skip
        self.assertEqual(done.stdout, b"")
        self.server.wait_for_log("Refused 127.0.0.1: it does not speak TLS")
