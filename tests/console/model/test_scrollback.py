"""What is seen of a room's lines."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from twisted.trial.unittest import SynchronousTestCase

from chat.console.lines import Line, Look, Piece
from chat.console.model.entries import Note
from chat.console.model.scrollback import LONGEST, Scrollback

MORNING = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


class ScrollbackTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.scrollback = Scrollback()

    def add(self, *texts: str, time: datetime = MORNING) -> None:
        for text in texts:
            self.scrollback.append(Note(Line(time, (Piece(Look.TEXT, text),))))

    def seen(self, width: int = 40, height: int = 4) -> list[str]:
        rows = self.scrollback.rows(width, height)
        self.assertLessEqual(len(rows), height)
        return ["".join(piece.text for piece in row).strip() for row in rows]

    def test_the_newest_is_at_the_bottom(self) -> None:
        self.assertEqual(self.seen(), [])
        self.add("one")
        self.assertEqual(self.seen(), ["── Friday, 1 May 2026 ──────────────────", "09:00 one"])
        self.add("two", "three", "four")
        self.assertEqual(self.seen(height=2), ["09:00 three", "09:00 four"])

    def test_near_the_top_is_less_than_another_page_above(self) -> None:
        self.add(*(f"line {number}" for number in range(30)), "long " * 40)
        for _ in range(40):
            above = len(self.scrollback.rows(40, 8))
            self.assertEqual(self.scrollback.is_near_top(40, 4), above < 8)
            self.scrollback.scroll_up(1, 40, 4)
        self.assertTrue(self.scrollback.is_near_top(40, 4))

    def test_each_day_has_its_rule(self) -> None:
        self.add("one")
        self.add("two", "three", time=MORNING + timedelta(days=1))
        self.assertEqual(
            [row.strip("─ ") for row in self.seen(height=9)],
            ["Friday, 1 May 2026", "09:00 one", "Saturday, 2 May 2026", "09:00 two", "09:00 three"],
        )

    def test_new_messages(self) -> None:
        self.add("one", "two")
        self.scrollback.new_from = 1
        self.assertEqual(
            [row.strip("─ ") for row in self.seen()],
            ["Friday, 1 May 2026", "09:00 one", "new messages", "09:00 two"],
        )

    def test_scrolling(self) -> None:
        self.add(*(f"line {number} which takes two rows" for number in range(20)))
        height = 5
        everything = self.seen(20, 100)
        self.assertEqual(len(everything), 41)
        for below in range(37):
            self.assertEqual(self.seen(20, height), everything[36 - below : 41 - below])
            self.scrollback.scroll_up(1, 20, height)
        # At the top it stays, however often.
        self.scrollback.scroll_up(10, 20, height)
        self.assertEqual(self.seen(20, height), everything[:5])
        for above in range(37):
            self.assertEqual(self.seen(20, height), everything[above : above + 5])
            self.scrollback.scroll_down(1, 20)
        self.assertTrue(self.scrollback.is_at_end)

    def test_what_is_looked_at_stays(self) -> None:
        self.add(*map(str, range(20)))
        self.scrollback.scroll_up(7, 40, 4)
        before = self.seen()
        self.add("more", "and more")
        self.assertEqual(self.seen(), before)
        self.scrollback.scroll_down(100, 40)
        self.assertEqual(self.seen()[-1], "09:00 and more")
        self.add("follows")
        self.assertEqual(self.seen()[-1], "09:00 follows")

    def test_all_fits(self) -> None:
        self.add("one")
        self.scrollback.scroll_up(5, 40, 4)
        self.assertTrue(self.scrollback.is_at_end)

    def test_it_is_bounded(self) -> None:
        self.add(*map(str, range(LONGEST)))
        self.scrollback.scroll_up(LONGEST, 40, 4)
        self.add(*map(str, range(3 * LONGEST)))
        self.assertEqual(self.scrollback.end, 4 * LONGEST)
        self.assertEqual(len(self.seen(height=5 * LONGEST)), 2)  # the oldest that there is
        self.scrollback.to_end()
        self.assertLess(len(self.seen(height=5 * LONGEST)), 1.2 * LONGEST)

    def test_a_full_one_is_drawn_as_quickly_as_an_empty_one(self) -> None:
        """Only what is seen is wrapped: 10,000 long lines, 200 widths."""
        self.add(*["a word " * 40] * LONGEST)
        before = time.process_time()
        for width in range(20, 220):
            self.seen(width, 50)
        self.assertLess(time.process_time() - before, 5)
