"""The server is killed while people talk: what it acknowledged is there when it runs again."""

from __future__ import annotations

import random
import re
from threading import Timer

from twisted.trial.unittest import TestCase

from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import IRC, ConnectionEndedError
from tests.support.mariadb import shared_server
from tests.support.servers import Server, init_home

_KILLS = 4
#: Messages on their way at a time.
_WINDOW = 60
_MODES = ("+m", "+k sesame", "+l 20", "+b *!*@192.0.2.*", "+b mallory!*@*", "+v bob")


class CrashTests:
    """What holds on every database; each subclass is one."""

    stored: Stored

    def start(self) -> None:
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, account: str) -> IRC:
        client = IRC.login(self.server.port, self.stored.home.device(account))
        self.addCleanup(client.close)
        return client

    def join_both(self) -> tuple[IRC, IRC]:
        alice, bob = self.login("alice"), self.login("bob")
        for client in (alice, bob):
            client.send("JOIN #room sesame")
            client.expect(r"\S+ 366 \S+ #room ")
        return alice, bob

    def talk_until_killed(self, alice: IRC, bob: IRC, name: str, seconds: float) -> None:
        """Have alice send as fast as echoes come, until the server is gone."""
        timer = Timer(seconds, self.server.kill)
        timer.start()
        sent = echoed = 0
        try:
            while True:
                if sent - echoed < _WINDOW:
                    last = sent + _WINDOW // 2
                    alice.send(*(f"PRIVMSG #room :{name} {n}" for n in range(sent, last)))
                    sent = last
                alice.expect(rf"alice!\S+ PRIVMSG #room :{name} {echoed}$")
                echoed += 1
        except ConnectionEndedError:
            timer.join()
        alice.read_to_end()
        bob.read_to_end()

    def test_nothing_acknowledged_is_lost(self) -> None:
        self.start()
        alice, bob = self.join_both()
        alice.exchange("TOPIC #room :Tuesdays, 10:00", *(f"MODE #room {each}" for each in _MODES))
        acknowledged: set[str] = set()
        for kill in range(_KILLS):
            self.talk_until_killed(alice, bob, f"kill {kill}, message", random.uniform(0.05, 0.6))
            for client in (alice, bob):
                mine = _texts(client)
                self.assertEqual(len(mine), len(set(mine)), "something came twice")
                acknowledged.update(mine)
            self.server.start()
            alice, bob = self.join_both()
            self.assert_as_it_was(alice)
        messages = self.stored.messages()
        self.assertEqual([text for text in acknowledged if messages[text] != 1], [])
        self.assertEqual([text for text, count in messages.items() if count != 1], [])
        self.assertGreater(len(acknowledged), _KILLS)

    def assert_as_it_was(self, alice: IRC) -> None:
        """Look at topic, modes, bans and ranks as a client sees them."""
        lines = "\n".join(
            re.sub(r"^@\S+ ", "", line)
            for line in alice.exchange("TOPIC #room", "MODE #room", "MODE #room b", "NAMES #room")
        )
        self.assertIn(" 332 alice #room :Tuesdays, 10:00", lines)
        modes = re.search(r" 324 alice #room \+(\S+) (.*)", lines)
        self.assertIsNotNone(modes, lines)
        self.assertEqual(sorted(modes[1]), sorted("Pklmnt"))
        self.assertEqual(sorted(modes[2].split()), ["20", "sesame"])
        self.assertRegex(lines, r" 367 alice #room \*!\*@192\.0\.2\.\* alice!\S+ \d+")
        self.assertRegex(lines, r" 367 alice #room mallory!\*@\* alice!\S+ \d+")
        names = re.search(r" 353 alice \S #room :(.*)", lines)
        self.assertIn(sorted(names[1].split()), (["+bob", "@alice"], ["+bob", "~alice"]))


class SQLiteCrashTests(CrashTests, TestCase):
    """On SQLite, in the server's own process."""

    def setUp(self) -> None:
        self.stored = on_sqlite()


class MariaDBCrashTests(CrashTests, TestCase):
    """On MariaDB, which survives the server."""

    def setUp(self) -> None:
        mariadb = shared_server()
        mariadb.start()
        self.stored = on_mariadb(mariadb, init_home)

    def test_both_crash(self) -> None:
        mariadb = shared_server()
        self.addCleanup(mariadb.start)
        self.start()
        alice, bob = self.join_both()
        timer = Timer(0.3, mariadb.kill)
        timer.start()
        texts = [f"both {n}" for n in range(200)]
        alice.send(*(f"PRIVMSG #room :{text}" for text in texts))
        timer.join()
        self.server.kill()
        alice.read_to_end()
        bob.read_to_end()
        mariadb.start()
        self.server.start()
        messages = self.stored.messages()
        for text in {*_texts(alice), *_texts(bob)}:
            self.assertEqual(messages[text], 1, text)


def _texts(client: IRC) -> list[str]:
    """Return the texts that the server showed this client, which it does once they are stored."""
    matches = (re.search(r"alice!\S+ PRIVMSG #room :(.*)", line) for line in client.seen)
    return [found[1] for found in matches if found is not None]
