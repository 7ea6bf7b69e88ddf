from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chat.network.settings import Performance
from chat.server.config import ConfigError, load, parse_address, parse_origin

MINIMAL = """
[network]
name = "Net"
server = "irc.test"
[tls]
certificate = "file"
key = "file"
authority = "file"
revocations = "file"
"""
HASH = "$2b$12$mG0o3Pyk3vmmpPZARgLg4OMfKyDcNGktDSCHYXNAPQ8ypSZamQ54W"


class ConfigTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        (self.directory / "file").write_text("line one\nline two\n")
        self.path = self.directory / "securechat.toml"

    def load(self, text: str) -> object:
        self.path.write_text(text)
        return load(self.path)

    def test_defaults_are_the_strict_ones(self) -> None:
        self.path.write_text(MINIMAL)
        config = load(self.path)
        accounts = config.accounts
        self.assertEqual(
            (accounts.login, accounts.identity, accounts.password, accounts.nickname),
            ("required", "certificate", "required", "account"),
        )
        self.assertEqual(accounts.registration, "closed")
        self.assertEqual((config.tls.minimum, config.limits.flood), ("1.3", True))
        self.assertEqual(config.motd(), ())
        self.assertEqual((config.authority.directory, config.authority.passphrase_file), ("", ""))

    def test_passphrase(self) -> None:
        """A credential is there only where systemd runs the server; a file must be."""
        self.load(MINIMAL + '[authority]\npassphrase_file = "credential:x"')
        self.load(MINIMAL + '[authority]\npassphrase_file = "file"')
        with self.assertRaisesRegex(ConfigError, "authority.passphrase_file: found 'away'"):
            self.load(MINIMAL + '[authority]\npassphrase_file = "away"')

    def test_address(self) -> None:
        self.load(MINIMAL + '[listen]\naddress = "chat.example.org:443"')
        with self.assertRaisesRegex(ConfigError, "listen.address: 'chat' is not an address"):
            self.load(MINIMAL + '[listen]\naddress = "chat"')

    def test_performance(self) -> None:
        self.path.write_text(MINIMAL + "[performance]\nqueue = 200\n")
        self.assertEqual(load(self.path).performance, Performance(queue=200, batch=500))
        with self.assertRaisesRegex(ConfigError, "performance.batch: found 0, wanted a whole"):
            self.load(MINIMAL + "[performance]\nbatch = 0\n")

    def test_paths_are_relative_to_the_file(self) -> None:
        self.path.write_text(MINIMAL.replace('"irc.test"', '"irc.test"\nmotd = "file"'))
        config = load(self.path)
        self.assertEqual(config.path(config.tls.key), self.directory.resolve() / "file")
        self.assertEqual(config.motd(), ("line one", "line two"))

    def test_everything(self) -> None:
        self.path.write_text(
            MINIMAL
            + f"""
minimum = "1.2"
[listen]
tls = ["127.0.0.1:0", "[::1]:6697"]
websocket = ["127.0.0.1:6698"]
websocket_origins = ["https://chat.lab.example", "http://[::1]:8080"]
[database]
url = "mariadb://u:p@h:3306/n"
[accounts]
login = "optional"
[limits]
flood = false
flood_rate = 3
[history]
keep_days = 30
keep_messages = 0
[operators]
root = "{HASH}"
"""
        )
        config = load(self.path)
        self.assertEqual(config.limits.flood_rate, 3.0)
        self.assertEqual(config.listen.websocket, ("127.0.0.1:6698",))
        self.assertEqual((config.history.keep_days, config.history.keep_messages), (30, 0))
        self.assertEqual(config.operators, {"root": HASH})
        self.assertNotIn("mariadb", repr(config))
        self.assertNotIn(HASH, repr(config))

    def test_wrong(self) -> None:
        """File, key, what it found and what it wanted, in one line."""
        for text, words in {
            "[network]\nname = 'x'": "network.server: found nothing, and there is no default",
            "nonsense": "is not TOML",
            MINIMAL + "minimum = '1.1'": 'tls.minimum: found "1.1", wanted "1.3" or "1.2"',
            MINIMAL + "[limits]\nsendq = 'x'": 'limits.sendq: found "x", wanted a whole number',
            MINIMAL + "[limits]\nsendq = 0": "limits.sendq: found 0, wanted a whole number above 0",
            MINIMAL + "[limits]\nsendq = true": "limits.sendq: found true, wanted a whole number",
            MINIMAL + "[limits]\nflood = 1": "limits.flood: found 1, wanted true or false",
            MINIMAL
            + "[history]\nkeep_days = -1": "found -1, wanted a whole number, 0 for no bound",
            MINIMAL + "[accounts]\nlogins = 1": "accounts: unknown logins, wanted login, identity",
            MINIMAL + "[account]\nlogin = 1": "the file: unknown account, wanted network, tls",
            MINIMAL + "[listen]\ntls = 'x'": 'listen.tls: found "x", wanted a list',
            MINIMAL + "[listen]\ntls = ['x']": "listen.tls: 'x' is not an address",
            MINIMAL + "[listen]\nwebsocket = ['x']": "listen.websocket: 'x' is not an address",
            MINIMAL + "[listen]\nwebsocket_origins = ['*']": "listen.websocket_origins: '*' is not",
            MINIMAL + "[database]\nurl = 'odd:x'": "database.url: found the scheme 'odd', wanted",
            MINIMAL
            + "[operators]\nroot = 'x'": "operators.root: found something else, wanted a bc",
            MINIMAL.replace(
                "[network]", "[network]\ndenied_client_tags = ['-reply']"
            ): "network.denied_client_tags: found ['-reply'], wanted tags without \"+\"",
            "limits = 3\n" + MINIMAL: "limits: found something else, wanted a section",
            MINIMAL.replace('key = "file"', 'key = "gone"'): "tls.key: found 'gone', wanted a file",
        }.items():
            with self.assertRaises(ConfigError) as caught:
                self.load(text)
            message = str(caught.exception)
            self.assertTrue(message.startswith(f"{self.path}: "), message)
            self.assertIn(words, message)
            self.assertNotIn("\n", message)

    def test_no_file(self) -> None:
        with self.assertRaisesRegex(ConfigError, "there is no such file: make a network with"):
            load(self.path)

    def test_addresses(self) -> None:
        self.assertEqual(parse_address("127.0.0.1:6697"), ("127.0.0.1", 6697))
        self.assertEqual(parse_address("[::1]:0"), ("::1", 0))
        for bad in ("6697", "host", "::1:6697", "h:70000", "h:x", ":1"):
            with self.assertRaises(ValueError, msg=bad):
                parse_address(bad)

    def test_origins(self) -> None:
        """HTML, "ASCII serialization of an origin": in lower case, and nothing behind the port."""
        for good in ("https://chat.lab.example", "http://localhost:8080", "capacitor://app"):
            self.assertEqual(parse_origin(good), good)
        for bad in ("", "*", "null", "chat.lab.example", "https://x/", "https://X", "https://x:"):
            with self.assertRaises(ValueError, msg=bad):
                parse_origin(bad)
