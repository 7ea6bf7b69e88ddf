from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import (
    MAX_BODY,
    LineTooLongError,
    MalformedLineError,
    Message,
    NotUtf8Error,
    parse,
    serialize,
    serialize_limited,
    size_at_most,
    truncate,
)

_word = st.text(
    st.characters(blacklist_characters="\r\n\0 ", blacklist_categories=["Cs"]), min_size=1
).filter(lambda word: word[0] != ":")
_trailing = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]))
_value = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
_messages = st.builds(
    lambda command, middle, last, source, tags: Message(command, (*middle, *last), source, tags),
    st.sampled_from(["PRIVMSG", "001", "X"]),
    st.lists(_word, max_size=6),
    st.lists(_trailing, max_size=1),
    st.none() | st.just("nick!user@host"),
    st.dictionaries(st.from_regex(r"\A\+?[a-z][a-z0-9./-]{0,8}\Z"), _value, max_size=3),
)


class ParseTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """Modern IRC, "Message Format": [@tags] [:source] <command> <parameters>."""
        message = parse(b"@id=234AB;+x :dan!d@localhost PRIVMSG #chan :Hey what's up! ")
        self.assertEqual(message.tags, {"id": "234AB", "+x": ""})
        self.assertEqual(message.source, "dan!d@localhost")
        self.assertEqual(message.command, "PRIVMSG")
        self.assertEqual(message.params, ("#chan", "Hey what's up! "))

    def test_command_is_upper_case(self) -> None:
        self.assertEqual(parse(b"privmsg a b").command, "PRIVMSG")

    def test_spaces_between_parameters(self) -> None:
        """ "software SHOULD also be able to parse multiple spaces" """
        self.assertEqual(parse(b"  NICK   bob  "), Message("NICK", ("bob",)))

    def test_empty_trailing(self) -> None:
        self.assertEqual(parse(b"TOPIC #a :").params, ("#a", ""))

    def test_colon_inside_a_word(self) -> None:
        self.assertEqual(parse(b"JOIN #a:b c").params, ("#a:b", "c"))

    def test_more_than_fifteen(self) -> None:
        """RFC 1459, 2.3: the fifteenth parameter takes the rest, with or without a colon."""
        words = " ".join(str(number) for number in range(1, 18)).encode()
        self.assertEqual(parse(b"X " + words).params[14], "15 16 17")
        words = words.replace(b" 15", b" :15")
        self.assertEqual(parse(b"X " + words).params[14], "15 16 17")

    def test_tag_escapes(self) -> None:
        r"""message-tags, "Escaping values": \: \s \\ \r \n; a lone \ is dropped."""
        self.assertEqual(parse(rb"@a=\:\s\\\r\nx\y;b=c\ X").tags, {"a": "; \\\r\nxy", "b": "c"})

    def test_last_of_duplicate_tags(self) -> None:
        """ "use only the last occurrence" """
        self.assertEqual(parse(b"@a=1;a=2 X").tags, {"a": "2"})

    def test_refused(self) -> None:
        for line in (
            b"",
            b" ",
            b":source",
            b":source ",
            b"@tags",
            b"@a=b ",
            b"a\0b",
        ):
            with self.assertRaises(MalformedLineError, msg=repr(line)):
                parse(line)

    def test_not_utf8(self) -> None:
        with self.assertRaises(NotUtf8Error) as caught:
            parse(b":src privmsg #a :\xff")
        self.assertEqual(caught.exception.command, "PRIVMSG")
        self.assertEqual(parse(b"X \xff", errors="replace").params, ("\ufffd",))

    def test_limits(self) -> None:
        """512 bytes with CR LF, without the tags; counted in bytes."""
        parse(b"X " + b"a" * 508)
        with self.assertRaises(LineTooLongError):
            parse(b"X " + b"a" * 509)
        parse(b"@a=" + b"b" * 4092 + b" X", tag_limit=4096)
        with self.assertRaises(LineTooLongError):
            parse(b"@a=" + b"b" * 4093 + b" X", tag_limit=4096)

    @given(st.binary(max_size=600))
    def test_any_bytes(self, line: bytes) -> None:
        try:
            message = parse(line)
        except MalformedLineError:
            return
        self.assertLessEqual(len(message.params), 15)


class SerializeTests(SynchronousTestCase):
    @given(_messages)
    def test_round_trip(self, message: Message) -> None:
        self.assertEqual(parse(serialize(message), tag_limit=10**6), message)

    @given(_messages)
    def test_size_at_most(self, message: Message) -> None:
        self.assertLessEqual(len(serialize_limited(message)), size_at_most(message))

    def test_size_at_most_of_the_longest(self) -> None:
        """Characters of four bytes, and those that an escape doubles."""
        for value in ("\N{PILE OF POO}" * 50, ";" * 50, " \n" * 25):
            message = Message("X", ("\N{PILE OF POO}" * 200,), None, {value: value, "a": ""})
            self.assertLessEqual(len(serialize_limited(message)), size_at_most(message))

    def test_nothing_breaks_out_of_the_line(self) -> None:
        line = serialize_limited(Message("X", ("a\r\nQUIT",), "s\r\n", {"a": "b\r\nc"}))
        self.assertEqual(line.count(b"\r\n"), 1)
        self.assertEqual(line, b"@a=b\\r\\nc :s X aQUIT\r\n")

    def test_what_somebody_sent_cannot_break_the_grammar(self) -> None:
        line = serialize_limited(Message("403", ("bob", "#a b", ":x", "", "No such channel"), "s"))
        self.assertEqual(line, b":s 403 bob * * * :No such channel\r\n")

    def test_middle_parameters(self) -> None:
        for middle in ("", "a b", ":a"):
            with self.assertRaises(MalformedLineError):
                serialize(Message("X", (middle, "last")))

    def test_cut_between_characters(self) -> None:
        """utf8-only: a cut never leaves half a character."""
        line = serialize_limited(Message("X", ("a" + "\N{SNOWMAN}" * 300,), None, {"t": "v"}))
        body = line.partition(b" ")[2]
        self.assertLessEqual(len(body), MAX_BODY)
        self.assertGreater(len(body), MAX_BODY - 3)
        body.decode()

    def test_the_cut_does_not_depend_on_spaces(self) -> None:
        """Who reckons how much text fits reckons with the colon that a space would need."""
        for text in ("x" * 600, "x " * 300):
            line = serialize_limited(Message("PRIVMSG", ("#a", text)))
            self.assertEqual(line, b"PRIVMSG #a :" + text[:498].encode() + b"\r\n")

    def test_truncate(self) -> None:
        self.assertEqual(truncate("a\N{SNOWMAN}b", 3), "a")
        self.assertEqual(truncate("a\N{SNOWMAN}b", 4), "a\N{SNOWMAN}")
