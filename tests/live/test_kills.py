"""The server is killed while people talk: what it acknowledged is there when it runs again.

``SECURECHAT_KILLS=200`` in the environment has it killed that often on each database.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from twisted.trial.unittest import TestCase

from chat.irc.message import Message
from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import IRC
from tests.live.talker import Talker, enter, history
from tests.support.mariadb import shared_server
from tests.support.servers import Server

_KILLS = int(os.environ.get("SECURECHAT_KILLS", "10"))
#: Seconds until a kill, in use and in the start.
_USE, _START = (0.01, 0.3), (0.0, 0.35)
_ACCOUNTS = 'password = "optional"'
_ROOM = "#room sesame"
_MODES = ("+m", "+k sesame", "+l 20", "+b *!*@192.0.2.*", "+b mallory!*@*", "+v bob")


class KillTests:
    """What holds on every database; each subclass is one."""

    stored: Stored

    def enter(self, account: str) -> IRC:
        client = enter(self.server.port, self.stored.home.device(account), _ROOM)
        self.addCleanup(client.close)
        return client

    def kill(self, number: int) -> None:
        self.server.kill()

    def start(self, number: int) -> None:
        """Start the server; now and then it does not get to the end of that at first."""
        if number % 3 == 2:
            self.server.spawn()
            time.sleep(random.uniform(*_START))
            self.server.kill()
        self.server.start()

    def test_what_is_acknowledged_stays(self) -> None:
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        founder, member = self.enter("alice"), self.enter("bob")
        founder.exchange("TOPIC #room :Tuesdays, 10:00", *(f"MODE #room {each}" for each in _MODES))
        for client in (founder, member):
            client.close()
        talkers = [
            Talker("alice1", "alice", ("#room", "bob", "#room")),
            Talker("alice2", "alice", ("bob", "#room")),
            Talker("bob1", "bob", ("#room", "#room", "alice")),
            Talker("bystander", "bob", ()),
        ]
        with ThreadPoolExecutor(len(talkers)) as threads:
            for number in range(_KILLS):
                # All before one talks: nobody can be written to who is not there.
                clients = [self.enter(each.account) for each in talkers]
                begun = [
                    threads.submit(each.talk, client)
                    for each, client in zip(talkers, clients, strict=True)
                ]
                time.sleep(random.uniform(*_USE))
                self.kill(number)
                for future, client in zip(begun, clients, strict=True):
                    future.result()
                    client.close()
                self.start(number)
                self.assert_as_it_was()
        clients = [self.enter(each.account) for each in talkers]
        for each, client in zip(talkers, clients, strict=True):
            each.finish(client)
        self.check(talkers)

    def check(self, talkers: list[Talker]) -> None:
        alice, bob = self.enter("alice"), self.enter("bob")
        room, talk = history(alice, "#room"), history(alice, "bob")
        self.assertEqual(room, history(bob, "#room"))
        self.assertEqual(talk, history(bob, "alice"))
        said = Counter(message.text() for message in room + talk)
        self.assertEqual([text for text, times in said.items() if times != 1], [])
        # What was not acknowledged was sent again until it was.
        self.assertEqual(said.keys(), set().union(*(each.sent for each in talkers)))
        self.assertEqual(self.stored.messages(), said)
        for each in talkers:
            self.assert_in_order(each.echoes, room, talk)
            self.assert_in_order(each.received, room, talk)
            self.assertGreater(len(each.echoes if each.targets else each.received), _KILLS)

    def assert_in_order(self, came: list[Message], *places: list[Message]) -> None:
        """All that came is in a place, once, with the same id, time and text, in its order."""
        self.assertLessEqual(
            set(map(_facts, came)), {_facts(each) for place in places for each in place}
        )
        for place in places:
            position = {_facts(each): number for number, each in enumerate(place)}
            found = [position[facts] for facts in map(_facts, came) if facts in position]
            self.assertEqual(found, sorted(set(found)), "twice, or in another order")

    def assert_as_it_was(self) -> None:
        """Look at topic, modes, bans and ranks as a client sees them."""
        alice = self.enter("alice")
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
        self.assertRegex(lines, r" 353 alice \S #room :?(\+bob )?[@~]alice( \+bob)?")
        alice.close()


class SQLiteKillTests(KillTests, TestCase):
    """On SQLite, in the server's own process."""

    def setUp(self) -> None:
        self.stored = on_sqlite(accounts=_ACCOUNTS)


class MariaDBKillTests(KillTests, TestCase):
    """On MariaDB, which survives the server, or is killed just before it."""

    def setUp(self) -> None:
        self.mariadb = shared_server()
        self.mariadb.start()
        self.addCleanup(self.mariadb.start)
        self.stored = on_mariadb(self.mariadb, accounts=_ACCOUNTS)

    def kill(self, number: int) -> None:
        both = number % 3 == 1
        if both:
            self.mariadb.kill()
        super().kill(number)
        if both:
            self.mariadb.start()


def _facts(message: Message) -> tuple[str, str, str, str]:
    """Return what does not depend on how a message was got."""
    nick = (message.source or "").partition("!")[0]
    return message.tags["msgid"], message.tags["time"], nick, message.text()
