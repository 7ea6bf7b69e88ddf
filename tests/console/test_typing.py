"""The lines typed before, and completion."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.console.completion import Completion
from chat.console.typing import Completer, History


class HistoryTest(SynchronousTestCase):
    def test_older_and_newer(self) -> None:
        history = History()
        self.assertEqual((history.older("x"), history.newer()), (None, None))
        for line in ("one", "two", "two", "  "):
            history.add(line)
        self.assertEqual([history.older("begun"), history.older("two")], ["two", "one"])
        self.assertIsNone(history.older("one"))
        self.assertEqual([history.newer(), history.newer()], ["two", "begun"])
        self.assertIsNone(history.newer())

    def test_it_is_bounded(self) -> None:
        history = History()
        for number in range(1000):
            history.add(str(number))
        self.assertEqual(len([1 for _ in iter(lambda: history.older(""), None)]), 500)


class CompleterTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.completer = Completer(
            lambda before: [
                Completion(f"{nick} ", 1) for nick in ("bob", "bert") if before[-1:] == "b"
            ]
        )

    def test_each_tab_is_the_next_one(self) -> None:
        self.assertEqual(self.completer.complete("hi b"), "hi bob ")
        self.assertEqual(self.completer.offers(), ("bob", "bert"))
        self.assertEqual(self.completer.complete("hi bob "), "hi bert ")
        self.assertEqual(self.completer.complete("hi bert "), "hi bob ")
        self.assertEqual(self.completer.complete("hi bob ", -1), "hi bert ")

    def test_another_word_begins_anew(self) -> None:
        self.completer.complete("b")
        self.assertEqual(self.completer.complete("bob and b"), "bob and bob ")
        self.assertIsNone(self.completer.complete("nothing"))
        self.assertEqual(self.completer.offers(), ())
