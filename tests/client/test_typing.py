"""How often others are told that we type."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.typing import TypingLimiter


class TypingLimiterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.limiter = TypingLimiter()

    def told(self, *moments: float, active: bool = True) -> list[str | None]:
        return [self.limiter.changed("#lab", moment, active=active) for moment in moments]

    def test_not_within_three_seconds(self) -> None:
        """typing: "any typing notification is not sent within 3 seconds of another one"."""
        expected = ["active", None, None, "active", None]
        self.assertEqual(self.told(10.0, 10.1, 12.9, 13.0, 14.0), expected)
        self.assertEqual(self.limiter.changed("bob", 14.0, active=True), "active")

    def test_the_end_is_told_once(self) -> None:
        self.told(10.0)
        self.assertEqual(self.told(12.0, 13.0, 17.0, active=False), [None, "done", None])

    def test_the_end_of_what_others_do_not_know(self) -> None:
        self.assertEqual(self.told(1.0, active=False), [None])
        self.told(10.0)
        # They have forgotten by themselves.
        self.assertEqual(self.told(16.0, active=False), [None])

    def test_a_message_is_the_end_too(self) -> None:
        self.told(10.0)
        self.limiter.said("#lab")
        self.assertEqual(self.told(14.0, active=False), [None])
        self.assertEqual(self.told(14.0), ["active"])
