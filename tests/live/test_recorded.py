"""Halloy, Goguma and senpai, as their source says that they speak, in one room."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.live.irc import IRC
from tests.live.transcript import Play
from tests.support.servers import Server, make_home


class RecordedTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(accounts='password = "optional"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def connect(self, account: str, device: str) -> IRC:
        client = IRC(self.server.port, self.home.device(account, device))
        self.addCleanup(client.close)
        return client

    def test_halloy_on_the_laptop_goguma_on_the_phone_senpai_on_the_desk(self) -> None:
        play = Play(self.connect)
        for name in ("bob", "halloy", "goguma"):
            play.play(name)
        self.assertNotIn("Traceback", self.server.log())
        self.server.kill()
        self.server.start()
        for name in ("bob", "halloy-again", "senpai"):
            play.play(name)
        self.assertNotIn("Traceback", self.server.log())
