"""Accounts stay in their rooms with no device connected, also when the server is killed."""

from __future__ import annotations

import re

from twisted.trial.unittest import TestCase

from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import CAPABILITIES, IRC
from tests.support.mariadb import shared_server
from tests.support.servers import Server, securechat, until

_ABSENT = "No device is connected"


class PersistenceTests:
    """What holds on every database; each subclass is one."""

    stored: Stored

    def start(self) -> None:
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, account: str, device: str = "laptop", more: str = "") -> IRC:
        files = self.stored.home.device(account, device)
        client = IRC.login(self.server.port, files, f"{CAPABILITIES} {more}")
        self.addCleanup(client.close)
        return client

    def names(self, client: IRC) -> list[str]:
        """Return who of #room the client sees."""
        lines = "\n".join(client.exchange("NAMES #room"))
        found = re.findall(r" 353 \S+ . #room :?(.*)", lines)
        return sorted(re.sub("[~@]", "", " ".join(found)).split())

    def test_a_kill_of_the_server(self) -> None:
        """Nobody leaves: not with the last device, and not with the server."""
        self.start()
        alice, bob = self.login("alice"), self.login("bob", more="away-notify")
        alice.exchange("JOIN #room", "TOPIC #room :Tuesdays")
        bob.exchange("JOIN #room")
        alice.send("QUIT")
        bob.expect(rf"alice!\S+ AWAY :{_ABSENT}$")
        bob.exchange("JOIN #other", "PART #other")
        self.server.kill()
        self.server.start()
        bob = self.login("bob", more="away-notify")
        bob.expect(r"bob!\S+ JOIN #room$")
        self.assertEqual(self.names(bob), ["alice", "bob"])
        self.assertNotIn("#other", "\n".join(bob.exchange("WHOIS bob")))
        bob.send("PRIVMSG alice :while you were gone")
        bob.expect(rf"\S+ 301 bob alice :{_ABSENT}$")
        phone = self.login("alice", "phone", "draft/chathistory")
        phone.expect(r"alice!\S+ JOIN #room$")
        phone.expect(r"\S+ 332 alice #room Tuesdays$")
        bob.expect(r"alice!\S+ AWAY$")
        phone.send("CHATHISTORY LATEST bob * 10")
        phone.expect(r"bob!\S+ PRIVMSG alice :while you were gone$")
        # The laptop cannot ask for what it missed, and is sent it once.
        for expected in (True, False):
            laptop = self.login("alice")
            lines = laptop.exchange()
            found = [line for line in (*laptop.seen, *lines) if "while you were gone" in line]
            self.assertEqual(len(set(found)), expected, found)
            laptop.send("QUIT")
            laptop.read_to_end()
        # From the checkpoint of an orderly end, too.
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertEqual(self.names(self.login("bob")), ["alice", "bob"])

    def test_a_removed_account_does_not_go_on(self) -> None:
        self.start()
        alice, phone, bob = self.login("alice"), self.login("alice", "phone"), self.login("bob")
        alice.exchange("JOIN #room")
        bob.exchange("JOIN #room")
        phone.close()
        securechat("user", "remove", "alice", "--dir", self.stored.home.directory)
        bob.send("PRIVMSG #room :not for alice")
        alice.expect(r"ERROR :The account was removed$")
        alice.read_to_end()
        bob.expect(r"alice!\S+ QUIT :The account was removed$")
        self.assertNotIn("not for alice", "\n".join(alice.seen))
        self.server.kill()
        self.server.start()
        self.assertEqual(self.names(self.login("bob")), ["bob"])


class SQLitePersistenceTests(PersistenceTests, TestCase):
    """On SQLite."""

    def setUp(self) -> None:
        self.stored = on_sqlite()

    def test_who_should_not_be_there_is_released_at_the_start(self) -> None:
        self.start()
        alice, bob = self.login("alice"), self.login("bob")
        alice.exchange("JOIN #room", "PERSISTENCE SET ON")
        bob.exchange("JOIN #room")
        alice.send("QUIT")
        alice.read_to_end()
        self.server.stop()
        self.stored.home.configure(accounts='persistence = "opt-in"')
        self.server.start()
        until(lambda: "Released: bob" in self.server.log(), "bob is not released")
        bob = self.login("bob")
        self.assertEqual(self.names(bob), ["alice"])
        self.server.stop()
        self.stored.query("DELETE FROM account WHERE folded = X'616C696365'")
        self.server.start()
        until(lambda: "Released: alice" in self.server.log(), "alice is not released")
        self.assertEqual(self.names(self.login("bob")), [])

    def test_the_limit_of_absence(self) -> None:
        self.start()
        alice = self.login("alice")
        alice.exchange("JOIN #room")
        alice.send("QUIT")
        alice.read_to_end()
        self.server.stop()
        client = f"kind = X'{b'client'.hex()}'"
        ((data,),) = self.stored.query(f"SELECT data FROM record WHERE {client}")
        assert isinstance(data, bytes)
        long_ago = re.sub(rb'"seen":\d+', b'"seen":1600000000000', data).hex()
        self.stored.query(f"UPDATE record SET data = X'{long_ago}' WHERE {client}")
        self.server.start()
        until(lambda: "Released: alice" in self.server.log(), "alice is not released")
        self.assertEqual(self.names(self.login("bob")), [])


class MariaDBPersistenceTests(PersistenceTests, TestCase):
    """On MariaDB."""

    def setUp(self) -> None:
        mariadb = shared_server()
        mariadb.start()
        self.stored = on_mariadb(mariadb)


del PersistenceTests
