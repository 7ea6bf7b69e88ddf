"""The server as a process: how it starts, goes into the background, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.server.passwords import hash_password
from tests.live.irc import IRC
from tests.support.servers import TWISTD, Home, Server, make_home, until


def twistd(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``twistd`` until it returns."""
    return subprocess.run(
        [TWISTD, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False
    )


class HelpTests(TestCase):
    def test_twistd_lists_it(self) -> None:
        listed = [line.split()[:1] for line in twistd("--help").stdout.splitlines()]
        self.assertIn(["securechat"], listed)

    def test_its_own_help(self) -> None:
        done = twistd("securechat", "--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--config", done.stdout)
        self.assertIn("Example: twistd -n securechat", " ".join(done.stdout.split()))


class BrokenConfigurationTests(TestCase):
    def assert_one_line(self, home: Home, *words: str) -> None:
        done = twistd("-n", "--pidfile=", "securechat", "--dir", home.directory)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, lines)
        for word in ("securechat: ", "securechat.toml", *words):
            self.assertIn(word, lines[0])

    def test_an_unknown_key(self) -> None:
        home = make_home(listen='tls = ["127.0.0.1:0"]\nplain = ["127.0.0.1:6667"]')
        self.assert_one_line(home, "listen", "unknown plain", "wanted tls")

    def test_a_wrong_type(self) -> None:
        home = make_home(limits='flood = "no"')
        self.assert_one_line(home, "limits.flood", 'found "no"', "wanted true or false")

    def test_a_missing_file(self) -> None:
        home = make_home()
        (home.directory / "keys" / "server.key").unlink()
        self.assert_one_line(home, "tls.key", "keys/server.key", "wanted a file that is there")

    def test_no_network(self) -> None:
        self.assert_one_line(Home(Path(self.mktemp())), "securechat init")


class ProcessTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)

    def login(self, account: str, port: int | None = None) -> IRC:
        client = IRC.login(port or self.server.port, self.home.device(account))
        self.addCleanup(client.close)
        return client

    def test_sigterm(self) -> None:
        self.server.start()
        clients = [self.login("alice"), self.login("bob")]
        # On its way when the signal comes: stored, or not acknowledged.
        clients[0].send(*(f"PRIVMSG bob :last words {n}" for n in range(50)))
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        for client in clients:
            client.expect(r"ERROR :The server is shutting down")
            client.read_to_end()
        self.assertNotIn("Traceback", self.server.log())

    def test_sigterm_while_a_client_reads_nothing(self) -> None:
        self.server.start()
        deaf, alice = self.login("bob"), self.login("alice")
        text = "x" * 400
        for _ in range(30):
            alice.exchange(*(f"PRIVMSG bob :{text}" for _ in range(90)))
        begun = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        deaf.close()

    def test_a_port_that_is_taken(self) -> None:
        self.server.start()
        alice = self.login("alice")
        alice.exchange("JOIN #room")
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        log = Path(self.mktemp())
        done = twistd("-n", "--pidfile=", f"--logfile={log}", "securechat", "--dir",
                      self.home.directory)  # fmt: skip
        self.assertEqual(done.returncode, 1)
        [line] = [line for line in log.read_text().splitlines() if "Cannot start" in line]
        self.assertRegex(line, rf"127\.0\.0\.1:{self.server.port}.* Address already in use")
        self.assertNotIn("Traceback", log.read_text())
        # The first one goes on, and its people are still there.
        lines = alice.exchange("PRIVMSG #room :still here")
        self.assertTrue(any("PRIVMSG #room :still here" in line for line in lines), lines)

    def test_in_the_background(self) -> None:
        pid_file = self.home.directory / "server.pid"
        done = twistd(f"--pidfile={pid_file}", f"--logfile={self.server.log_file}",
                      "securechat", "--dir", self.home.directory)  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        until(pid_file.exists, "there is no pid file")
        pid = int(pid_file.read_text())
        self.addCleanup(_end, pid)
        self.server.wait_for_log("Ready: ")
        self.assertNotEqual(os.getsid(pid), os.getsid(0))
        alice = self.login("alice", self.server.listening_port())
        os.kill(pid, signal.SIGTERM)
        alice.expect(r"ERROR :The server is shutting down")
        until(lambda: not pid_file.exists(), "the pid file is still there")
        until(lambda: not _runs(pid), "the server still runs")
        self.assertIn("Server Shut Down", self.server.log())

    def test_what_it_writes_is_its_owner_s_alone(self) -> None:
        self.server.start()
        self.login("alice").exchange("JOIN #room")
        modes = {
            path.name: path.stat().st_mode & 0o077
            for path in self.home.directory.glob("securechat.*")
        }
        self.assertEqual([name for name, mode in modes.items() if mode], [])


def _runs(pid: int) -> bool:
    """Return whether the process is there, and is more than an entry that nobody has read."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def _end(pid: int) -> None:
    if _runs(pid):
        os.kill(pid, signal.SIGKILL)


class AdministrationTests(TestCase):
    def setUp(self) -> None:
        hashed = hash_password("sesame", 4).decode()
        self.home = make_home(operators=f'root = "{hashed}"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.alice = IRC.login(self.server.port, self.home.device("alice"))
        self.addCleanup(self.alice.close)
        self.alice.exchange("OPER root sesame")

    def test_rehash(self) -> None:
        """By command and by signal; a bad configuration changes nothing, and nobody is lost."""
        config = self.home.directory / "securechat.toml"
        good = config.read_text()
        motd = self.home.directory / "motd.txt"
        motd.write_text("Good morning\n")
        config.write_text(good.replace("[network]", '[network]\nmotd = "motd.txt"'))
        self.alice.send("REHASH")
        self.alice.expect(r".* 382 ")
        self.assertTrue(any("Good morning" in line for line in self.alice.exchange("MOTD")))
        config.write_text("nonsense")
        self.alice.send("REHASH")
        self.alice.expect(r".*FAIL REHASH CONFIG_BAD :.*securechat\.toml: is not TOML")
        config.write_text(good)
        process = self.server.process
        assert process is not None
        process.send_signal(signal.SIGHUP)
        until(lambda: self.server.log().count("was read again") == 2, "the second rehash")
        self.assertTrue(any(" 422 " in line for line in self.alice.exchange("MOTD")))

    def test_figures(self) -> None:
        lines = "\n".join(self.alice.exchange("STATS t"))
        self.assertRegex(lines, r" 249 alice t :commits [1-9]\d*, entries [1-9]\d*, failures 0")
        self.assertRegex(lines, r" 249 alice t :commit ms p50 \d+\.\d, p99 ")

    def test_restart(self) -> None:
        process = self.server.process
        assert process is not None
        self.alice.send("RESTART")
        self.alice.read_to_end()
        until(lambda: self.server.log().count("Ready: ") == 2, "the second start")
        self.assertIsNone(process.poll())
