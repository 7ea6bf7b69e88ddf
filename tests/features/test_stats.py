"""STATS, as far as it shows figures; the bans are tested with the bans."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.support.world import World


class LoadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()

    def test_operators_see_how_the_log_keeps_up(self) -> None:
        boss = self.world.client("boss")
        boss.exchange("OPER root sesame")
        self.assertEqual(
            boss.exchange("STATS t"),
            [
                ":irc.test 249 boss t :commits 7, entries 90, failures 1",
                ":irc.test 249 boss t :commit ms p50 2.0, p99 10.0, most 500.0",
                ":irc.test 249 boss t :batch p50 1, p99 30, most 60",
                ":irc.test 249 boss t :queue 3 of 10000, p50 0, p99 5, most 40",
                ":irc.test 249 boss t :sessions held 0, overloads 0, refused 0",
                ":irc.test 219 boss t :End of STATS report",
            ],
        )

    def test_operators_see_what_comes_near_its_end(self) -> None:
        self.world.figures = evolve(self.world.figures, alarms=("server.crt ends on Monday",))
        boss = self.world.client("boss")
        boss.exchange("OPER root sesame")
        self.assertIn(
            ":irc.test 249 boss t :alarm: server.crt ends on Monday", boss.exchange("STATS t")
        )

    def test_others_do_not(self) -> None:
        (refused,) = self.world.client("guest").exchange("STATS t")
        self.assertIn(" 481 guest ", refused)
