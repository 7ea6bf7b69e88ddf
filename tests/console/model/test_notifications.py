"""Who is told of which message, and in which words."""

from __future__ import annotations

import time

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import Manner, Said
from chat.console.model.notifications import INTERVAL, Attention, Notice, Notifications, mentions
from chat.console.settings.settings import Settings
from chat.irc.casemap import ascii_fold

SAID = Said("#lab", "bob", "the pump is on", Manner.MESSAGE, own=False)
AWAY = Attention(Settings(), shown="#lab", focused=False)


class DecideTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.notifications = Notifications()
        self.now = 100.0

    def titles(
        self,
        said: Said = SAID,
        attention: Attention = AWAY,
        *,
        direct: bool = False,
        named: bool = False,
    ) -> list[str]:
        """Return what is told of a message that comes when nothing was told for long."""
        self.now += INTERVAL
        notice = self.decide(said, attention, direct=direct, named=named)
        return [notice.title] if notice is not None else []

    def decide(
        self,
        said: Said = SAID,
        attention: Attention = AWAY,
        *,
        direct: bool = False,
        named: bool = False,
    ) -> Notice | None:
        return self.notifications.decide(said, attention, self.now, direct=direct, named=named)

    def test_words(self) -> None:
        everything = evolve(AWAY, settings=Settings(notify_for="all"))
        self.assertEqual(self.titles(named=True), ["securechat: bob mentions you in #lab"])
        self.assertEqual(self.titles(direct=True), ["securechat: bob writes to you"])
        self.assertEqual(self.titles(attention=everything), ["securechat: bob in #lab"])
        self.notifications = Notifications("ship")
        self.assertEqual(self.titles(direct=True), ["securechat: bob writes to you (ship)"])

    def test_what_a_name_brings_along(self) -> None:
        """No control, formatting or direction character gets through, and no long name."""
        hostile = evolve(SAID, sender="\x1b]0;x\x07\x02b\u202eob\n\x9c", room="#" + "x" * 400)
        [title] = self.titles(hostile, named=True)
        self.assertEqual(title, f"securechat: ]0;xbob mentions you in #{'x' * 38}…")

    def test_nothing_that_is_said(self) -> None:
        secret = evolve(SAID, text="secret")
        for bits in ({"direct": True}, {"named": True}):
            [title] = self.titles(secret, **bits)
            self.assertNotIn("secret", title)

    def test_settings(self) -> None:
        for notify_for, chatter, mention in [
            ("mentions", 0, 1),
            ("all", 1, 1),
            ("none", 0, 0),
        ]:
            settings = Settings().with_value("notify_for", notify_for)
            attention = evolve(AWAY, settings=settings)
            self.assertEqual(len(self.titles(attention=attention)), chatter)
            self.assertEqual(len(self.titles(attention=attention, named=True)), mention)
            self.assertEqual(len(self.titles(attention=attention, direct=True)), mention)
            silent = evolve(attention, settings=settings.with_value("notify", "none"))
            self.assertEqual(self.titles(attention=silent, named=True), [])

    def test_what_one_sees(self) -> None:
        for focused, shown, told in [
            (True, "#LAB", 0),
            (None, "#lab", 0),
            (False, "#lab", 1),
            (True, "#other", 1),
            (None, "#other", 1),
            (True, None, 1),
        ]:
            attention = Attention(Settings(), shown=shown, focused=focused)
            self.assertEqual(len(self.titles(attention=attention, named=True)), told)

    def test_own_and_old(self) -> None:
        self.assertEqual(self.titles(evolve(SAID, own=True), direct=True), [])
        self.assertEqual(self.titles(evolve(SAID, replayed=True), named=True), [])

    def test_muted(self) -> None:
        """Mentions are muted too."""
        muted = evolve(AWAY, muted=frozenset({"#Lab", "bob"}))
        self.assertEqual(self.titles(attention=muted, named=True), [])
        talk = evolve(SAID, room="bob")
        self.assertEqual(self.titles(talk, muted, direct=True), [])
        self.assertEqual(len(self.titles(evolve(SAID, room="#2"), muted, named=True)), 1)

    def test_ignored(self) -> None:
        ignoring = evolve(AWAY, ignored=frozenset({"BOB"}))
        self.assertEqual(self.titles(attention=ignoring, named=True), [])
        self.assertEqual(self.titles(evolve(SAID, room="bob"), ignoring, direct=True), [])
        self.assertEqual(len(self.titles(evolve(SAID, sender="eve"), ignoring, named=True)), 1)

    def test_names_compare_as_the_server_compares_them(self) -> None:
        said = evolve(SAID, room="#[x]")
        rfc1459 = evolve(AWAY, muted=frozenset({"#{x}"}))
        self.assertEqual(self.titles(said, rfc1459, named=True), [])
        self.assertEqual(len(self.titles(said, evolve(rfc1459, fold=ascii_fold), named=True)), 1)

    def test_a_flood(self) -> None:
        """200 messages a second in two rooms: each is told once in 3 seconds."""
        told = []
        for number in range(2000):
            self.now = 100 + number / 200
            room = evolve(SAID, room=("#a", "#A", "#b")[number % 3])
            if self.decide(room, named=True) is not None:
                told.append(room.room.lower())
        self.assertEqual(sorted(told), ["#a"] * 4 + ["#b"] * 4)

    def test_what_is_silent_does_not_count(self) -> None:
        seen = evolve(AWAY, focused=True)
        self.assertIsNone(self.decide(attention=seen, named=True))
        self.assertIsNone(self.decide())
        self.assertIsNotNone(self.decide(named=True))
        self.assertIsNone(self.decide(named=True))


class MentionsTest(SynchronousTestCase):
    def check(self, nick: str, *, yes: tuple[str, ...] = (), no: tuple[str, ...] = ()) -> None:
        for text in yes:
            self.assertTrue(mentions(text, nick), text)
        for text in no:
            self.assertFalse(mentions(text, nick), text)

    def test_words_of_their_own(self) -> None:
        self.check(
            "alice",
            yes=("alice", "alice: hi", "hi alice!", "@alice", "ALICE's", "l'alice", "(Alice)",
                 "malice, alice", "alice.", "alice. Yes", "alice...", "bob/alice", "bob,alice",
                 "- alice", "alice - hi", "-alice", "alice--thanks", "“alice”", "alice:hi",
                 "hi\nalice\nhi", "hi\talice"),
            no=("malice", "alices", "alice2", "2alice", "alice_", "_alice", "", "al ice",
                "alice-2", "x-alice", "alice|away", "ali\nce"),
        )  # fmt: skip

    def test_addresses(self) -> None:
        self.check(
            "alice",
            yes=("alice https://example.org/x", "see http://x.org/ alice"),
            no=("https://example.org/alice", "HTTPS://X.org/?a=alice&b", "www.example.org/alice",
                "alice@example.org", "bob@alice.org", "alice.example.org", "www.alice.org"),
        )  # fmt: skip

    def test_formatting(self) -> None:
        self.check("alice", yes=("\x0304alice\x03 hi", "\x02al\x02ice", "x\x1dy \x1falice\x1f"))
        self.check("alice", no=("m\x02alice",))

    def test_unicode(self) -> None:
        self.check("Straße", yes=("STRASSE!", "straße"), no=("straßen",))
        self.check("josé", yes=("jose\u0301: hi", "JOSÉ"), no=("jose", "josés"))
        self.check("jose", no=("jose\u0301",))
        self.check("анна", yes=("Анна, привет",), no=("анналы",))
        self.check("क", yes=("क है",), no=("कि",))

    def test_scripts_without_spaces(self) -> None:
        self.check("太郎", yes=("太郎さん、こんにちは", "はい太郎"), no=("太",))
        self.check("alice", yes=("aliceさん",))

    def test_nicknames_with_symbols(self) -> None:
        self.check("[bob]", yes=("[bob]: hi", "<[BOB]>"), no=("bob", "x[bob]", "[bob]s"))
        self.check("a.c", yes=("a.c?",), no=("abc",))

    def test_without_a_nickname(self) -> None:
        self.check("", no=("anything", ""))

    def test_other_words(self) -> None:
        words = ("deploy", "on call", "")
        for text, expected in [
            ("Deploy!", True), ("who is On Call?", True), ("deployed", False), ("on", False),
        ]:  # fmt: skip
            self.assertEqual(mentions(text, "alice", words), expected, text)

    def test_long_texts(self) -> None:
        """No text takes long: neither what nearly matches often, nor what is one word."""
        before = time.process_time()
        for text in ("a" * 100_000, "aa-" * 30_000, "http://" * 10_000, "a\u0301" * 50_000):
            self.assertFalse(mentions(f"x{text}x", "a", ["aa", "a-a", "aaa"]))
        self.assertLess(time.process_time() - before, 5)
