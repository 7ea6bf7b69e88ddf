"""``securechat send`` and ``tail`` against a server that is killed: nothing lost, nothing twice.

``SECURECHAT_SENDS=200`` in the environment has it send that often on each database.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections import Counter
from threading import Event, Thread

from twisted.trial.unittest import TestCase

from tests.cli.programs import PROGRAM, ROOT, run
from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import IRC
from tests.support.mariadb import shared_server
from tests.support.servers import Server

_SENDS = int(os.environ.get("SECURECHAT_SENDS", "12"))
_ACCOUNTS = 'password = "optional"'


class ScriptTests:
    """What holds on every database; each subclass is one."""

    stored: Stored

    def start(self) -> None:
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.stored.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')

    def flags(self, account: str = "alice") -> list[object]:
        device = self.stored.home.device(account)
        return ["--dir", device.directory, "--host", f"localhost:{self.server.port}"]

    def script(self, *arguments: object, text: str = "", code: int = 0) -> str:
        """Run a command, and return what it printed."""
        done = run([*arguments, *self.flags()], text=text)
        self.assertEqual(done.returncode, code, done.stderr)
        self.errors = done.stderr
        return done.stdout

    def texts(self, *options: object) -> list[str]:
        shown = self.script("tail", "#x", "--json", *options).splitlines()
        return [json.loads(line)["text"] for line in shown]

    def test_a_server_that_is_killed(self) -> None:
        self.start()
        self.script("send", "#x", "begin")
        follower = subprocess.Popen(
            [*PROGRAM, *map(str, ("tail", "#x", "--follow", "--json", *self.flags("bob")))],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        assert follower.stdout is not None
        followed = [json.loads(follower.stdout.readline())["text"]]
        is_over = Event()
        killer = Thread(target=self._kill_now_and_then, args=(is_over,))
        killer.start()
        sent = []
        try:
            for number in range(_SENDS):
                done = run(["send", "#x", f"n {number}", *self.flags()])
                if done.returncode == 0:
                    sent.append(f"n {number}")
        finally:
            is_over.set()
            killer.join()
        self.script("send", "#x", "end")
        found = self.texts("--lines", "100000")
        self.assertEqual([text for text, times in Counter(found).items() if times != 1], [])
        self.assertEqual([text for text in found if text in sent], sent)
        self.assertGreater(len(sent), _SENDS // 2)
        while followed[-1] != "end":
            followed.append(json.loads(follower.stdout.readline())["text"])
        self.assertEqual(followed, found)
        follower.stdout.close()

    def _kill_now_and_then(self, is_over: Event) -> None:
        while not is_over.wait(random.uniform(0.3, 1.5)):
            self.server.kill()
            self.server.start()
            time.sleep(0.2)

    def test_lines_and_pages(self) -> None:
        self.start()
        self.script("send", "#x", "--each-line", text="".join(f"l{n}\n" for n in range(150)))
        expected = [f"l{n}" for n in range(150)]
        self.assertEqual(self.texts("--lines", "1000"), expected)
        self.assertEqual(self.texts("--since", "1h"), expected)
        self.assertEqual(self.texts("--since", "1h", "--lines", "120"), expected[-120:])
        self.assertEqual(self.texts("--lines", "120"), expected[-120:])
        shown = json.loads(self.script("send", "#x", "--json", text="one\n\nthree\n"))
        self.assertEqual(self.texts("--lines", "1"), ["one\n\nthree"])
        self.assertEqual(self.texts("--since", shown["msgid"]), [])
        for _ in range(2):
            again = json.loads(self.script("send", "#x", "named", "--id", "job-7", "--json"))
        self.assertEqual(self.texts("--since", shown["msgid"]), ["named"])
        self.assertEqual(again["id"], "job-7")

    def test_others_see_the_message_only(self) -> None:
        self.start()
        self.script("send", "#x", "first")
        bob = IRC.login(self.server.port, self.stored.home.device("bob"))
        self.addCleanup(bob.close)
        bob.exchange("CAP REQ :away-notify", "JOIN #x")
        before = len(bob.seen)
        self.script("send", "#x", "second")
        bob.exchange()
        seen = [line for line in bob.seen[before:] if "alice!" in line]
        self.assertEqual(len(seen), 1, seen)
        self.assertIn("PRIVMSG #x second", seen[0].replace(" :", " "))

    def test_failures(self) -> None:
        self.start()
        for words, code in (
            (("send", "nobody", "hi"), 1),
            (("send", "nobody", "hi", "--notice"), 1),
            (("send", "#x"), 2),
            (("tail", "#x", "--since", "2026-99-99"), 2),
        ):
            self.script(*words, code=code)
            self.assertRegex(self.errors, r"^securechat: [^\n]+\n$")
        self.server.kill()
        self.script("send", "#x", "hi", "--timeout", "0.5", "--quiet", code=1)
        self.assertIn("nobody listens there", self.errors)


class SQLiteScriptTests(ScriptTests, TestCase):
    """On SQLite."""

    def setUp(self) -> None:
        self.stored = on_sqlite(accounts=_ACCOUNTS)


class MariaDBScriptTests(ScriptTests, TestCase):
    """On MariaDB."""

    def setUp(self) -> None:
        mariadb = shared_server()
        mariadb.start()
        self.stored = on_mariadb(mariadb, accounts=_ACCOUNTS)


del ScriptTests
