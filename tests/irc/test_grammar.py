"""Masks, modes, names, casemapping, formatting and SASL's chunks."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chat.irc import sasl
from chat.irc.casemap import ascii_fold, precis_fold, rfc1459_fold
from chat.irc.formatting import strip_formatting
from chat.irc.mask import canonical, matches
from chat.irc.modes import ModeChange, ModeKind, format_changes, parse_changes
from chat.irc.names import clean_username, is_account_name, is_channel, is_nickname
from chat.network.modes import CHANNEL_MODES


class MaskTests(SynchronousTestCase):
    def test_canonical(self) -> None:
        for mask, wanted in {
            "nick": "nick!*@*",
            "user@host": "*!user@host",
            "nick!user": "nick!user@*",
            "*.example.org": "*!*@*.example.org",
            "n!u@h": "n!u@h",
            "": "*!*@*",
        }.items():
            self.assertEqual(canonical(mask), wanted)

    def test_matches(self) -> None:
        """Modern IRC, "Wildcard Expressions": * matches any number, ? exactly one."""
        self.assertTrue(matches("*!*@192.0.2.?", "Bob!b@192.0.2.7"))
        self.assertFalse(matches("*!*@192.0.2.?", "Bob!b@192.0.2.77"))
        self.assertTrue(matches("BOB!*", "bob!x@y"))
        self.assertFalse(matches("b.b", "bob"))

    def test_no_mask_holds_the_server(self) -> None:
        """Going back behind each star would take longer than the universe has been there."""
        self.assertFalse(matches("*" * 200 + "x", "a" * 500))
        self.assertFalse(matches("*a" * 60 + "*b", "a" * 500))
        self.assertTrue(matches("*a" * 60 + "*b", "a" * 500 + "b"))

    def test_only_stars_and_question_marks_are_special(self) -> None:
        for text in ("[a]!x@y", "a]b", "!a", "[!a]", "a-z", "(?s:a)", "a\\b", "a.b+c$"):
            self.assertTrue(matches(text, text), text)
        self.assertFalse(matches("[ab]", "a"))

    @given(st.text("ab[]*?!", max_size=8), st.text("ab[]!", max_size=10))
    def test_is_what_a_plain_matcher_finds(self, mask: str, text: str) -> None:
        """The reference goes back; it is right, and slow."""

        def plain(mask: str, text: str) -> bool:
            if not mask:
                return not text
            if mask[0] == "*":
                return any(plain(mask[1:], text[start:]) for start in range(len(text) + 1))
            return bool(text) and mask[0] in ("?", text[0]) and plain(mask[1:], text[1:])

        self.assertEqual(matches(mask, text), plain(mask, text))


class ModeTests(SynchronousTestCase):
    def test_arguments_by_kind(self) -> None:
        """Modern IRC, "CHANMODES": A and B always take one, C when set, D never."""
        changes = parse_changes(["+bk-lk+lt", "*!*@x", "key", "key", "5"], CHANNEL_MODES)
        self.assertEqual(
            list(changes),
            [
                ModeChange(True, "b", "*!*@x"),
                ModeChange(True, "k", "key"),
                ModeChange(False, "l"),
                ModeChange(False, "k", "key"),
                ModeChange(True, "l", "5"),
                ModeChange(True, "t"),
            ],
        )

    def test_missing_arguments_and_unknown_letters(self) -> None:
        changes = list(parse_changes(["o?b"], {"o": ModeKind.PREFIX, "b": ModeKind.LIST}))
        self.assertEqual([change.argument for change in changes], [None, None, None])

    def test_format(self) -> None:
        changes = [ModeChange(True, "o", "al"), ModeChange(True, "t"), ModeChange(False, "k", "*")]
        self.assertEqual(format_changes(changes), ("+ot-k", "al", "*"))

    @given(
        st.lists(
            st.builds(ModeChange, st.booleans(), st.sampled_from("imnt"))
            | st.builds(
                ModeChange, st.booleans(), st.sampled_from("ovkb"), st.from_regex(r"\A[a-z]+\Z")
            ),
            min_size=1,
        )
    )
    def test_round_trip(self, changes: list[ModeChange]) -> None:
        self.assertEqual(list(parse_changes(format_changes(changes), CHANNEL_MODES)), changes)


class NameTests(SynchronousTestCase):
    def test_nicknames(self) -> None:
        """Modern IRC, "Clients": no leading digit, colon, hash; none of space , * ? ! @ ."""
        for good in ("alice", "[a]", "a-1", "_x", "a|b"):
            self.assertTrue(is_nickname(good, 30), good)
        for bad in ("", "1a", "#a", ":a", "a b", "a,b", "a*", "a!b", "a@b", "a.b", "-a", "\u00e4"):
            self.assertFalse(is_nickname(bad, 30), bad)
        self.assertFalse(is_nickname("a" * 31, 30))

    def test_accounts_are_safe_file_names(self) -> None:
        self.assertTrue(is_account_name("alice-2_x", 30))
        for bad in ("..", "a/b", "a.b", "-a", "", "a\n"):
            self.assertFalse(is_account_name(bad, 30), bad)

    def test_channels(self) -> None:
        """Modern IRC, "Channels": no space, comma or control G; limits count bytes."""
        for good in ("#a", "##", "#\u00e4"):
            self.assertTrue(is_channel(good, 64), good)
        for bad in ("a", "#", "#a b", "#a,b", "#a\7", "#a\n", ""):
            self.assertFalse(is_channel(bad, 64), bad)
        self.assertFalse(is_channel("#" + "\u00e4" * 32, 64))

    def test_user_names(self) -> None:
        self.assertEqual(clean_username("a b!@c" + "d" * 30, 5), "abcdd")

    def test_nicknames_in_any_script(self) -> None:
        """RFC 8265, 3.3: letters and digits, none of symbols, spaces and invisible characters."""
        for good in ("\u00c9van", "\u0435van", "\u6f22\u5b57", "[\u00e4]"):
            self.assertTrue(is_nickname(good, 30, utf8=True), good)
            self.assertFalse(is_nickname(good, 30), good)
        for bad in ("\U0001f60a", "a\u200db", "\ufb01", "1\u00e4", "\u00e4!b", "\u00e4" * 16):
            self.assertFalse(is_nickname(bad, 30, utf8=True), bad)

    def test_look_alikes_are_one_name(self) -> None:
        """Unicode TS 39: a name whose skeleton is another's can be taken for it."""
        for left, right in (
            ("evan", "\u0435van"),
            ("\u00c9va", "\u00e9VA"),
            ("#Caf\u00e9", "#caf\u00c9"),
            ("#\U0001f60aX", "#\U0001f60ax"),
        ):
            self.assertEqual(precis_fold(left), precis_fold(right))
        self.assertNotEqual(precis_fold("evan"), precis_fold("\u00e9van"))

    def test_folding(self) -> None:
        self.assertEqual(ascii_fold("AbC[]\\~\u00c4"), "abc[]\\~\u00c4")
        self.assertEqual(rfc1459_fold("AbC[]\\~"), "abc{}|^")


class FormattingTests(SynchronousTestCase):
    def test_strip(self) -> None:
        text = "\x02b\x0f \x0304,12red\x03 \x04ff0000hex \x1b[31mx\x07 \u202eabc"
        self.assertEqual(strip_formatting(text), "b red hex [31mx abc")

    def test_digits_behind_a_colour_stay(self) -> None:
        self.assertEqual(strip_formatting("\x0304123"), "123")


class SaslTests(SynchronousTestCase):
    def test_chunks(self) -> None:
        """sasl-3.1: "split into 400-byte chunks"; a full last chunk is followed by +."""
        self.assertEqual(list(sasl.chunks(b"")), ["+"])
        self.assertEqual([len(chunk) for chunk in sasl.chunks(b"x" * 300)], [400, 1])
        self.assertEqual([len(chunk) for chunk in sasl.chunks(b"x" * 301)], [400, 4])

    @given(st.binary(max_size=2000))
    def test_round_trip(self, response: bytes) -> None:
        joined = "".join(chunk for chunk in sasl.chunks(response) if chunk != "+")
        self.assertEqual(sasl.decode(joined), response)

    def test_plain(self) -> None:
        response = sasl.plain("al", "p\u00e4ss")
        self.assertEqual(sasl.parse_plain(response), ("", "al", "p\u00e4ss"))
        for bad in (b"", b"a\0b", b"a\0b\0c\0d", b"\0\xff\0x"):
            with self.assertRaises(sasl.MalformedResponseError):
                sasl.parse_plain(bad)
        with self.assertRaises(sasl.MalformedResponseError):
            sasl.decode("a$b=")
