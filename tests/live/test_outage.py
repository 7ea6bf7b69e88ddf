"""The database goes away and returns, while the server stays."""

from __future__ import annotations

import re
import time

from twisted.trial.unittest import TestCase

from tests.live.databases import on_mariadb
from tests.live.irc import IRC
from tests.support.mariadb import shared_server
from tests.support.servers import Server

_DEADLINE = 1.0


class OutageTests(TestCase):
    """On MariaDB; SQLite cannot be away."""

    def setUp(self) -> None:
        self.mariadb = shared_server()
        self.mariadb.start()
        self.addCleanup(self.mariadb.start)
        self.addCleanup(self.mariadb.resume)
        self.stored = on_mariadb(
            self.mariadb, limits=f"flood = false\ndatabase_timeout = {_DEADLINE}"
        )
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.alice, self.bob = self.login("alice"), self.login("bob")
        for client in (self.alice, self.bob):
            client.send("JOIN #room")
            client.expect(r"\S+ 366 ")
        self.say("before it")

    def login(self, account: str) -> IRC:
        client = IRC.login(self.server.port, self.stored.home.device(account))
        self.addCleanup(client.close)
        return client

    def say(self, text: str) -> None:
        self.alice.send(f"PRIVMSG #room :{text}")
        self.alice.expect(rf"alice!\S+ PRIVMSG #room :{text}$")
        self.bob.expect(rf"alice!\S+ PRIVMSG #room :{text}$")

    def assert_refused(self, text: str) -> None:
        begun = time.monotonic()
        self.alice.send(f"PRIVMSG #room :{text}")
        reply = self.alice.expect(r"\S+ FAIL PRIVMSG TEMPORARILY_UNAVAILABLE :(.*)")
        self.assertLess(time.monotonic() - begun, _DEADLINE + 1)
        self.assertRegex(reply[1], "database did not confirm this in time: try again later")

    def say_when_it_is_back(self) -> None:
        for attempt in range(20):
            self.alice.send(f"PRIVMSG #room :attempt {attempt}")
            answer = self.alice.expect(r"\S+ (FAIL|PRIVMSG) .*")
            if answer[1] == "PRIVMSG":
                return
        self.fail("service did not resume")

    def check_the_log(self) -> None:
        messages = self.stored.messages()
        for client in (self.alice, self.bob):
            shown = [re.search(r" PRIVMSG #room :(.*)", line) for line in client.seen]
            texts = [found[1] for found in shown if found is not None]
            self.assertEqual([text for text in texts if messages[text] != 1], [])
            self.assertEqual(len(texts), len(set(texts)))

    def test_it_answers_nothing_for_a_while(self) -> None:
        self.mariadb.pause()
        self.assert_refused("while it is away")
        # What needs no database goes on.
        self.assertTrue(any(" 366 " in line for line in self.alice.exchange("NAMES #room")))
        self.mariadb.resume()
        self.say_when_it_is_back()
        self.say("after it")
        self.check_the_log()

    def test_it_crashes_and_returns(self) -> None:
        self.mariadb.kill()
        self.assert_refused("while it is away")
        self.mariadb.start()
        self.say_when_it_is_back()
        self.say("after it")
        self.login("bob").close()
        self.check_the_log()

    def test_a_login_is_refused_and_may_be_repeated(self) -> None:
        self.mariadb.kill()
        late = IRC(self.server.port, self.stored.home.device("bob"))
        self.addCleanup(late.close)
        late.send("CAP REQ :sasl standard-replies")
        late.authenticate()
        late.expect(r"\S+ FAIL AUTHENTICATE TEMPORARILY_UNAVAILABLE :")
        self.mariadb.start()
        self.login("bob")

    def test_the_server_does_not_start_without_it(self) -> None:
        self.assertEqual(self.server.stop(), 0)
        self.mariadb.kill()
        process = self.server.spawn()
        self.assertEqual(process.wait(20), 1)
        self.assertIn("Cannot start: ", self.server.log())
        self.assertNotIn("Traceback", self.server.log())
