"""Rooms with a passphrase, and backups under one."""

from __future__ import annotations

from os import urandom

from attrs import evolve
from twisted.trial.unittest import TestCase

from chat.e2e import passphrase
from chat.e2e.canonical import decode, encode
from chat.e2e.effects import Plain, Sealed
from chat.e2e.envelope import TAG
from chat.e2e.errors import CipherError, E2eError
from chat.pki.authority import Identity, make_root
from tests.e2e.network import START
from tests.e2e.test_conversation import NetworkCase

WORDS = "correct horse battery staple crew lamp"


class RoomTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.three()
        for device in (self.alice, self.bob):
            device.engine.set_passphrase("#crew", WORDS)
        self.network.room("#crew", "alice", "bob", "carol")

    def test_who_has_the_words_reads(self) -> None:
        self.network.say(self.alice, "#crew", "one")
        self.network.say(self.bob, "#crew", "two")
        self.assertEqual((self.alice.texts, self.bob.texts), (["one", "two"], ["one", "two"]))
        self.assertEqual(self.carol.reasons, ["unknown_session"] * 2)
        self.assertFalse(self.bob.heard[0].is_proven)
        self.assertTrue(self.alice.engine.must_encrypt("#crew"))
        self.assertEqual([line for line in self.server.log if b"E2E CLAIM" in line], [])

    def test_who_learns_them_later_reads_all(self) -> None:
        self.network.say(self.alice, "#crew", "one")
        self.carol.engine.set_passphrase("#crew", f"  {WORDS.upper()}")
        found = self.carol.hear(self.server.history[0], historic=True)
        self.assertIsInstance(found, Plain)

    def test_refused(self) -> None:
        self.network.say(self.alice, "#crew", "one")
        (line,) = self.server.history
        self.bob.engine.set_passphrase("#other", WORDS)
        cases = {
            "replayed": line.tagged({"msgid": "m9"}),
            "wrong_sender": line.tagged({"account": "bob"}),
            "unknown_session": evolve(line, params=("#other", line.params[1])),
        }
        for reason, each in cases.items():
            self.assertEqual(self.bob.hear(each).reason.value, reason)
        _, session, body = line.tags[TAG].split(".")
        changed = bytearray(decode(body))
        changed[-1] ^= 1
        for value in (encode(bytes(changed)), "A" * 16, encode(bytes(60))):
            found = self.bob.hear(line.tagged({TAG: f"1.{session}.{value}"}))
            self.assertIsInstance(found, Sealed)
            self.assertEqual(found.reason.value, "malformed")

    def test_a_new_stream_after_hundred(self) -> None:
        for number in range(101):
            self.network.say(self.alice, "#crew", str(number))
        salts = {decode(each.tags[TAG].split(".")[2])[13:29] for each in self.server.history}
        self.assertEqual(len(salts), 2)
        self.assertEqual(len(self.bob.texts), 101)

    def test_another_passphrase(self) -> None:
        self.alice.engine.set_passphrase("#crew", "other words")
        self.network.say(self.alice, "#crew", "one")
        self.assertEqual(self.bob.reasons, ["unknown_session"])


class KeyTests(TestCase):
    def setUp(self) -> None:
        self.root = make_root("Lab", START).certificate

    def test_every_room_and_network_has_another_key(self) -> None:
        keys = {
            passphrase.room_key(WORDS, root, to)
            for root in (self.root, make_root("Lab", START).certificate)
            for to in ("room:#a", "room:#b")
        }
        self.assertEqual(len(keys), 4)

    def test_an_empty_one(self) -> None:
        self.assertRaises(E2eError, passphrase.room_key, " ", self.root, "room:#a")

    def test_suggestions(self) -> None:
        words = passphrase.suggest().split()
        self.assertEqual(len(words), 6)
        self.assertNotEqual(words, passphrase.suggest().split())

    def test_the_place_and_the_device_are_authenticated(self) -> None:
        key = urandom(32)
        device = Identity("alice", "laptop")
        stream = passphrase.Stream.begin(key, "room:#a", device, urandom)
        message = stream.encrypt(b"text")
        self.assertEqual(passphrase.decrypt(key, "room:#a", message).plaintext, b"text")
        self.assertRaises(CipherError, passphrase.decrypt, key, "room:#b", message)
        renamed = message.replace(b"alice/", b"malic/")
        self.assertRaises(CipherError, passphrase.decrypt, key, "room:#a", renamed)


class BackupTests(NetworkCase):
    def test_the_past_on_another_device(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "one")
        self.network.say(self.bob, "#lab", "two")
        backup = self.alice.engine.export_keys("recovery words")
        pad = self.network.device("alice/pad")
        restored = pad.engine.import_keys(backup, "recovery words")
        self.assertEqual((restored.sessions, restored.new), (2, 2))
        texts = [pad.hear(line, historic=True).body for line in self.server.history]
        self.assertEqual(texts, ["one", "two"])
        self.assertEqual(pad.engine.import_keys(backup, "recovery words").new, 0)

    def test_wrong(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "one")
        backup = self.alice.engine.export_keys("recovery words")
        self.assertNotIn(b"#lab", backup)
        take = self.bob.engine.import_keys
        for data, words in (
            (backup, "other words"),
            (backup[:-9] + b'AAAAAAA"}', "recovery words"),
            (b"", "recovery words"),
            (b"{}", "recovery words"),
        ):
            self.assertRaises(E2eError, take, data, words)
