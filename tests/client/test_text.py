"""Long texts in lines that fit."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner
from chat.client.text import Multiline, compose, joined, pieces
from chat.irc.message import serialize

SOURCE = "alice!alice@198.51.100.7"


class ComposeTest(SynchronousTestCase):
    def test_short(self) -> None:
        (message,) = compose(Manner.MESSAGE, "#lab", "hi there", 0)
        self.assertEqual(serialize(message), b"PRIVMSG #lab :hi there")

    def test_action(self) -> None:
        (message,) = compose(Manner.ACTION, "#lab", "waves", 0)
        self.assertEqual(message.params, ("#lab", "\x01ACTION waves\x01"))

    def test_lines_are_messages(self) -> None:
        texts = [message.text() for message in compose(Manner.MESSAGE, "b", "one\n\ntwo", 0)]
        self.assertEqual(texts, ["one", "two"])

    def test_parts_at_spaces(self) -> None:
        texts = [each.text() for each in compose(Manner.MESSAGE, "b", "word " * 300, 40)]
        self.assertEqual(" ".join(text.strip() for text in texts), ("word " * 300).strip())
        self.assertTrue(all(text.strip().endswith("word") for text in texts))

    def test_lines_are_one_message_where_the_server_knows_them(self) -> None:
        several = Multiline(1_000, 10)
        texts = [each.text() for each in compose(Manner.MESSAGE, "b", "one\n\ntwo\n", 0, several)]
        self.assertEqual(texts, ["one\n\ntwo"])
        self.assertEqual(list(compose(Manner.MESSAGE, "b", "\n\n", 0, several)), [])
        (action, _) = compose(Manner.ACTION, "b", "one\ntwo", 0, several)
        self.assertEqual(action.text(), "\x01ACTION one\x01")

    def test_no_more_lines_and_bytes_than_the_server_takes(self) -> None:
        lines = [f"line {number}" for number in range(8)]
        messages = compose(Manner.MESSAGE, "b", "\n".join(lines), 0, Multiline(1_000, 3))
        texts = [message.text().split("\n") for message in messages]
        self.assertEqual(texts, [lines[:3], lines[3:6], lines[6:]])
        messages = compose(Manner.MESSAGE, "b", "word " * 300, 0, Multiline(600, 100))
        texts = [message.text() for message in messages]
        self.assertEqual("".join(texts), "word " * 300)
        self.assertLessEqual(max(map(len, texts)), 600)

    def test_what_is_parted_is_joined_again(self) -> None:
        """multiline: "leave the space character at the end of the line"."""
        text = "word " * 300 + "\n\nend"
        lines = list(pieces("PRIVMSG", "b", text, 40))
        self.assertEqual(joined(lines), text)
        self.assertTrue(all(line.text.endswith("word ") for line in lines[:-2]))

    @settings(max_examples=100, deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=1500))
    def test_fits_with_the_prefix_that_others_see(self, text: str) -> None:
        """Modern IRC: "messages MUST NOT exceed 512 bytes", with the source in front."""
        messages = list(compose(Manner.ACTION, "#lab", text, len(SOURCE)))
        for message in messages:
            line = serialize(evolve(message, source=SOURCE))
            self.assertLessEqual(len(line) + 2, 512)
        together = "".join(message.text()[8:-1] for message in messages)
        self.assertEqual(together.replace(" ", ""), text.replace(" ", ""))
