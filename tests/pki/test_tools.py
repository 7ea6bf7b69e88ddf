"""Certificates as others read them: openssl and gnutls."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store
from twisted.trial.unittest import SkipTest, TestCase

from chat.pki.bundles import DeviceFiles
from chat.pki.rotation import rotate
from tests.pki.networks import Network, now


class ToolCase(TestCase):
    tool = ""

    def setUp(self) -> None:
        self.program = shutil.which(self.tool)
        if self.program is None:
            raise SkipTest(f"needs {self.tool}")
        self.network = Network.make(Path(self.mktemp()))
        self.layout = self.network.layout
        self.files = self.network.device()

    def call(self, *arguments: object) -> tuple[int, str]:
        done = subprocess.run(
            [str(self.program), *map(str, arguments)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def revoke(self, files: DeviceFiles) -> None:
        certificate = x509.load_pem_x509_certificate(files.path(".crt").read_bytes())
        self.network.revoke(certificate.serial_number)


class OpenSSLTests(ToolCase):
    tool = "openssl"

    def verify(self, purpose: str, certificate: Path, *options: object) -> tuple[int, str]:
        return self.call(
            "verify",
            "-x509_strict",
            *("-CAfile", self.layout.root_certificate),
            *("-untrusted", self.layout.issuing_certificate),
            *("-crl_check", "-CRLfile", self.layout.revocations),
            *("-purpose", purpose),
            *options,
            certificate,
        )

    def test_device(self) -> None:
        certificate = self.files.path(".crt")
        self.assertEqual(self.verify("sslclient", certificate)[0], 0)
        self.assertIn("unsuitable", self.verify("sslserver", certificate)[1])

    def test_server(self) -> None:
        certificate = self.layout.server_certificate
        for option in (("-verify_hostname", "localhost"), ("-verify_ip", "::1")):
            code, output = self.verify("sslserver", certificate, *option)
            self.assertEqual(code, 0, output)
        self.assertIn("unsuitable", self.verify("sslclient", certificate)[1])
        output = self.verify("sslserver", certificate, "-verify_hostname", "example.org")[1]
        self.assertIn("hostname mismatch", output.lower())

    def test_revoked(self) -> None:
        self.revoke(self.files)
        self.assertIn("certificate revoked", self.verify("sslclient", self.files.path(".crt"))[1])

    def test_two_issuing_authorities(self) -> None:
        """After a rotation, each verifies with the list of its own, out of one file."""
        old, first = self.files, self.layout.issuing_certificate.read_bytes()
        rotate(self.layout, self.network.root, None, now())
        second = self.layout.issuing_certificate.read_bytes()
        new = self.network.device()
        both = Path(self.mktemp())
        both.write_bytes(first + second)
        for files in (old, new):
            code, output = self.verify("sslclient", files.path(".crt"), "-untrusted", both)
            self.assertEqual(code, 0, output)
            self.revoke(files)
            output = self.verify("sslclient", files.path(".crt"), "-untrusted", both)[1]
            self.assertIn("certificate revoked", output)

    def test_expired(self) -> None:
        old = self.network.device(at=now() - timedelta(days=2), lifetime=timedelta(days=1))
        self.assertIn("expired", self.verify("sslclient", old.path(".crt"))[1])

    def test_key(self) -> None:
        code, output = self.call("pkey", "-in", self.files.combined, "-noout", "-check")
        self.assertEqual(code, 0, output)


class GnuTLSTests(ToolCase):
    tool = "certtool"

    def test_chain(self) -> None:
        chain = Path(self.mktemp())
        chain.write_bytes(
            b"".join(
                path.read_bytes()
                for path in (
                    self.files.path(".crt"),
                    self.layout.issuing_certificate,
                    self.layout.root_certificate,
                )
            )
        )
        code, output = self.call("--verify-chain", "--infile", chain)
        self.assertEqual(code, 0, output)
        self.assertIn("Chain verification output: Verified", output)

    def test_purpose_and_revocation(self) -> None:
        arguments = (
            "--verify",
            *("--load-ca-certificate", self.layout.authorities),
            *("--load-crl", self.layout.revocations),
            *("--verify-purpose", "1.3.6.1.5.5.7.3.2"),
            *("--infile", self.files.path(".crt")),
        )
        code, output = self.call(*arguments)
        self.assertEqual(code, 0, output)
        self.revoke(self.files)
        code, output = self.call(*arguments)
        self.assertNotEqual(code, 0)
        self.assertIn("revoked", output)

    def test_two_issuing_authorities(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        new = self.network.device()
        for files in (self.files, new):
            arguments = (
                "--verify",
                *("--load-ca-certificate", self.layout.authorities),
                *("--load-crl", self.layout.revocations),
                *("--infile", files.path(".crt")),
            )
            code, output = self.call(*arguments)
            self.assertEqual(code, 0, output)
            self.revoke(files)
            self.assertIn("revoked", self.call(*arguments)[1])

    def test_key(self) -> None:
        """WeeChat hands the file to GnuTLS as it is."""
        code, output = self.call("--key-info", "--infile", self.files.combined)
        self.assertEqual(code, 0, output)
        self.assertIn("SECP256R1", output)


class CryptographyTests(TestCase):
    """The strictest verifier there is: the Web PKI's profile."""

    def test_client(self) -> None:
        network = Network.make(Path(self.mktemp()))
        pem = network.device().path(".crt").read_bytes()
        verifier = (
            PolicyBuilder()
            .store(Store([network.root.certificate]))
            .time(now())
            .build_client_verifier()
        )
        leaf = x509.load_pem_x509_certificate(pem)
        verified = verifier.verify(leaf, [network.issuing.certificate])
        self.assertEqual(len(verified.chain), 3)
