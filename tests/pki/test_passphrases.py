"""Where a program without a person has the passphrase from."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.pki.errors import PassphraseError, PkiError
from chat.pki.files import write_files
from chat.pki.passphrases import find_passphrase


class PassphraseTests(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.credentials = self.directory / "credentials"
        write_files(
            {
                self.directory / "file": b"of a file\n",
                self.credentials / "securechat-passphrase": b"of the service\n",
                self.credentials / "other": b"of another name",
                self.credentials / "empty": b"",
            }
        )
        # As systemd does for a service of another user: the mode's group is the list's mask.
        for path in self.credentials.iterdir():
            path.chmod(0o440)
        self.environment = {"CREDENTIALS_DIRECTORY": str(self.credentials)}

    def find(self, configured: str) -> bytes | None:
        return find_passphrase(configured, self.directory, self.environment)

    def test_file(self) -> None:
        self.assertEqual(self.find("file"), b"of a file")
        (self.directory / "file").chmod(0o640)
        with self.assertRaisesRegex(PkiError, "others can read"):
            self.find("file")

    def test_credential(self) -> None:
        self.assertEqual(self.find(""), b"of the service")
        self.assertEqual(self.find("credential:other"), b"of another name")
        with self.assertRaisesRegex(PkiError, "first line is empty"):
            self.find("credential:empty")

    def test_none(self) -> None:
        self.environment.clear()
        self.assertIsNone(self.find(""))
        words = "no credential other here: .* LoadCredential=other:"
        with self.assertRaisesRegex(PassphraseError, words):
            self.find("credential:other")
