"""A bot on the library irc (https://github.com/jaraco/irc), as its manual says to write one."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

from irc.bot import ExponentialBackoff, ServerSpec, SingleServerIRCBot
from irc.client import Event, ServerConnection
from irc.connection import Factory
from twisted.trial.unittest import TestCase

from tests.live.irc import IRC
from tests.support.servers import PASSWORD, Device, Server, make_home, until

ROOM = "#room"


class Bot(SingleServerIRCBot):
    """Answers ``!ping``, returns when it is kicked, and comes when it is invited."""

    def __init__(self, port: int, nick: str, password: str | None, **options: Any) -> None:
        recon = ExponentialBackoff(min_interval=0.1, max_interval=0.1)
        super().__init__(
            [ServerSpec("localhost", port, password)], nick, "A bot", recon=recon, **options
        )
        self.happened: Counter[str] = Counter()
        self.said: list[str] = []
        self.reactor.add_global_handler("all_events", self._note)
        self._stopped = Flag()
        self._thread = Thread(target=self._work, name="bot")

    def _note(self, connection: ServerConnection, event: Event) -> None:
        self.happened[event.type] += 1
        if event.type != "all_raw_messages":
            self.said.append(f"{event.type} {' '.join(event.arguments)}")

    def on_welcome(self, connection: ServerConnection, event: Event) -> None:
        connection.join(ROOM)

    def on_pubmsg(self, connection: ServerConnection, event: Event) -> None:
        if event.arguments[0] == "!ping":
            connection.privmsg(event.target, f"pong, {event.source.nick}")

    def on_kick(self, connection: ServerConnection, event: Event) -> None:
        connection.join(event.target)

    def on_invite(self, connection: ServerConnection, event: Event) -> None:
        connection.join(event.arguments[0])

    def run(self) -> None:
        """Do in a thread what `start` does, until the bot is stopped."""
        self._thread.start()

    def _work(self) -> None:
        self._connect()
        while not self._stopped.is_set():
            self.reactor.process_once(0.02)
        # Else it would return from this, too.
        self.connection.remove_global_handler("disconnect", self._on_disconnect)
        self.connection.disconnect("bye")

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def wait_for(self, event: str, times: int = 1) -> None:
        until(lambda: self.happened[event] >= times, f"{times} times {event}: {self.said}")


class BotTests(TestCase):
    """Bob was in the room before the bot, and so he is its operator."""

    def serve(self, **sections: str) -> None:
        self.home = make_home(**sections)
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.device = self.home.device("alice")
        self.bob = self.bob_joins()

    def bob_joins(self) -> IRC:
        bob = IRC.login(self.server.port, self.home.device("bob"))
        self.addCleanup(bob.close)
        bob.exchange(f"JOIN {ROOM}")
        return bob

    def launch(self, port: int, nick: str, password: str | None = None, **options: Any) -> Bot:
        bot = Bot(port, nick, password, **options)
        bot.run()
        self.addCleanup(bot.stop)
        self.assert_pings(bot)
        return bot

    def assert_pings(self, bot: Bot) -> None:
        """The bot is in the room, knows who else is, and answers."""
        until(lambda: "bob" in users(bot), f"the bot does not see bob: {bot.said}")
        self.bob.send(f"PRIVMSG {ROOM} :!ping")
        self.bob.expect(rf"{bot.connection.get_nickname()}!\S+ PRIVMSG {ROOM} :pong, bob$")

    def restart(self, bot: Bot, *, crash: bool) -> None:
        before = bot.happened["disconnect"]
        (self.server.kill if crash else self.server.stop)()
        bot.wait_for("disconnect", before + 1)
        self.server.start()
        self.bob = self.bob_joins()
        self.assert_pings(bot)

    def test_with_a_password_over_tls(self) -> None:
        self.serve(accounts='nickname = "any"')
        bot = self.launch(
            self.server.port,
            "robot",
            PASSWORD,
            sasl_login="alice",
            connect_factory=Factory(wrapper=presenting(self.device)),
        )
        self.assertIn("logged in as alice by PLAIN", self.server.log())
        self.assertEqual(bot.connection.get_nickname(), "robot")
        self.assertEqual(bot.connection.features.network, "securechat")
        self.assert_is_kicked_and_returns(bot)
        self.assert_asks(bot)
        self.restart(bot, crash=True)
        self.restart(bot, crash=False)
        self.assertEqual(bot.happened["login_failed"], 0, bot.said)

    def assert_is_kicked_and_returns(self, bot: Bot) -> None:
        bob = self.bob
        bob.send(f"MODE {ROOM} +v robot")
        until(lambda: bot.channels[ROOM].is_voiced("robot"), f"no voice: {bot.said}")
        bob.send(f"KICK {ROOM} robot :out")
        bob.expect(rf"robot!\S+ JOIN {ROOM}$")
        until(lambda: "bob" in users(bot), f"the bot does not see bob: {bot.said}")
        self.assertTrue(bot.channels[ROOM].is_oper("bob"))
        # Whom an account's rank lets in, no ban keeps out.
        bob.send(f"MODE {ROOM} -v+b robot robot!*@*", f"KICK {ROOM} robot :and do not return")
        bot.wait_for("bannedfromchan")
        self.assertEqual(users(bot), [])
        bob.send(f"INVITE robot {ROOM}")
        bob.expect(rf"robot!\S+ JOIN {ROOM}$")
        bob.exchange(f"MODE {ROOM} -b robot!*@*")
        self.assert_pings(bot)

    def assert_asks(self, bot: Bot) -> None:
        bot.connection.whois("bob")
        bot.wait_for("endofwhois")
        self.assertIn("whoisuser bob bob 127.0.0.1 * Bob", bot.said)
        bot.connection.list()
        bot.wait_for("listend")
        self.assertIn(f"list {ROOM} 2 ", bot.said)
        bot.connection.nick("android")
        self.bob.expect(r"robot!\S+ NICK :?android$")
        until(lambda: bot.connection.get_nickname() == "android", f"no new nick: {bot.said}")
        self.assert_pings(bot)
        self.assertEqual(sorted(users(bot)), ["android", "bob"])

    def test_with_the_certificate_alone(self) -> None:
        self.serve(accounts='password = "optional"\nlogin = "optional"\nnickname = "any"')
        bot = self.launch(
            self.server.port, "robot", connect_factory=Factory(wrapper=presenting(self.device))
        )
        self.assertEqual(bot.connection.get_nickname(), "robot")

    def test_with_pass_through_the_proxy(self) -> None:
        self.serve()
        # The library does not put the colon before a password that has spaces.
        bot = self.launch(self.proxy(), "robot", f":{PASSWORD}")
        self.assertIn("logged in as alice by PASS", self.server.log())
        # Nicknames are those of the accounts.
        self.assertEqual(bot.connection.get_nickname(), "alice")
        self.restart(bot, crash=True)

    def proxy(self) -> int:
        """Start ``securechat proxy``, and return its port."""
        output = Path(self.mktemp())
        with output.open("wb") as file:
            proxy = subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("securechat")), "proxy",
                    f"localhost:{self.server.port}", "--dir", str(self.device.directory),
                    "--listen", "127.0.0.1:0",
                ],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.addCleanup(proxy.wait, 20)
        self.addCleanup(proxy.terminate)
        until(lambda: "\n" in output.read_text(), "the proxy does not listen")
        found = re.match(r"listening on 127\.0\.0\.1:(\d+) ", output.read_text())
        assert found is not None, output.read_text()
        return int(found[1])


def users(bot: Bot) -> list[str]:
    """Return who is in the room, to the knowledge of the bot."""
    return list(bot.channels[ROOM].users()) if ROOM in bot.channels else []


def presenting(device: Device) -> partial[ssl.SSLSocket]:
    """Return what makes TLS of a socket, with the certificate of the device."""
    context = ssl.create_default_context(cafile=str(device.ca))
    context.load_cert_chain(device.pem)
    return partial(context.wrap_socket, server_hostname="localhost")
