"""Keys on disk: written all or not at all, and never readable by others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.pki.authority import new_key
from chat.pki.errors import ExistsError, PassphraseError, PkiError
from chat.pki.files import (
    read_authority,
    read_certificates,
    read_issuing,
    read_passphrase,
    read_private,
    read_server_key,
    remove_made,
    write_files,
)
from chat.pki.keys import encode_key
from tests.pki.networks import Network


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class WriteTests(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.addCleanup(os.umask, os.umask(0))

    def test_modes(self) -> None:
        """Whatever the umask is, and from the first moment."""
        path = self.directory / "a" / "b" / "key"
        write_files({path: b"secret"})
        self.assertEqual(path.read_bytes(), b"secret")
        self.assertEqual(mode(path), 0o600)
        self.assertEqual([mode(parent) for parent in list(path.parents)[:3]], [0o700] * 3)

    def test_never_overwrites(self) -> None:
        old, new = self.directory / "old", self.directory / "new"
        write_files({old: b"1"})
        with self.assertRaisesRegex(ExistsError, "old: nothing was written"):
            write_files({new: b"2", old: b"2"})
        self.assertEqual((old.read_bytes(), new.exists()), (b"1", False))

    def test_never_follows_a_link(self) -> None:
        self.directory.mkdir()
        link = self.directory / "link"
        link.symlink_to("elsewhere")
        with self.assertRaises(ExistsError):
            write_files({link: b"secret"})
        self.assertFalse((self.directory / "elsewhere").exists())

    def test_all_or_nothing(self) -> None:
        blocker = self.directory / "file"
        write_files({blocker: b""})
        with self.assertRaises(OSError):
            write_files({self.directory / "x" / "1": b"1", blocker / "2": b"2"})
        self.assertEqual(list(self.directory.iterdir()), [blocker])

    def test_replace(self) -> None:
        path = self.directory / "list"
        write_files({path: b"1"})
        path.chmod(0o644)
        write_files({path: b"2"}, replace=True)
        self.assertEqual(path.read_bytes(), b"2")
        self.assertEqual(mode(path), 0o600)
        self.assertEqual(list(self.directory.iterdir()), [path])

    def test_a_failed_replacement_leaves_the_old(self) -> None:
        path = self.directory / "list"
        (path / "is a directory").mkdir(parents=True)
        with self.assertRaises(OSError):
            write_files({path: b"2"}, replace=True)
        self.assertEqual(list(self.directory.iterdir()), [path])

    def test_remove_made(self) -> None:
        made = write_files({self.directory / "a": b"", self.directory / "b" / "c": b""})
        (self.directory / "b" / "foreign").touch()
        remove_made(made)
        self.assertEqual([path.name for path in self.directory.rglob("*")], ["b", "foreign"])


class ReadTests(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        write_files({self.path: b"secret\r\nmore\n"})

    def test_private(self) -> None:
        self.assertEqual(read_private(self.path), b"secret\r\nmore\n")
        for bits in (0o640, 0o604, 0o660):
            self.path.chmod(bits)
            with self.assertRaisesRegex(PkiError, f"mode {bits:04o}.: run chmod 600 "):
                read_private(self.path)

    def test_passphrase(self) -> None:
        self.assertEqual(read_passphrase(self.path), b"secret")
        write_files({self.path: b"\nsecret\n"}, replace=True)
        with self.assertRaisesRegex(PkiError, "its first line is empty"):
            read_passphrase(self.path)

    def test_no_certificate(self) -> None:
        with self.assertRaisesRegex(PkiError, "no readable certificate"):
            read_certificates(self.path)

    def test_authority(self) -> None:
        network = Network.make(Path(self.mktemp()))
        layout = network.layout
        found = read_issuing(layout, None)
        self.assertEqual(found.certificate.public_key(), found.key.public_key())
        with self.assertRaisesRegex(PkiError, "root.key is not the key of .*issuing authority"):
            read_authority(found.certificate, layout.root_key, None)
        write_files({network.issuing_key: encode_key(new_key(), b"x")}, replace=True)
        with self.assertRaises(PassphraseError):
            read_issuing(layout, None)

    def test_server_key_of_two(self) -> None:
        """While a key takes the place of another, the file holds both."""
        layout = Network.make(Path(self.mktemp())).layout
        certificate, *_ = read_certificates(layout.server_certificate)
        pem = layout.server_key.read_bytes()
        other = encode_key(new_key(), None)
        for content in (pem, other + pem, pem + other):
            write_files({layout.server_key: content}, replace=True)
            found = read_server_key(layout.server_key, certificate)
            self.assertEqual(found.public_key(), certificate.public_key())
        write_files({layout.server_key: other}, replace=True)
        with self.assertRaisesRegex(PkiError, "is not the key of the server's certificate"):
            read_server_key(layout.server_key, certificate)
        write_files({layout.server_key: encode_key(new_key(), b"x")}, replace=True)
        with self.assertRaisesRegex(PkiError, "is encrypted, .*: store it decrypted"):
            read_server_key(layout.server_key, certificate)
