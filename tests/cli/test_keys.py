"""``securechat keys``: a backup, and the same device's keys in another place."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import TestCase

from chat.client.outgoing import Item
from chat.client.profile import Choice, choose
from chat.client.unlocking import KEY_FILE, LIST_FILE, open_engine, open_sealing
from chat.irc.message import Message
from tests.cli.programs import invoke
from tests.pki.networks import Network

WORDS = "six words that nobody else has"


class KeysTest(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.network = Network.make(self.directory / "keys")
        self.device = self.network.device().combined
        self.device.with_name("ca.crt").write_bytes(
            self.network.layout.root_certificate.read_bytes()
        )
        self.data = self.directory / "data"
        patcher = patch("platformdirs.user_data_path", lambda *_, **__: self.data)
        patcher.start()
        self.addCleanup(patcher.stop)

    def keys(self, command: str, words: str) -> str:
        done = invoke("keys", command, self.directory / "rooms.keys", "--cert", self.device,
                      text=f"{words}\n{words}\n")  # fmt: skip
        return f"{done.exit_code} {done.output}"

    def test_there_and_back(self) -> None:
        self.assertIn("0 ", self.keys("backup", WORDS)[:2])
        backup = self.directory / "rooms.keys"
        self.assertEqual(backup.stat().st_mode & 0o077, 0)
        self.assertEqual(self.device.with_name(KEY_FILE).stat().st_mode & 0o777, 0o600)
        self.assertIn("is there already", self.keys("backup", WORDS))
        self.assertIn("0 keys were in it, 0 of them new here", self.keys("restore", WORDS))
        self.assertIn("does not open the backup", self.keys("restore", "others"))

    def test_one_program_at_a_time(self) -> None:
        profile = choose(Choice(certificate=self.device), self.directory)
        engine = open_engine(profile, self.data)
        self.assertIn("another program has", self.keys("backup", WORDS))
        self.assertIn("another program has", open_sealing(profile, self.data).why_not)
        engine.close()
        self.assertEqual(open_sealing(profile, self.data).why_not, "")

    def test_a_directory_that_cannot_be_used(self) -> None:
        """Who never had keys there goes on without; who has, sends nothing to a person."""
        profile = choose(Choice(certificate=self.device), self.directory)
        said = Item(Message("PRIVMSG", ("bob", "hello")), "1")
        key = self.device.with_name(KEY_FILE)
        key.write_bytes(b"short")
        key.chmod(0o600)
        self.assertEqual(open_sealing(profile, self.data).seal(said, 0.0), said)
        key.unlink()
        open_engine(profile, self.data).close()
        key.write_bytes(bytes(32))
        denied = open_sealing(profile, self.data).seal(said, 0.0)
        assert denied is not None
        self.assertIn("another key or passphrase", denied.denial)

    def test_a_list_beside_the_certificate(self) -> None:
        profile = choose(Choice(certificate=self.device), self.directory)
        self.device.with_name(LIST_FILE).write_bytes(self.network.layout.revocations.read_bytes())
        open_engine(profile, self.data).close()
