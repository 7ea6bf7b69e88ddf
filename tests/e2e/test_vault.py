"""The store of keys: what is in it after a kill, who can read it, what it gives away."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from os import urandom
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.e2e.errors import VaultError
from chat.e2e.master import key_from_file, key_from_keyring
from chat.e2e.vault import Vault, with_key, with_passphrase
from chat.irc.message import Message
from tests.e2e.network import KEY
from tests.e2e.test_conversation import NetworkCase

_WRITER = """
import sys
from os import urandom
from pathlib import Path
from chat.e2e.olm import Outbound
from chat.e2e.vault import Vault, with_key
vault = Vault.open(Path(sys.argv[1]), with_key(bytes(range(32))), urandom)
session = Outbound()
for number in range(100_000):
    session.encrypt(b"x")
    vault.put("outbound", "room", {"pickle": session.pickle()})
    vault.put("second", "room", {"index": session.index})
    vault.commit()
    print(session.index, flush=True)
"""


class VaultCase(TestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "deep" / "keys.sqlite"

    def open(self, unlock=None) -> Vault:
        vault = Vault.open(self.path, unlock or with_key(KEY), urandom)
        self.addCleanup(vault.close)
        return vault

    def assertRefused(self, text: str, unlock=None) -> None:
        error = self.assertRaises(
            VaultError, Vault.open, self.path, unlock or with_key(KEY), urandom
        )
        self.assertIn(text, str(error))
        self.assertNotIn("\n", str(error))


class VaultTests(VaultCase):
    def test_items(self) -> None:
        vault = self.open()
        vault.put("place", "room:#lab", {"seq": 1})
        vault.put("place", "room:#lab", {"seq": 2})
        vault.put("place", "room:#other", {"seq": 3})
        self.assertEqual(vault.get("place", "room:#lab"), {"seq": 2})
        vault.delete("place", "room:#other")
        vault.commit()
        vault.close()
        vault = self.open()
        self.assertEqual(list(vault.items("place")), [("room:#lab", {"seq": 2})])
        self.assertIsNone(vault.get("other", "room:#lab"))

    def test_what_is_not_committed_is_not_there(self) -> None:
        vault = self.open()
        vault.put("place", "a", {"seq": 1})
        vault.close()
        self.assertIsNone(self.open().get("place", "a"))
        self.assertRaises(VaultError, vault.get, "place", "a")

    def test_it_is_for_its_owner_alone(self) -> None:
        vault = self.open()
        vault.put("place", "a", {})
        vault.commit()
        for path in self.path.parent.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)
        vault.close()
        self.path.chmod(0o644)
        self.assertRefused("run chmod 600")

    def test_one_program_at_a_time(self) -> None:
        self.open()
        self.assertRefused("another program has")

    def test_another_key(self) -> None:
        self.open().close()
        self.assertRefused("another key or passphrase", with_key(bytes(32)))
        self.assertRefused("another key or passphrase", with_passphrase("words"))
        self.assertRaises(VaultError, with_key, bytes(16))
        self.assertRefused("the passphrase is empty", with_passphrase(" "))

    def test_a_passphrase(self) -> None:
        vault = self.open(with_passphrase("six words that nobody else knows"))
        vault.put("place", "a", {"seq": 1})
        vault.commit()
        vault.close()
        wrong = with_passphrase("six words that nobody knows")
        self.assertRefused("another key or passphrase", wrong)
        again = self.open(with_passphrase("six words that nobody else knows"))
        self.assertEqual(again.get("place", "a"), {"seq": 1})

    def test_nothing_shows(self) -> None:
        vault = self.open()
        vault.put("place", "room:#secret", {"key": "plaintext"})
        vault.commit()
        vault.close()
        data = b"".join(path.read_bytes() for path in self.path.parent.iterdir())
        for word in (b"#secret", b"plaintext"):
            self.assertNotIn(word, data)

    def test_the_same_twice_is_not_the_same(self) -> None:
        vault = self.open()
        rows = []
        for _ in range(2):
            vault.put("place", "a", {"seq": 1})
            rows.append(vault._execute("SELECT salt, sealed FROM items").fetchone())
        self.assertNotEqual(rows[0][0], rows[1][0])
        self.assertNotEqual(rows[0][1], rows[1][1])

    def test_items_cannot_be_exchanged(self) -> None:
        vault = self.open()
        vault.put("place", "a", {"seq": 1})
        vault.put("place", "b", {"seq": 2})
        vault.commit()
        vault.close()
        with sqlite3.connect(self.path) as file:
            rows = file.execute("SELECT name, salt, sealed FROM items").fetchall()
            for (name, _, _), (_, salt, sealed) in zip(rows, reversed(rows), strict=True):
                file.execute(
                    "UPDATE items SET salt = ?, sealed = ? WHERE name = ?", (salt, sealed, name)
                )
        file.close()
        error = self.assertRaises(VaultError, self.open().get, "place", "a")
        self.assertIn("was changed", str(error))

    def test_not_a_vault(self) -> None:
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(b"something else, and long enough to be no database at all" * 20)
        self.path.chmod(0o600)
        self.assertRefused("cannot use")

    def test_a_newer_one(self) -> None:
        self.open().close()
        with sqlite3.connect(self.path) as file:
            file.execute("PRAGMA user_version = 9")
        file.close()
        self.assertRefused("newer securechat")

    def test_a_kill(self) -> None:
        """What was committed is there, whole: the ratchet is never behind what it gave."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(self.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(50):
            last = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        last = int(rest[-1]) if rest and rest[-1].isdigit() else last
        from chat.e2e.olm import Outbound

        vault = self.open()
        kept = vault.get("outbound", "room")
        index = Outbound.unpickle(kept["pickle"]).index
        self.assertIn(index, (last, last + 1))
        self.assertEqual(vault.get("second", "room"), {"index": index})


class FullDiskTests(NetworkCase):
    def test_nothing_leaves(self) -> None:
        """Where the disk is full nothing is sent, and the engine does nothing more."""
        self.three()
        self.network.say(self.alice, "#lab", "one")
        connection = self.alice.vault._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with self.assertRaises(VaultError) as caught:
            for _ in range(1000):
                self.alice.engine._places._vault.put("x", os.urandom(9).hex(), {"a": "b" * 999})
                self.alice.engine.encrypt("#lab", "message", "two")
        self.assertIn("free space", str(caught.exception))
        self.assertRaises(VaultError, self.alice.engine.encrypt, "#lab", "message", "three")
        for command in ("E2E", "PING"):
            line = Message(command, ("DELIVER", "bob/phone", "7", "1/1"))
            self.assertRaises(VaultError, self.alice.engine.received, line)


class KillTests(NetworkCase):
    def test_a_conversation_goes_on(self) -> None:
        """All devices are killed, and open their stores again."""
        self.three()
        self.network.say(self.alice, "#lab", "one")
        self.network.say(self.bob, "#lab", "two")
        for name, device in list(self.server.devices.items()):
            device.vault.close()
            again = self.network.open(device.identity, device.key, device.chain, device.vault._path)
            self.server.devices[name] = again
        for device in self.server.devices.values():
            device.connect()
        self.network.settle()
        alice, bob = self.server.devices["alice/laptop"], self.server.devices["bob/phone"]
        self.network.say(alice, "#lab", "three")
        self.network.say(bob, "#lab", "four")
        self.assertEqual(bob.texts, ["three", "four"])
        self.assertEqual(len(set(self.sessions())), 2)
        self.assertEqual(bob.hear(self.server.history[0], historic=True).body, "one")
        pairs = [(each.tags["+securechat/e2e"]) for each in self.server.history]
        self.assertEqual(len(set(pairs)), 4)


class MasterTests(TestCase):
    def test_a_key_file(self) -> None:
        path = Path(self.mktemp())
        key = key_from_file(path, urandom)
        self.assertEqual((len(key), stat.S_IMODE(path.stat().st_mode)), (32, 0o600))
        self.assertEqual(key_from_file(path, urandom), key)
        path.chmod(0o640)
        self.assertRaises(VaultError, key_from_file, path, urandom)
        path.chmod(0o600)
        path.write_bytes(b"short")
        self.assertRaises(VaultError, key_from_file, path, urandom)
        self.assertRaises(VaultError, key_from_file, path / "below", urandom)

    def test_no_keyring(self) -> None:
        self.patch(sys, "modules", {**sys.modules, "keyring": None})
        self.assertIsNone(key_from_keyring("net", urandom))
