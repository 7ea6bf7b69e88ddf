"""What the doctor finds, and what it says to do."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SkipTest, TestCase

from chat.pki.authority import new_key
from chat.pki.doctor import Finding, Level, Setup, examine
from chat.pki.errors import PassphraseError
from chat.pki.files import write_files
from chat.pki.keys import encode_key
from chat.pki.rotation import rotate
from tests.pki.networks import Network, now


class DoctorTests(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        layout = self.layout = self.network.layout
        self.setup = Setup(
            layout.server_certificate,
            layout.server_key,
            layout.authorities,
            layout.revocations,
            layout,
            lambda: None,
        )

    def bad(self, at: datetime | None = None) -> list[Finding]:
        findings = examine(self.setup, at or now())
        return [finding for finding in findings if finding.level is not Level.OK]

    def assertFound(
        self, level: Level, subject: str, text: str, remedy: str, at: datetime | None = None
    ) -> None:
        for found in self.bad(at):
            if found.level is level and found.subject.startswith(subject):
                self.assertRegex(found.text, text)
                self.assertRegex(found.remedy, remedy)
                return
        self.fail(f"not found: {subject}, only {self.bad(at)}")

    def test_healthy(self) -> None:
        self.assertEqual(self.bad(), [])

    def test_what_expires(self) -> None:
        day = timedelta(days=1)
        for days, level, subject, remedy in (
            (4, Level.WARN, "revocation list of", "cert renew-list"),
            (8, Level.FAIL, "revocation list of", "cert renew-list"),
            (70, Level.WARN, "server certificate", "ca renew-server"),
            (91, Level.FAIL, "server certificate", "ca renew-server"),
            (641, Level.WARN, "issuing authority", "ca rotate-issuing"),
            (731, Level.FAIL, "issuing authority", "ca rotate-issuing"),
            (3000, Level.WARN, "root authority", "a new network"),
            (3653, Level.FAIL, "root authority", "a new network"),
        ):
            self.assertFound(level, subject, ".", remedy, now() + days * day)

    def test_clock_is_behind(self) -> None:
        then = now() - timedelta(days=2)
        self.assertFound(
            Level.FAIL, "server certificate", "not valid before", "set the clock", then
        )
        self.assertFound(Level.FAIL, "revocation list of", "the future", "set the clock", then)
        self.assertFound(Level.WARN, "clock", "is from the future", "set the clock", then)

    def test_one_file_of_the_future(self) -> None:
        later = now().timestamp() + 3600
        os.utime(self.layout.revocations, (later, later))
        (found,) = self.bad()
        self.assertRegex(found.text, "revocations.pem is from the future .1 files are.")

    def test_modes(self) -> None:
        self.network.issuing_key.chmod(0o640)
        self.assertFound(
            Level.FAIL, "file mode", "issuing-.* has mode 0640", "chmod 600 .*issuing-"
        )
        self.layout.revocations.chmod(0o666)
        self.layout.issued.chmod(0o777)
        remedies = {found.remedy for found in self.bad() if found.subject == "file mode"}
        self.assertEqual(len(remedies), 3)
        for remedy in remedies:
            _, mode, path = remedy.split()
            Path(path).chmod(int(mode, 8))
        self.assertEqual(self.bad(), [])

    def test_owner(self) -> None:
        if os.getuid() != 0:
            raise SkipTest("needs root")
        os.chown(self.layout.revocations, 12345, -1)
        self.assertFound(
            Level.FAIL, "file owner", "revocations.pem is another", "chown --reference="
        )

    def test_passphrase_file(self) -> None:
        path = Path(self.mktemp())
        path.write_text("x")
        path.chmod(0o644)
        self.setup = evolve(self.setup, passphrase_file=path)
        self.assertFound(Level.FAIL, "file mode", "mode 0644", "chmod 600")

    def test_keys_that_do_not_fit(self) -> None:
        """Told without a passphrase: OpenSSH's container has the public key in the clear."""
        write_files({self.network.issuing_key: encode_key(new_key(), b"x")}, replace=True)
        self.assertFound(Level.FAIL, "issuing key", "another authority's key", "restore it")
        write_files({self.layout.server_key: encode_key(new_key(), None)}, replace=True)
        self.assertFound(Level.FAIL, "server certificate", "is not the key of", "misplaced")

    def test_missing(self) -> None:
        self.network.issuing_key.unlink()
        self.assertFound(Level.FAIL, "issuing key", "is not there", "rotate-issuing")
        self.layout.revocations.unlink()
        self.assertFound(Level.FAIL, "revocation lists", "No such file", "restore it")

    def test_passphrase(self) -> None:
        pem = encode_key(self.network.issuing.key, b"open")
        write_files({self.network.issuing_key: pem}, replace=True)
        self.assertFound(
            Level.WARN, "issuing key", "has no passphrase", "renew-list every few days"
        )
        self.setup = evolve(self.setup, passphrase=lambda: b"shut")
        self.assertFound(Level.FAIL, "issuing key", "passphrase does not open", "passphrase_file")
        self.setup = evolve(self.setup, passphrase=lambda: b"open")
        self.assertEqual(self.bad(), [])

        def missing() -> bytes:
            raise PassphraseError("there is no credential x here: run it as a service")

        self.setup = evolve(self.setup, passphrase=missing)
        self.assertFound(Level.FAIL, "issuing key", "no credential x", "as a service")

    def test_an_authority_without_a_list(self) -> None:
        before = self.layout.revocations.read_bytes()
        rotate(self.layout, self.network.root, None, now())
        write_files({self.layout.revocations: before}, replace=True)
        self.assertFound(Level.FAIL, "revocation list of", "there is none", "cert renew-list")

    def test_an_earlier_authority(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        self.assertFound(Level.WARN, "earlier authority", "no device gets in", "ca retire")

    def test_what_was_left_behind(self) -> None:
        key = self.layout.issuing_key(new_key().public_key())
        write_files({key: b"", self.layout.directory / ".server.crt.0a1b2c3d": b""})
        self.assertFound(Level.WARN, "issuing request", key.name, "ca install FILE")
        self.assertFound(Level.WARN, "unfinished file", "being written", "rm .*server.crt.0a1b")

    def test_garbage(self) -> None:
        for path in (
            self.layout.server_certificate,
            self.layout.authorities,
            self.layout.revocations,
            self.layout.issuing_certificate,
            self.layout.root_certificate,
            self.network.issuing_key,
        ):
            good = path.read_bytes()
            write_files({path: b"junk"}, replace=True)
            self.assertIn(Level.FAIL, {found.level for found in self.bad()}, path)
            write_files({path: good}, replace=True)

    def test_authority_of_others(self) -> None:
        self.setup = evolve(self.setup, layout=None)
        self.assertEqual(self.bad(), [])
        later = now() + timedelta(days=4)
        self.assertFound(
            Level.WARN, "revocation list of", "half of its time", "whoever runs", later
        )
        later = now() + timedelta(days=80)
        self.assertFound(Level.WARN, "server certificate", ".", "where it comes from", later)
