"""What the full-screen console shows, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.trial.unittest import SynchronousTestCase

from chat.client import events as ev
from chat.client.registration import Identity
from chat.client.state import ClientState
from chat.console import lines
from chat.console.model import Buffer, Model
from chat.console.view import View
from chat.irc.message import parse

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)
ISUPPORT = ":s 005 alice PREFIX=(qov)~@+ CHANTYPES=# CASEMAPPING=ascii :are supported"


class ModelTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.state = ClientState(Identity("alice", "alice", "Alice"))
        self.view = View(lambda: self.state)
        self.model = Model(self.view)
        self.tell(ev.Registered("alice", "alice"))
        self.receive(ISUPPORT)

    def tell(self, event: ev.ClientEvent) -> None:
        self.view.hear(event)
        self.model.hear(event, NOW)

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
        rows = self.buffer(title).scrollback.rows(500, 500)
        return ["".join(piece.text for piece in row)[6:] for row in rows][1:]

    def test_rooms_in_their_order(self) -> None:
        self.join("#b", "#A")
        self.said("hi", "zoe", "zoe")
        self.assertEqual(self.titles(), ["server", "#A", "#b", "zoe"])
        self.assertEqual(self.model.shown.title, "#b")

    def test_each_room_has_what_concerns_it(self) -> None:
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
        self.assertIn("-- - message of the day", self.texts("server"))

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
        self.assertEqual((self.model.shown.title, self.view.room), ("server", None))
        self.model.step(-1)
        self.assertEqual(self.model.shown.title, "bob")
        self.model.back()
        self.model.go_to(9)
        self.assertEqual(self.model.shown.title, "server")
        self.model.go_to(2)
        self.assertEqual(self.model.shown.title, "#a")

    def test_rooms_are_found_by_their_letters(self) -> None:
        self.join("#laboratory", "#lobby", "#b-lab")
        titles = [buffer.title for buffer in self.model.find("lb")]
        self.assertEqual(titles, ["#laboratory", "#lobby", "#b-lab"])
        self.assertEqual(self.model.find(".*"), [])

    def test_a_room_that_is_left_is_gone(self) -> None:
        self.join("#a", "#b")
        self.model.go_to(3)
        self.receive(":op!u@h KICK #b alice :enough")
        self.assertEqual(self.titles(), ["server", "#a"])
        self.assertEqual(self.model.shown.title, "#a")
        self.assertEqual(self.texts("#a")[-1], "-- alice was removed by op (enough)")
        self.model.back()
        self.assertEqual(self.titles(), ["server", "#a"])

    def test_a_room_that_lets_nobody_in(self) -> None:
        self.join("#a")
        self.view.go("#secret")
        self.model.look()
        self.assertEqual(self.model.shown.title, "#secret")
        self.receive(":s 473 alice #secret :Cannot join channel (+i)")
        self.assertEqual(self.titles(), ["server", "#a"])
        self.assertEqual(self.texts("#a")[-1], "!! #secret: Cannot join channel (+i)")

    def test_who_is_called_otherwise(self) -> None:
        self.said("hi", "bob", "bob")
        self.model.go(self.buffer("bob"))
        self.receive(":bob!u@h NICK rob")
        self.assertEqual(self.model.shown.title, "rob")
        self.assertEqual(self.titles(), ["server", "rob"])

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
            list(self.model.security(NOW)),
            [("TLSv1.3 AES", False), ("certificate 20 days", False)],
        )
        self.assertIn(("certificate 2 days", True), self.model.security(end - timedelta(days=2.5)))
        self.tell(ev.CertificateRenewed(NOW + timedelta(days=30)))
        self.assertIn(("certificate 30 days", False), self.model.security(NOW))

    def test_the_connection(self) -> None:
        self.assertEqual((self.model.connection, self.model.is_online), ("online", True))
        self.tell(ev.Disconnected("gone"))
        self.tell(ev.Retrying(4))
        self.assertEqual(self.model.connection, "offline, trying again in 4 s")
        self.assertFalse(self.model.is_online)

    def test_own_lines_are_in_the_current_room(self) -> None:
        self.join("#lab")
        self.model.show([lines.error("No", NOW)])
        self.assertEqual(self.texts("#lab")[-1], "!! No")

    def test_names_of_the_server_are_no_terminal_control(self) -> None:
        self.join("#l\x1b[2Jab", others="b\x1bob")
        self.receive(":bob!u@h TOPIC #l\x1b[2Jab :\x1b]0;title\x07")
        shown = [*self.titles(), self.model.topic, *(p.nick for p in self.model.members())]
        self.assertTrue(all(text.isprintable() for text in shown), shown)
