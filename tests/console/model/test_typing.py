"""The lines typed before, completion, and words."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.console.completion import Completion
from chat.console.model.typing import (
    Completer,
    History,
    blank_before,
    line_around,
    transposed,
    word_before,
    word_behind,
)


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

    def test_find(self) -> None:
        history = History()
        for line in ("Make tea", "make coffee", "drink", "Make tea"):
            history.add(line)
        self.assertEqual(history.find(""), ["Make tea", "drink", "make coffee"])
        self.assertEqual(history.find("E mak"), ["Make tea", "make coffee"])
        self.assertEqual(history.find("xyz"), [])

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


class WordsTest(SynchronousTestCase):
    def test_a_word_is_letters_and_digits(self) -> None:
        text = "say it-now_2, bär"
        before, ends = len(text), []
        while before:
            before = word_before(text, before)
            ends.append(before)
        self.assertEqual([text[at:][:2] for at in ends], ["bä", "2,", "no", "it", "sa"])
        self.assertEqual(
            [word_behind(text, at) for at in (0, 3, 6, 14, len(text))], [3, 6, 10, 17, 17]
        )

    def test_back_to_a_blank(self) -> None:
        self.assertEqual(
            [blank_before("a it-now  ", at) for at in (10, 4, 2, 1, 0)], [2, 2, 0, 0, 0]
        )
        self.assertEqual(blank_before("a\nb", 3), 2)

    def test_the_line_around(self) -> None:
        self.assertEqual(
            [line_around("ab\n\nc", at) for at in (0, 2, 3, 5)], [(0, 2), (0, 2), (3, 3), (4, 5)]
        )

    def test_transposed(self) -> None:
        for text, at, exchanged in (
            ("abc", 1, (0, "ba")), ("abc", 3, (1, "cb")), ("abc", 0, None), ("a", 1, None),
            ("", 0, None), ("ab\ncd", 2, (0, "ba")), ("ab\ncd", 3, None), ("ab\n\nc", 3, None),
        ):  # fmt: skip
            self.assertEqual(transposed(text, at), exchanged, (text, at))
