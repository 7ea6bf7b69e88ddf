"""``securechat cert``: what a device gets, and what the authority keeps."""

from __future__ import annotations

import os
import stat
import tomllib
from datetime import timedelta

from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chat.pki.authority import Identity
from chat.pki.files import write_files
from tests.cli.networks import NetworkCase
from tests.cli.programs import invoke, run
from tests.pki.networks import now
from tests.server.tls_peers import meet, server


class CertCase(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.out = self.directory / "out"

    def issue(self, *arguments: object) -> Result:
        return invoke("cert", "issue", "--dir", self.directory, "--out", self.out, *arguments)


class IssueTests(CertCase):
    def test_files(self) -> None:
        result = self.issue("alice")
        self.assertEqual((result.exit_code, result.stderr), (0, ""))
        names = {"alice-laptop.key", "alice-laptop.crt", "alice-laptop.pem"}
        found = {path.name for path in self.out.iterdir()}
        self.assertEqual(found, names | {"ca.crt", "profile.toml"})
        for path in self.out.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertIn(str(path), result.stdout)
        self.assertIn(f"securechat connect --dir {self.out}", result.stdout)

    def test_content(self) -> None:
        self.issue("alice", "--device", "phone", "--days", "90")
        pem = (self.out / "alice-phone.pem").read_bytes()
        leaf, issuing = x509.load_pem_x509_certificates(pem)
        self.assertEqual(Identity.from_certificate(leaf), Identity("alice", "phone"))
        self.assertEqual(issuing, self.network.issuing.certificate)
        key = load_pem_private_key((self.out / "alice-phone.key").read_bytes(), None)
        self.assertEqual(key.public_key(), leaf.public_key())
        self.assertTrue(pem.endswith((self.out / "alice-phone.key").read_bytes()))
        rest = leaf.not_valid_after_utc - now()
        self.assertTrue(timedelta(days=89) < rest <= timedelta(days=90))
        root = self.layout.root_certificate.read_bytes()
        self.assertEqual((self.out / "ca.crt").read_bytes(), root)

    def test_record(self) -> None:
        self.issue("alice")
        leaf = x509.load_pem_x509_certificate((self.out / "alice-laptop.crt").read_bytes())
        record = self.layout.record(leaf)
        self.assertEqual(record.read_bytes(), (self.out / "alice-laptop.crt").read_bytes())
        self.assertEqual(stat.S_IMODE(record.stat().st_mode), 0o600)

    def test_server_lets_it_in(self) -> None:
        self.issue("alice")
        (combined,) = self.out.glob("*.pem")
        files = self.network.device()
        combined.replace(files.combined)
        self.assertEqual(meet(server(self.layout), files).server.identity, "alice/laptop")

    def test_profile(self) -> None:
        self.issue("alice")
        self.assertEqual(
            tomllib.loads((self.out / "profile.toml").read_text()),
            {
                "address": "127.0.0.1:6697",
                "server_name": "localhost",
                "account": "alice",
                "certificate": "alice-laptop.pem",
                "authority": "ca.crt",
            },
        )

    def test_profile_of_a_public_server(self) -> None:
        """Where the server listens everywhere, its certificate's name is its address."""
        self.configure('"127.0.0.1:6697"', '"0.0.0.0:7000"')
        self.issue("alice")
        profile = tomllib.loads((self.out / "profile.toml").read_text())
        self.assertEqual(profile["address"], "localhost:7000")

    def test_the_address_that_is_configured(self) -> None:
        self.configure('# address = "chat.example.org:6697"', 'address = "localhost:443"')
        self.succeed("cert", "issue", "alice", "--out", self.directory / "device")
        profile = (self.directory / "device" / "profile.toml").read_text()
        self.assertIn('address = "localhost:443"\nserver_name = "localhost"', profile)
        self.configure("localhost:443", "elsewhere.example:443")
        self.fail_with(
            "is for localhost, .*: `securechat ca renew-server --host elsewhere.example`",
            *("cert", "issue", "bob"),
        )

    def test_never_overwrites(self) -> None:
        self.issue("alice")
        before = {path: path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}
        result = self.issue("alice")
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, r"^securechat: already there: .*alice-laptop\.key.*\n$")
        after = {path: path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}
        self.assertEqual(before, after)

    def test_second_device_in_one_directory(self) -> None:
        self.issue("alice")
        profile = (self.out / "profile.toml").read_bytes()
        result = self.issue("bob")
        self.assertEqual(result.exit_code, 0, result.stderr)
        self.assertEqual((self.out / "profile.toml").read_bytes(), profile)
        self.assertIn(f"--cert {self.out / 'bob-laptop.pem'} --ca", result.stdout)

    def test_foreign_authority_in_the_directory(self) -> None:
        write_files({self.out / "ca.crt": b"another network's"})
        result = self.issue("alice")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual([path.name for path in self.out.iterdir()], ["ca.crt"])

    def test_bad_names(self) -> None:
        for arguments in (("a b",), ("../alice",), ("alice", "--device", "a/b")):
            result = self.issue(*arguments)
            self.assertEqual(result.exit_code, 1)
            self.assertRegex(result.stderr, "^securechat: .* cannot name an? [^\n]+\n$")
            self.assertFalse(self.out.exists())

    def test_no_network(self) -> None:
        result = invoke("cert", "issue", "alice", "--dir", self.mktemp())
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(
            result.stderr, "^securechat: .*securechat.toml: .*securechat init[^\n]+\n$"
        )

    def test_no_issuing_key(self) -> None:
        self.network.issuing_key.unlink()
        result = self.issue("alice")
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, r"^securechat: \S+issuing-\w+\.key: No such file[^\n]+\n$")

    def test_passphrase(self) -> None:
        file = self.encrypt()
        refused = self.issue("alice")
        self.assertEqual(refused.exit_code, 1)
        self.assertRegex(
            refused.stderr, r"issuing-\w+\.key is encrypted .* --passphrase-file FILE\n$"
        )
        issued = self.issue("alice", "--passphrase-file", file)
        self.assertEqual(issued.exit_code, 0, issued.stderr)

    def test_wrong_passphrase(self) -> None:
        self.encrypt()
        wrong = self.directory / "wrong"
        write_files({wrong: b"please\n"})
        result = self.issue("alice", "--passphrase-file", wrong)
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, "the passphrase does not open .*issuing-.*key\n$")

    def test_passphrase_in_the_configuration(self) -> None:
        file = self.encrypt()
        self.configure('# passphrase_file = "passphrase.txt"', f'passphrase_file = "{file.name}"')
        self.assertEqual(self.issue("alice").exit_code, 0)

    def test_passphrase_of_systemd(self) -> None:
        file = self.encrypt()
        file.rename(file.with_name("securechat-passphrase"))
        self.patch(os, "environ", {**os.environ, "CREDENTIALS_DIRECTORY": str(self.directory)})
        self.assertEqual(self.issue("alice").exit_code, 0)

    def test_no_authority_of_its_own(self) -> None:
        self.configure('directory = "keys"', 'directory = ""')
        result = self.issue("alice")
        self.assertEqual(result.exit_code, 1)
        words = r"no authority of its own \(\[authority\] directory is empty\): ask whoever"
        self.assertRegex(result.stderr, words)

    def test_default_directory(self) -> None:
        done = run(["cert", "issue", "alice", "--device", "pc"], cwd=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue((self.directory / "alice-pc" / "alice-pc.pem").exists())


class RenewListTests(CertCase):
    def test_renewed(self) -> None:
        self.network.revoke(4711)
        result = invoke("cert", "renew-list", "--dir", self.directory)
        self.assertEqual((result.exit_code, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"revocations.pem\n.*: number 3, valid until \S+ \S+ UTC")
        (found,) = server(self.layout).credentials.revocations.lists
        self.assertEqual(found.serials, {4711})
