"""What is typed on a terminal, and what one sees of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.console.plain.typed import TypedLine

_REST = "\b \b"


class TypedLineTest(SynchronousTestCase):
    def test_keys(self) -> None:
        for typed, shown, lines, text in (
            ("hello\r", "hello\n", ["hello"], ""),
            ("one\ntwo\nthree", "one\ntwo\nthree", ["one", "two"], "three"),
            ("abc\x7f\bd", f"abc{_REST * 2}d", [], "ad"),
            ("\x7f\x17\x15", "", [], ""),
            ("日\x7f", f"日{_REST * 2}", [], ""),
            ("e\u0301\x7f", f"e\u0301{_REST}", [], ""),
            ("two words  \x17", f"two words  {_REST * 7}", [], "two "),
            ("all of it\x15", f"all of it{_REST * 9}", [], ""),
            ("a\tb\x00\x01", "a b", [], "a b"),
            # Arrows, Home, F1, F5, Alt+a
            ("a\x1b[D\x1b[1;5H\x1bOP\x1b[15~\x1bab", "ab", [], "ab"),
            ("x\x04", "x", [], "x"),
            ("\x04", "", [None], ""),
        ):
            line = TypedLine()
            self.assertEqual(line.take(typed.encode()), (shown, lines), typed)
            self.assertEqual(line.text, text)

    def test_a_character_in_two_parts(self) -> None:
        line = TypedLine()
        first, second = "é".encode()[:1], "é".encode()[1:]
        self.assertEqual(line.take(first), ("", []))
        self.assertEqual(line.take(second), ("é", []))

    @given(st.lists(st.binary(max_size=20), max_size=10))
    def test_anything(self, parts: list[bytes]) -> None:
        """Nothing that is typed reaches a terminal, or the server, but as text."""
        line = TypedLine()
        for part in parts:
            shown, lines = line.take(part)
            self.assertTrue(shown.replace("\n", "").replace(_REST, "").isprintable())
            for each in (line.text, *lines):
                self.assertTrue(each is None or each.isprintable())
