"""Text in rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.console.lines import Look, Piece
from chat.console.wrapping import clip, columns, wrap
from chat.irc.formatting import Format

EMOJI = ("\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "\U0001f44d\U0001f3fd")


def text(value: str) -> tuple[Piece, ...]:
    return (Piece(Look.TEXT, value),)


class WrapTest(SynchronousTestCase):
    def check(self, value: str, width: int, *expected: str, indent: int = 0) -> None:
        rows = wrap(text(value), width, Piece(Look.TIME, " " * indent))
        self.assertEqual(["".join(piece.text for piece in row) for row in rows], list(expected))

    def test_at_spaces(self) -> None:
        self.check("one two three", 8, "one two", "three")
        self.check("one two three", 7, "one two", "three")
        self.check("one two  three four", 10, "one two", "  three", "  four", indent=2)

    def test_words_that_are_too_long(self) -> None:
        self.check("abcdefgh", 3, "abc", "def", "gh")
        self.check("a bcdefgh", 4, "a", "bcde", "fgh")

    def test_a_head_is_not_parted_from_a_word_that_is_too_long(self) -> None:
        rows = wrap(text("12:34 abcdefgh ij"), 10, Piece(Look.TIME, "  "), head=6)
        texts = ["".join(piece.text for piece in row) for row in rows]
        self.assertEqual(texts, ["12:34 abcd", "  efgh ij"])

    def test_fits(self) -> None:
        self.check("", 5, "")
        self.check("12345", 5, "12345")
        self.check("12345 ", 5, "12345")

    def test_wide_characters_are_not_parted(self) -> None:
        self.check("日本語", 5, "日本", "語")

    def test_emoji_of_several_characters_are_not_parted(self) -> None:
        coder, heart = "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f"
        self.check(f"{coder}{heart}{coder}", 5, f"{coder}{heart}", coder)
        self.check(f"a {heart}{heart}b", 5, "a", f"{heart}{heart}b")
        self.assertEqual(clip(f"{coder}{heart}b", 4), f"{coder}…")
        self.assertEqual(clip(f"{coder}{heart}", 4), f"{coder}{heart}")

    def test_pieces_keep_how_they_look(self) -> None:
        bold = Format(bold=True)
        pieces = (Piece(Look.NICK, "bob"), Piece(Look.TEXT, " says hello", bold))
        self.assertEqual(
            wrap(pieces, 8),
            [
                (Piece(Look.NICK, "bob"), Piece(Look.TEXT, " says", bold)),
                (Piece(Look.TEXT, "hello", bold),),
            ],
        )

    @given(
        st.lists(st.sampled_from([*"ab 日\u0301👍", *EMOJI]), max_size=60).map("".join),
        st.integers(2, 20),
        st.integers(0, 8),
    )
    def test_nothing_is_lost_and_nothing_is_too_wide(
        self, value: str, width: int, indent: int
    ) -> None:
        rows = wrap(text(value), width + indent, Piece(Look.TIME, " " * indent))
        words = "".join(piece.text for row in rows for piece in row if piece.look is Look.TEXT)
        self.assertEqual(words.replace(" ", ""), value.replace(" ", ""))
        for row in rows:
            self.assertLessEqual(columns("".join(piece.text for piece in row)), width + indent)

    def test_clip(self) -> None:
        for value, width, expected in (
            ("name", 4, "name"),
            ("names", 4, "nam…"),
            ("日本語", 4, "日…"),
            ("name", 0, ""),
        ):
            self.assertEqual(clip(value, width), expected)
