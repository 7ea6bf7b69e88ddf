"""mIRC formatting: what is said of it, and that nothing of it reaches a terminal.

Source: https://modern.ircdocs.horse/formatting
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.formatting import PLAIN, Format, parse_formatting, strip_formatting

CODES = "\x02\x03\x04\x0f\x11\x16\x1d\x1e\x1f\x1b0123456789,abcF \n\u202e"


class FormattingTests(SynchronousTestCase):
    def check(self, text: str, *expected: tuple[Format, str]) -> None:
        self.assertEqual(list(parse_formatting(text)), list(expected))

    def test_toggles(self) -> None:
        """'the text following [...] is toggled'"""
        self.check(
            "a\x02b\x1dc\x02d\x1d\x1fe\x1f\x1ef\x1e\x16g",
            (PLAIN, "a"),
            (Format(bold=True), "b"),
            (Format(bold=True, italic=True), "c"),
            (Format(italic=True), "d"),
            (Format(underline=True), "e"),
            (Format(strike=True), "f"),
            (Format(reverse=True), "g"),
        )

    def test_reset(self) -> None:
        """'This formatting character resets all formatting.'"""
        self.check(
            "\x02\x1d\x0304,05a\x0fb",
            (Format(bold=True, italic=True, colour=4, background=5), "a"),
            (PLAIN, "b"),
        )

    def test_colours(self) -> None:
        """'the background color doesn't change' without one; a comma without digits is text."""
        self.check(
            "\x034,12a\x035b\x03c\x0399d",
            (Format(colour=4, background=12), "a"),
            (Format(colour=5, background=12), "b"),
            (PLAIN, "c"),
            (PLAIN, "d"),
        )
        self.check("\x0312,x", (Format(colour=12), ",x"))
        self.check("\x031234", (Format(colour=12), "34"))

    def test_others_are_taken_out(self) -> None:
        self.check(
            "a\x04ff0000,00ff00b\x11c\x1b[2J", *((PLAIN, text) for text in ("a", "b", "c[2J"))
        )

    def test_emoji_of_several_characters(self) -> None:
        for emoji in (
            "\U0001f469\u200d\U0001f4bb",  # a woman at a computer
            "\U0001f469\U0001f3fd\u200d\U0001f4bb",
            "\U0001f3f3\ufe0f\u200d\U0001f308",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
            "\u2764\ufe0f",
            "1\ufe0f\u20e3",
            "\U0001f44d\U0001f3fd",
            "\U0001f1e9\U0001f1ea",
        ):
            self.assertEqual(strip_formatting(f"a{emoji}b \x02{emoji}"), f"a{emoji}b {emoji}")

    def test_what_joins_emoji_hides_nowhere_else(self) -> None:
        computer, joiner, tone = "\U0001f4bb", "\u200d", "\U0001f3fd"
        for text, seen in (
            (f"a{joiner}b", "ab"),
            ("a\ufe0fb", "ab"),
            (f"a{tone}b", "ab"),
            (f"{tone}", ""),
            (f"{computer}{tone}", computer),
            (f"{computer}{joiner}b", f"{computer}b"),
            (f"{computer}{joiner}{joiner}{computer}", computer * 2),
            (f"\U0001f469\x02{joiner}{computer}", f"\U0001f469{computer}"),
            # How wide these are, terminals disagree.
            (f"\U0001f3f3{joiner}\U0001f308", "\U0001f3f3\U0001f308"),
            (f"\u261d{tone}", "\u261d"),
            # Bytes of a text of its own, as variation selectors and tags.
            ("a\U000e0141\ufe03\U000e0068b\u034f", "ab"),
        ):
            self.assertEqual(strip_formatting(text), seen)

    @given(st.text(CODES + "a1\u20e3\u200d\ufe0f\U0001f3fd\U0001f469\U0001f4bb\u2764\U0001f3f3"))
    def test_what_is_stripped_is_safe(self, text: str) -> None:
        stripped = strip_formatting(text)
        self.assertEqual(strip_formatting(stripped), stripped)

    @given(st.text(CODES))
    def test_pieces_are_the_stripped_text(self, text: str) -> None:
        pieces = [piece for _, piece in parse_formatting(text)]
        self.assertEqual("".join(pieces), strip_formatting(text))
        self.assertTrue(all(piece.isprintable() and piece for piece in pieces))
