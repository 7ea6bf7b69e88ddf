"""What the full-screen console shows, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from chat.client import events as ev
from chat.client.registration import Identity
from chat.client.state import ClientState
from chat.console import lines
from chat.console.model.buffer import Buffer
from chat.console.model.entries import MOST_REACTIONS
from chat.console.model.model import Model
from chat.console.model.network import Network
from chat.console.view import View
from chat.irc.message import parse

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)
#: Narrow enough for who speaks to stand before the text.
WIDTH = 59
ISUPPORT = ":s 005 alice PREFIX=(qov)~@+ CHANTYPES=# CASEMAPPING=ascii :are supported"


class ModelTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = ClientState(Identity("alice", "alice", "Alice"))
        self.view = View(lambda: self.state)
        self.network = Network("home", self.view)
        self.model = Model([self.network])
        self.tell(ev.Registered("alice", "alice"))
        self.receive(ISUPPORT)

    def tell(self, event: ev.ClientEvent) -> None:
        self.view.hear(event)
        self.model.hear(self.network, event, NOW)

    def receive(self, *texts: str) -> None:
        for text in texts:
            for event in self.state.receive(parse(text.encode())):
                self.tell(event)

    def join(self, *rooms: str, others: str = "bob") -> None:
        for room in rooms:
            self.receive(
                f":alice!u@h JOIN {room}", f":s 353 alice = {room} :@alice {others}",
                f":s 366 alice {room} :End",
            )  # fmt: skip

    def said(self, text: str, room: str = "#lab", sender: str = "bob") -> None:
        target = "alice" if room == sender else room
        self.receive(f":{sender}!u@h PRIVMSG {target} :{text}")

    def titles(self) -> list[str]:
        return [buffer.title for buffer in self.model.buffers()]

    def buffer(self, title: str) -> Buffer:
        [found] = [buffer for buffer in self.model.buffers() if buffer.title == title]
        return found

    def texts(self, title: str) -> list[str]:
        rows = self.buffer(title).scrollback.rows(WIDTH, 500)
        return ["".join(piece.text for piece in row)[6:] for row in rows][1:]

    def test_rooms_in_their_order(self) -> None:
        self.join("#b", "#A")
        self.said("hi", "zoe", "zoe")
        self.assertEqual(self.titles(), ["home", "#A", "#b", "zoe"])
        self.assertEqual(self.model.shown.title, "#b")

    def test_each_room_has_what_concerns_it(self) -> None:
        self.network.joins = "all"
        self.join("#a", "#b", others="bob")
        self.said("hi", "#a")
        self.receive(
            ":bob!u@h NICK rob", ":carol!u@h JOIN #b", ":rob!u@h TOPIC #a :words",
            ":rob!u@h QUIT :bye",
        )  # fmt: skip
        self.assertEqual(
            self.texts("#a"),
            [
                "-- alice has joined", "<bob> hi", "-- bob is now rob",
                "-- rob changed the topic to: words", "-- rob has quit (bye)",
            ],
        )  # fmt: skip
        self.assertEqual(
            self.texts("#b"),
            [
                "-- alice has joined", "-- bob is now rob", "-- carol has joined",
                "-- rob has quit (bye)",
            ],
        )  # fmt: skip

    def test_who_comes_and_goes_without_a_word(self) -> None:
        """Only those who spoke lately are told of, and who is removed."""
        self.join("#a", others="bob carol dave")
        self.said("hi", "#a")
        self.receive(
            ":carol!u@h PART #a", ":bob!u@h NICK rob", ":rob!u@h PART #a",
            ":alice!u@h KICK #a dave :enough",
        )  # fmt: skip
        self.assertEqual(
            self.texts("#a")[2:],
            ["-- bob is now rob", "-- rob has left", "-- dave was removed by alice (enough)"],
        )
        self.receive(":carol!u@h SETNAME :C", ":rob!u@h JOIN #a", ":rob!u@h SETNAME :R")
        self.assertEqual(self.texts("#a")[-2:], ["-- rob has joined", "-- rob is called R"])
        self.network.joins = "none"
        self.said("hi", "#a", "zoe")
        self.receive(":zoe!u@h PART #a")
        self.assertEqual(self.texts("#a")[-1], "<zoe> hi")

    def test_answers_are_where_one_asked(self) -> None:
        self.receive(":s 372 alice :- message of the day")
        self.join("#lab")
        self.model.typed()
        self.receive(":s 311 alice bob u h * :Bob", ":s 404 alice #lab :Cannot send")
        self.receive(":s 353 alice = #lab :@alice bob", ":s 366 alice #lab :End")
        self.assertEqual(
            self.texts("#lab")[1:],
            ["-- bob (u@h): Bob", "!! #lab: Cannot send", "-- here are @alice bob"],
        )
        self.assertIn("-- - message of the day", self.texts("home"))

    def heard(self, text: str, msgid: str, sender: str = "bob", **what: Any) -> None:
        own = sender == "alice"
        self.tell(ev.Said("#a", sender, text, ev.Manner.MESSAGE, own, NOW, msgid=msgid, **what))

    def test_answers_stand_with_what_they_answer(self) -> None:
        self.join("#a")
        self.heard("shall we?\nat noon", "1")
        self.heard("yes", "2", "carol", reply_to="1")
        self.heard("what?", "3", "carol", reply_to="unknown")
        self.assertEqual(
            self.texts("#a")[1:],
            [
                "<bob> shall we?", "at noon", "╭ bob: shall we?…", "<carol> yes",
                "╭ an earlier message", "<carol> what?",
            ],
        )  # fmt: skip

    def test_reactions(self) -> None:
        self.join("#a")
        self.heard("shall we?", "1")
        for nick, reaction, removed in (
            ("al", "+1", False), ("bo", "+1", False), ("bo", "+1", False),
            ("cy", ":\x1b[2J)", False),
            ("al", "+1", True), ("dee", "no", False), ("dee", "no", True), ("dee", "no", True),
        ):  # fmt: skip
            self.tell(ev.Reacted("#a", nick, reaction, "1", removed, False))
        self.assertEqual(self.texts("#a")[1:], ["<bob> shall we?", "+1 bo  :[2J) cy"])
        self.tell(ev.Reacted("#a", "al", "+1", "unknown", False, False))
        self.assertEqual(self.texts("#a")[-1], "-- al reacts to a message: +1")

    def test_reactions_are_bounded(self) -> None:
        self.join("#a")
        self.heard("shall we?", "1")
        for number in range(2 * MOST_REACTIONS):
            self.tell(ev.Reacted("#a", f"n{number}", f"{number}", "1", False, False))
            self.tell(ev.Reacted("#a", f"n{number}", "0", "1", False, False))
        text = "".join(self.texts("#a")[2:])
        self.assertIn("0 n0, n1, n2, n3, n4 and 95 more", text)
        self.assertNotIn(f"{MOST_REACTIONS} n", text)

    def test_what_is_removed_is_seen_no_more(self) -> None:
        self.join("#a")
        self.heard("my password", "1")
        self.heard("oh", "2", reply_to="1")
        self.tell(ev.Redacted("#a", "op", "1", "private"))
        self.assertEqual(
            self.texts("#a")[1:],
            ["<bob> [removed by op: private]", "╭ bob: a removed message", "<bob> oh"],
        )
        self.tell(ev.Redacted("#a", "op", "unknown", ""))
        self.assertEqual(self.texts("#a")[-1], "-- a message was removed")

    def waiting(self, name: str, text: str, *, offline: bool = True) -> None:
        self.tell(ev.Waiting(name, "#a", text, ev.Manner.MESSAGE, offline))

    def test_ours_wait_until_the_server_has_them(self) -> None:
        self.join("#a")
        self.waiting("n1", "one")
        self.waiting("n2", "two", offline=False)
        self.assertEqual(
            self.texts("#a")[1:], ["<alice> one (waits for the connection)", "<alice> two …"]
        )
        self.heard("between", "1")
        self.heard("one", "2", "alice", name="n1")
        self.heard("two", "3", "alice", name="n2")
        self.assertEqual(self.texts("#a")[1:], ["<bob> between", "<alice> one", "<alice> two"])

    def test_ours_that_fail(self) -> None:
        self.join("#a")
        for name in ("n1", "n2"):
            self.waiting(name, name)
        self.tell(ev.NotSent("n1", "#a", "n1", "You are muted"))
        self.tell(ev.MayBeLost(2, ("n2",)))
        self.assertEqual(
            self.texts("#a")[1:],
            [
                "<alice> n1 (not sent: You are muted: /retry sends it",
                "again)",
                "<alice> n2 (not sent: the connection broke, it may",
                "not have arrived: /retry sends it again)",
                "!! The last 2 lines may not have arrived",
            ],
        )
        self.assertEqual([said.text for said in self.buffer("#a").failed()], ["n1", "n2"])
        self.assertEqual(len(self.texts("#a")), 2)

    def test_what_was_read_elsewhere(self) -> None:
        self.join("#a", "#b")
        self.model.go(self.buffer("#b"))
        times = [NOW + timedelta(minutes=minute) for minute in range(4)]
        for number, time in enumerate(times):
            said = ev.Said("#a", "bob", f"m{number}", ev.Manner.MESSAGE, False, time)
            self.tell(said)
        room = self.buffer("#a")
        for read, unread in ((times[1], 2), (times[0], 2), (None, 2), (times[3], 0)):
            self.tell(ev.ReadUpTo("#a", read))
            self.assertEqual(room.unread, unread)
        self.tell(ev.Said("#a", "bob", "old", ev.Manner.MESSAGE, False, times[3], replayed=True))
        self.assertEqual(room.unread, 0)

    def test_nobody_looks(self) -> None:
        self.join("#a")
        self.model.focus(is_focused=False)
        self.said("hello, alice", "#a")
        self.said("there?", "#a")
        room = self.buffer("#a")
        self.assertEqual((room.unread, room.mentions), (2, 1))
        self.model.focus(is_focused=True)
        self.assertEqual((room.unread, room.mentions), (0, 0))
        self.assertIn("messages ──", "".join(self.texts("#a")))

    def test_choosing_a_message(self) -> None:
        self.join("#a")
        for number in range(30):
            self.heard(f"m{number}", str(number))
        room = self.buffer("#a")
        size = (80, 10)
        self.model.select(1, size)
        self.assertIsNone(room.chosen())
        for _ in range(20):
            self.model.select(-1, size)
        chosen = room.chosen()
        assert chosen is not None
        self.assertEqual(chosen.text, "m10")
        rows = ["".join(p.text for p in row) for row in room.scrollback.rows(*size)]
        self.assertIn("12:34>        bob │ m10", rows)
        self.model.select(1, size)
        self.model.select(-1, size)
        self.model.newest()
        self.assertIsNone(room.chosen())
        self.assertTrue(room.scrollback.is_at_end)

    def test_who_types(self) -> None:
        self.join("#a")
        for nick in ("bob", "carol"):
            self.tell(ev.Typing("#a", nick, 6.0))
        room = self.buffer("#a")
        self.assertEqual(room.who_types(NOW), ["bob", "carol"])
        self.assertEqual(room.who_types(NOW + timedelta(seconds=7)), [])
        self.said("done", "#a")
        self.tell(ev.Typing("#a", "carol", 0))
        self.assertEqual(room.who_types(NOW), [])

    def test_a_gap_hides_what_is_before(self) -> None:
        """It is fetched again by who looks for it: between are messages that are not here."""
        self.join("#a")
        self.heard("old", "1")
        self.tell(ev.Gap("#a"))
        self.heard("new", "2")
        self.assertEqual(self.texts("#a"), ["<bob> new"])

    def test_unread(self) -> None:
        self.join("#a", "#b")
        for text in ("one", "two, alice!", "malice"):
            self.said(text, "#b")
        self.said("here", "#a")
        other = self.buffer("#b")
        self.assertEqual((other.unread, other.mentions), (3, 1))
        self.assertEqual(self.buffer("#a").unread, 0)
        self.receive(":alice!u@h PRIVMSG #b :from my other device", ":carol!u@h JOIN #b")
        self.assertEqual(other.unread, 3)
        self.model.go(other)
        self.assertEqual((other.unread, other.mentions), (0, 0))
        rows = ["".join(p.text for p in row) for row in other.scrollback.rows(40, 50)]
        self.assertEqual(rows[2:4], ["── new messages ────────────────────────", "12:34 <bob> one"])
        self.model.back()
        self.assertIsNone(other.scrollback.new_from)

    def test_a_message_to_us_is_always_a_mention(self) -> None:
        self.said("psst", "bob", "bob")
        self.assertEqual(self.buffer("bob").mentions, 1)

    def test_going_about(self) -> None:
        self.join("#a", "#b")
        self.said("hi", "bob", "bob")
        self.said("hi", "#b")
        self.model.next_active()
        self.assertEqual(self.model.shown.title, "bob")
        self.model.next_active()
        self.assertEqual((self.model.shown.title, self.view.room), ("#b", "#b"))
        self.model.next_active()
        self.model.step(2)
        self.assertEqual((self.model.shown.title, self.view.room), ("home", None))
        self.model.step(-1)
        self.assertEqual(self.model.shown.title, "bob")
        self.model.back()
        self.model.go_to(9)
        self.assertEqual(self.model.shown.title, "home")
        self.model.go_to(2)
        self.assertEqual(self.model.shown.title, "#a")

    def test_rooms_are_found_by_their_letters(self) -> None:
        self.join("#laboratory", "#lobby", "#b-lab")
        titles = [buffer.title for buffer in self.model.find("lb")]
        self.assertEqual(titles, ["#laboratory", "#lobby", "#b-lab"])
        self.assertEqual(self.model.find(".*"), [])

    def test_that_we_joined_stands_above_nothing_older(self) -> None:
        """A new device is sent what was said before, behind its JOIN."""
        self.join("#old", "#new")
        self.receive(
            "@time=2026-04-30T12:00:00.000Z :bob!u@h PRIVMSG #old :hello",
            "@time=2026-05-01T12:35:00.000Z :bob!u@h PRIVMSG #new :welcome",
        )
        self.assertEqual(self.texts("#old"), ["<bob> hello"])
        new = self.texts("#new")
        self.assertEqual((new[0], new[-1]), ("-- alice has joined", "<bob> welcome"))

    def test_a_room_that_is_left_is_gone(self) -> None:
        self.join("#a", "#b")
        self.model.go_to(3)
        self.receive(":alice!u@h PART #b :enough")
        self.assertEqual(self.titles(), ["home", "#a"])
        self.assertEqual(self.model.shown.title, "#a")
        self.assertEqual(self.texts("#a")[-1], "-- #b: alice has left (enough)")
        self.model.back()
        self.assertEqual(self.titles(), ["home", "#a"])

    def test_a_room_that_one_was_removed_from_stays(self) -> None:
        self.join("#a", "#b")
        self.model.go_to(2)
        told = "you were removed by op (enough): /join #b goes back"
        self.receive(":op!u@h KICK #b alice :enough")
        self.assertEqual(self.model.shown.title, "#a")
        self.assertEqual(" ".join(self.texts("#a")[-2:]), f"-- #b: {told}")
        self.assertEqual(" ".join(self.texts("#b")[-2:]), f"-- {told}")
        self.model.go_to(3)
        self.assertEqual(self.model.topic, "you were removed by op (enough): /join #b")
        self.receive(":s 474 alice #b :Cannot join channel (+b)")
        self.assertEqual(self.model.shown.title, "#b")
        self.assertEqual(self.texts("#b")[-1], "!! #b: Cannot join channel (+b)")
        self.assertTrue(self.view.here().was_removed("#B"))
        self.join("#b")
        self.assertEqual((self.model.topic, self.model.shown.removed), ("", ""))
        self.assertFalse(self.view.here().was_removed("#b"))

    def test_a_room_that_lets_nobody_in(self) -> None:
        self.join("#a")
        self.view.go("#secret")
        self.model.look()
        self.assertEqual(self.model.shown.title, "#secret")
        self.receive(":s 473 alice #secret :Cannot join channel (+i)")
        self.assertEqual(self.titles(), ["home", "#a"])
        self.assertEqual(self.texts("#a")[-1], "!! #secret: Cannot join channel (+i)")

    def test_a_room_with_a_past_that_lets_nobody_in(self) -> None:
        self.join("#a")
        self.view.go("#secret")
        self.model.look()
        self.model.shown.note(lines.status("said yesterday", NOW))
        self.receive(":s 473 alice #secret :Cannot join channel (+i)")
        self.assertEqual(self.titles(), ["home", "#a"])
        # Not one that we are in.
        self.receive(":s 403 alice #a :No such channel")
        self.assertEqual(self.titles(), ["home", "#a"])

    def test_what_concerns_another_room_says_which(self) -> None:
        self.join("#a", "#b")
        self.model.go(self.buffer("#b"))
        self.model.typed()
        self.receive(
            ":bob!u@h INVITE alice #c", ":s 322 alice #d 3 :words", ":alice!u@h PART #a",
            ":s 341 alice carol #B",
        )  # fmt: skip
        self.assertEqual(
            self.texts("#b")[-4:],
            [
                "-- #c: bob invited alice", "-- #d: 3 there: words", "-- #a: alice has left",
                "-- carol is invited",
            ],
        )  # fmt: skip

    def test_one_who_is_gone_is_not_gone_to(self) -> None:
        self.join("#a", "#b")
        gone = self.buffer("#a")
        self.model.go(self.buffer("#b"))
        self.receive(":alice!u@h PART #a")
        self.model.go(gone)
        self.assertEqual(self.model.shown.title, "#b")

    def test_who_is_called_otherwise(self) -> None:
        self.said("hi", "bob", "bob")
        self.model.go(self.buffer("bob"))
        self.receive(":bob!u@h NICK rob")
        self.assertEqual(self.model.shown.title, "rob")
        self.assertEqual(self.titles(), ["home", "rob"])

    def test_members_by_rank_and_name(self) -> None:
        self.join("#lab", others="zed +carol ~dave Bob @eve")
        people = [person.prefixes + person.nick for person in self.model.members()]
        self.assertEqual(people, ["~dave", "@alice", "@eve", "+carol", "Bob", "zed"])
        self.model.go_to(1)
        self.assertEqual(self.model.members(), [])

    def test_what_protects_the_connection(self) -> None:
        end = NOW + timedelta(days=20.5)
        self.tell(ev.Secured("there:1", "there", "TLSv1.3", "AES", end, end))
        self.assertEqual(
            list(self.network.security(NOW)),
            [("TLSv1.3 AES", False), ("certificate 20 days", False)],
        )
        self.assertIn(
            ("certificate 2 days", True), self.network.security(end - timedelta(days=2.5))
        )
        self.tell(ev.CertificateRenewed(NOW + timedelta(days=30)))
        self.assertIn(("certificate 30 days", False), self.network.security(NOW))

    def test_the_connection(self) -> None:
        self.assertEqual((self.network.connection, self.network.is_online), ("online", True))
        self.tell(ev.Disconnected("gone"))
        self.tell(ev.Retrying(4))
        self.assertEqual(self.network.connection, "offline, trying again in 4 s")
        self.assertFalse(self.network.is_online)

    def test_nothing_protects_a_connection_that_is_lost(self) -> None:
        self.tell(ev.Secured("there:1", "there", "TLSv1.3", "AES", NOW, NOW))
        self.tell(ev.Disconnected("gone"))
        self.assertNotIn(("TLSv1.3 AES", False), self.network.security(NOW))

    def test_the_connection_returns_where_its_loss_was_told(self) -> None:
        self.join("#a")
        self.tell(ev.Disconnected("gone"))
        self.tell(ev.Disconnected("cannot reach it"))
        self.tell(ev.Registered("alice", "alice"))
        welcome = "-- welcome: you are alice, logged in as alice"
        self.assertEqual(self.texts("#a")[1:], ["!! disconnected: gone", welcome])
        self.assertIn(welcome, self.texts("home"))

    def test_away(self) -> None:
        self.receive(":s 306 alice :away")
        self.assertTrue(self.network.is_away)
        self.receive(":s 305 alice :back")
        self.assertFalse(self.network.is_away)

    def test_own_lines_are_in_the_current_room(self) -> None:
        self.join("#lab")
        self.model.show([lines.error("No", NOW)])
        self.assertEqual(self.texts("#lab")[-1], "!! No")

    def test_names_of_the_server_are_no_terminal_control(self) -> None:
        self.join("#l\x1b[2Jab", others="b\x1bob")
        self.receive(":bob!u@h TOPIC #l\x1b[2Jab :\x1b]0;title\x07")
        shown = [*self.titles(), self.model.topic, *(p.nick for p in self.model.members())]
        self.assertTrue(all(text.isprintable() for text in shown), shown)
