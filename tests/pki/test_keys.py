"""Private keys, with a passphrase and without."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.trial.unittest import SkipTest, TestCase

from chat.pki.authority import new_key
from chat.pki.errors import PassphraseError, PkiError
from chat.pki.files import write_files
from chat.pki.keys import (
    ROUNDS,
    decode_key,
    decode_signing_key,
    encode_key,
    is_encrypted,
    public_numbers,
    split_keys,
)


class KeyTests(TestCase):
    def setUp(self) -> None:
        self.key = new_key()

    def test_unencrypted(self) -> None:
        pem = encode_key(self.key, None)
        self.assertTrue(pem.startswith(b"-----BEGIN PRIVATE KEY-----"))
        self.assertFalse(is_encrypted(pem))
        for passphrase in (None, b"needless"):
            found = decode_key(pem, passphrase, "x.key")
            self.assertEqual(found.private_numbers(), self.key.private_numbers())

    def test_encrypted(self) -> None:
        pem = encode_key(self.key, b"correct horse")
        self.assertTrue(pem.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----"))
        self.assertTrue(is_encrypted(pem))
        found = decode_key(pem, b"correct horse", "x.key")
        self.assertEqual(found.private_numbers(), self.key.private_numbers())
        with self.assertRaisesRegex(PassphraseError, "the passphrase does not open x.key"):
            decode_key(pem, b"wrong", "x.key")
        with self.assertRaisesRegex(PassphraseError, "x.key is encrypted: give"):
            decode_key(pem, None, "x.key")

    def test_empty_passphrase(self) -> None:
        with self.assertRaisesRegex(PassphraseError, "empty"):
            encode_key(self.key, b"")

    def test_not_a_key(self) -> None:
        other = ed25519.Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        for pem in (b"", b"junk", encode_key(self.key, None)[:60], other):
            with self.assertRaisesRegex(PkiError, "^x.key is not"):
                decode_key(pem, None, "x.key")

    def test_public_part_needs_no_passphrase(self) -> None:
        numbers = self.key.public_key().public_numbers()
        for passphrase in (None, b"correct horse"):
            self.assertEqual(public_numbers(encode_key(self.key, passphrase)), numbers)
        container = encode_key(self.key, b"correct horse")
        for pem in (b"", b"junk", container[:60], container[:120] + container[-40:]):
            self.assertIsNone(public_numbers(pem))

    def test_several_in_a_file(self) -> None:
        first, second = encode_key(self.key, None), encode_key(new_key(), b"x")
        self.assertEqual(split_keys(first + second), [first, second])
        self.assertEqual(split_keys(b"junk"), [b"junk"])

    def test_of_others(self) -> None:
        """A server's key may come from elsewhere; the authority's do not."""
        for key in (ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)):
            pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            self.assertEqual(decode_signing_key(pem, None, "x").public_key(), key.public_key())
            with self.assertRaisesRegex(PkiError, "x is not an ECDSA key"):
                decode_key(pem, None, "x")

    def test_ssh_keygen_opens_it(self) -> None:
        """The container is OpenSSH's own: its tool changes the passphrase."""
        if shutil.which("ssh-keygen") is None:
            raise SkipTest("needs ssh-keygen")
        path = Path(self.mktemp())
        write_files({path: encode_key(self.key, b"old one")})
        arguments = ["-p", "-a", str(ROUNDS), "-P", "old one", "-N", "new one", "-f", str(path)]
        subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True)
        found = decode_key(path.read_bytes(), b"new one", "x.key")
        self.assertEqual(found.private_numbers(), self.key.private_numbers())
