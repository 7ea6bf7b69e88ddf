"""What the server's log says of how it keeps up."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.network.figures import Figures, Spread
from chat.server.report import unusual

_NONE = Spread(0, 0, 0)
QUIET = Figures(0, 0, 10_000, 0, 0, 0, _NONE, _NONE, Spread(0.02, 0.5, 1.0))


class UnusualTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        later = evolve(QUIET, batches=9, waiting=3, most_waiting=700, overloads=2, refused=5)
        self.assertEqual(list(unusual(later, later)), [])

    def test_senders_were_slowed_down(self) -> None:
        crowded = evolve(QUIET, waiting=4800, held=30, overloads=1)
        text = (
            "More is said than can be stored, and senders are slowed down: "
            "4800 entries wait, 30 sessions are held, a commit takes 20 ms"
        )
        self.assertEqual(list(unusual(QUIET, crowded)), [text])
        # Also while it lasts.
        self.assertEqual(list(unusual(crowded, crowded)), [text])

    def test_commands_were_refused(self) -> None:
        before, now = evolve(QUIET, refused=2), evolve(QUIET, refused=9)
        self.assertEqual(
            list(unusual(before, now)),
            ["7 commands were refused: the database did not store them in time"],
        )
