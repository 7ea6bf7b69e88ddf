from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.figures import Spread
from chat.store.measures import Recent


class RecentTests(SynchronousTestCase):
    def test_nothing_yet(self) -> None:
        self.assertEqual(Recent().spread(), Spread(0, 0, 0))

    def test_the_last_thousand_and_the_most_of_all(self) -> None:
        recent = Recent()
        recent.add(1_000_000)
        for value in reversed(range(1000)):
            recent.add(value)
        self.assertEqual(recent.spread(), Spread(500, 990, 1_000_000))
