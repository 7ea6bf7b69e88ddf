"""History as people use it: read page by page, searched, taken back, and gone when it is old."""

from __future__ import annotations

import re

from twisted.trial.unittest import TestCase

from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import CAPABILITIES, IRC
from tests.support.mariadb import shared_server
from tests.support.servers import Server

CAPS = f"{CAPABILITIES} draft/chathistory soju.im/search draft/message-redaction draft/multiline"
#: Milliseconds of two days.
TWO_DAYS = 2 * 86_400_000


class HistoryTests(TestCase):
    stored: Stored

    def make_stored(self) -> Stored:
        raise NotImplementedError

    def setUp(self) -> None:
        self.stored = self.make_stored()
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.alice, self.bob = self.enter()

    def enter(self) -> tuple[IRC, IRC]:
        clients = []
        for account in ("alice", "bob"):
            client = IRC.login(self.server.port, self.stored.home.device(account), CAPS)
            self.addCleanup(client.close)
            client.exchange("JOIN #room")
            clients.append(client)
        alice, bob = clients
        alice.exchange()
        return alice, bob

    def texts(self, client: IRC, command: str) -> list[str]:
        """Return what the messages say that a command is answered with."""
        found = [re.match(r"\S+ \S+ PRIVMSG \S+ :?(.*)", line) for line in client.exchange(command)]
        return [match[1] for match in found if match]

    def test_pages_to_the_end(self) -> None:
        self.alice.exchange(*(f"PRIVMSG #room :number {n}" for n in range(25)))
        self.bob.exchange()
        pages, before = [], "*"
        for _ in range(3):
            word = "LATEST" if before == "*" else "BEFORE"
            start, *lines, _ = self.bob.exchange(f"CHATHISTORY {word} #room {before} 10")
            pages.append((len(lines), "draft/chathistory-end" in start))
            before = "msgid=" + re.findall(r"msgid=([^; ]+)", lines[0])[0]
        self.assertEqual(pages, [(10, False), (10, False), (5, True)])

    def test_search_and_redaction(self) -> None:
        (echo,) = self.alice.exchange("PRIVMSG #room :Open Sesame")
        self.bob.exchange("PRIVMSG alice :sesame seeds", "PRIVMSG #room :nothing of it")
        self.assertEqual(
            self.texts(self.bob, "SEARCH text=SESAME"), ["Open Sesame", "sesame seeds"]
        )
        self.assertEqual(self.texts(self.bob, "SEARCH text=sesame;in=#room"), ["Open Sesame"])
        self.assertEqual(self.texts(self.bob, "SEARCH from=bob;in=alice"), ["sesame seeds"])
        msgid = re.findall(r"msgid=([^; ]+)", echo)[0]
        self.alice.exchange(f"REDACT #room {msgid}")
        self.bob.exchange()
        self.assertEqual(self.texts(self.bob, "SEARCH text=sesame"), ["sesame seeds"])
        self.assertEqual(self.texts(self.bob, "CHATHISTORY LATEST #room * 9"), ["nothing of it"])

    def test_what_is_old_is_gone_and_the_room_is_not(self) -> None:
        self.alice.exchange("TOPIC #room :what stays", "PRIVMSG #room :old", "PRIVMSG bob :old")
        self.alice.exchange("MODE #room +H 5:12h")
        self.server.stop()
        self.stored.query(f"UPDATE event SET time = time - {TWO_DAYS}")
        self.server.start()
        self.server.wait_for_log("events that are beyond the bounds")
        alice, bob = self.enter()
        self.assertEqual(bob.exchange("TOPIC #room")[0].split(":", 2)[-1], "what stays")
        self.assertIn(" 5:12h", bob.exchange("MODE #room")[0])
        for place in ("#room", "alice"):
            start, *lines, _ = bob.exchange(f"CHATHISTORY LATEST {place} * 9")
            self.assertEqual((lines, "draft/chathistory-end" in start), ([], True))
        new = [f"new {n}" for n in range(3)]
        alice.exchange(*(f"PRIVMSG #room :{text}" for text in new))
        # What is deleted does not keep a server from starting, also not after a crash.
        self.server.kill()
        self.server.start()
        _, bob = self.enter()
        self.assertEqual(self.texts(bob, "CHATHISTORY LATEST #room * 9"), new)


class SQLiteHistoryTests(HistoryTests):
    def make_stored(self) -> Stored:
        return on_sqlite(history="keep_days = 1")


class MariaDBHistoryTests(HistoryTests):
    def make_stored(self) -> Stored:
        server = shared_server()
        server.start()
        return on_mariadb(server, history="keep_days = 1")


del HistoryTests
