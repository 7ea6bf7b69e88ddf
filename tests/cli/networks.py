"""A network in a directory, as commands find it: configuration and keys, no database."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from twisted.trial.unittest import TestCase

from chat.cli.config_template import render
from chat.pki.files import write_files
from chat.pki.keys import encode_key
from tests.cli.programs import invoke
from tests.pki.networks import Network

PASSPHRASE = b"open sesame"


class NetworkCase(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.network = Network.make(self.directory / "keys")
        self.layout = self.network.layout
        self.config = self.directory / "securechat.toml"
        text = render(network="Lab", server="irc.lab", database="sqlite:x.db", passphrase_file=None)
        write_files({self.config: text.encode()})

    def configure(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text, old
        write_files({self.config: text.replace(old, new).encode()}, replace=True)

    def encrypt(self) -> Path:
        """Encrypt the issuing key, and return the file with its passphrase."""
        pem = encode_key(self.network.issuing.key, PASSPHRASE)
        write_files({self.network.issuing_key: pem}, replace=True)
        file = self.directory / "passphrase"
        write_files({file: PASSPHRASE + b"\n"})
        return file

    def call(self, *arguments: object) -> Result:
        """Run a command that is about this network."""
        return invoke(*arguments, "--dir", self.directory)

    def succeed(self, *arguments: object) -> str:
        result = self.call(*arguments)
        self.assertEqual((result.exit_code, result.stderr), (0, ""), result.exception)
        return result.stdout

    def fail_with(self, words: str, *arguments: object) -> None:
        result = self.call(*arguments)
        self.assertIn(result.exit_code, (1, 2), result.exception)
        self.assertRegex(result.stderr, f"^securechat: [^\n]*{words}[^\n]*\n$")
