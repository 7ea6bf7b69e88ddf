"""The conversation with a client and a front in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import (
    Answered,
    ClientEvent,
    DeviceInvited,
    Disconnected,
    JoinedRoom,
    Manner,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    Said,
)
from chat.client.outgoing import WINDOW
from chat.console.commands import Clear, Here, Local
from chat.console.conversation import DRAIN, Conversation, Stage
from chat.console.front import Input
from chat.console.lines import Line, lines_of
from chat.irc.message import parse
from tests.console.fake_client import FakeClient

NOW = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)


class FakeFront:
    def __init__(self, interactive: bool) -> None:
        self.interactive = interactive
        self.lines: list[str] = []
        self.held = True
        self.reading = 0
        self.password: str | None = None
        self.closed = 0
        self.acted: list[Local] = []

    def can_draw(self, picture: list[str]) -> bool:
        return self.interactive

    def attach(self, to: Input) -> None:
        self.to = to

    def read(self) -> None:
        self.reading += 1

    def hold(self, held: bool) -> None:
        self.held = held

    def tell(self, event: ClientEvent, now: datetime) -> None:
        self.show(lines_of(event, now))

    def show(self, shown: Iterable[Line]) -> None:
        self.lines += [line.plain()[6:] for line in shown]

    def forget(self, nick: str) -> None:
        self.forgotten = nick

    def where(self, here: Here) -> Here:
        return here

    def leave(self, farewell: str) -> None:
        self.to.end_of_input()

    def act(self, action: Local) -> None:
        self.acted.append(action)

    def ask_password(self, account: str) -> Deferred[str | None]:
        return succeed(self.password)

    def close(self) -> Deferred[None]:
        self.closed += 1
        return succeed(None)


class ConversationTest(SynchronousTestCase):
    interactive = False

    def setUp(self) -> None:
        self.clock = Clock()
        self.client = FakeClient()
        self.front = FakeFront(self.interactive)
        self.tell = self.client.tell
        self.conversation = Conversation(self.client.listen, self.front, self.clock, lambda: NOW)  # type: ignore[arg-type]
        self.conversation.start()

    def welcome(self) -> None:
        self.tell(Registered("alice", "alice"))

    def sent(self) -> list[str]:
        sent, self.client.sent = self.client.sent, []
        return sent

    def join(self, name: str) -> None:
        for event in self.client.state.receive(parse(f":alice!u@h JOIN {name}".encode())):
            self.tell(event)

    def test_current_room(self) -> None:
        self.welcome()
        self.conversation.enter("/join #lab")
        self.conversation.enter("hello")
        self.assertEqual(self.sent(), ["JOIN #lab", "PING sent-1", "PRIVMSG #lab hello"])
        self.assertEqual(self.conversation.view.room, "#lab")
        self.join("#lab")
        self.join("#other")
        self.assertEqual(self.conversation.view.room, "#lab")
        self.tell(Refused("473", ("#lab",), "Cannot join channel (+i)"))
        self.assertEqual(self.conversation.view.room, "#other")

    def test_close(self) -> None:
        self.welcome()
        self.join("#lab")
        for text in ("/close", "/query bob", "/close"):
            self.conversation.enter(text)
        self.assertIn("!! #lab is a room: /part leaves it", self.front.lines)
        self.assertEqual((self.conversation.view.room, self.front.forgotten), ("#lab", "bob"))

    def test_what_concerns_the_console_only_is_the_fronts(self) -> None:
        self.welcome()
        self.conversation.enter("/clear")
        self.assertEqual((self.front.acted, self.sent()), ([Clear(None)], []))

    def test_errors_are_shown_and_not_sent(self) -> None:
        self.welcome()
        self.front.lines.clear()
        for text in ("hello", "/nope", "/msg :x y"):
            self.conversation.enter(text)
        self.assertEqual(self.sent(), [])
        self.assertEqual([line[:2] for line in self.front.lines], ["!!"] * 3)

    def test_window(self) -> None:
        """Input waits for the server's answers: no flood limit is reached."""
        self.welcome()
        for number in range(2 * WINDOW):
            self.conversation.enter(f"/msg bob {number}")
        self.assertEqual(len([line for line in self.sent() if "PRIVMSG" in line]), WINDOW)
        self.assertTrue(self.front.held)
        self.tell(Answered("sent-1"))
        self.assertEqual(self.sent(), ["PRIVMSG bob 8", "PING sent-9"])
        self.tell(Answered("sent-9"))
        self.assertEqual(len(self.sent()), 8)
        self.assertFalse(self.front.held)

    def test_end_of_input(self) -> None:
        """Everything is answered, then QUIT, then it is closed."""
        self.welcome()
        self.conversation.enter("/msg bob hi")
        self.conversation.end_of_input()
        self.tell(Answered("sent-1"))
        self.assertEqual(self.sent(), ["PRIVMSG bob hi", "PING sent-1", "PING sent-2"])
        self.assertEqual(self.client.stopped, [])
        self.tell(Answered("sent-2"))
        self.assertEqual(self.client.stopped, [""])
        self.assertNoResult(self.conversation.closed)
        self.client.closing.callback(None)
        self.successResultOf(self.conversation.closed)
        self.assertEqual((self.front.closed, self.conversation.rejection), (1, None))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_answer_at_the_end(self) -> None:
        self.welcome()
        self.conversation.end_of_input()
        self.clock.advance(DRAIN)
        self.assertIn("did not answer", self.conversation.rejection or "")

    def test_lost_at_the_end(self) -> None:
        self.welcome()
        self.conversation.end_of_input()
        self.tell(Disconnected("the server closed the connection"))
        self.assertIn("not everything that was sent is answered", self.conversation.rejection or "")

    def test_never_reached(self) -> None:
        self.tell(Disconnected("cannot reach there:1"))
        self.assertIn("cannot reach there:1: check", self.conversation.rejection or "")
        self.assertEqual(self.front.lines, [])

    def test_rejected(self) -> None:
        self.tell(Rejected("your certificate is revoked", "get a new one"))
        self.assertEqual(self.conversation.rejection, "your certificate is revoked: get a new one")
        self.tell(Rejected("again", "and again"))
        self.assertEqual(len(self.client.stopped), 1)

    def test_lines_that_may_be_lost(self) -> None:
        self.welcome()
        self.conversation.enter("/msg bob hi")
        self.tell(Disconnected("gone"))
        self.assertTrue(self.front.held)
        self.assertIn("!! The last 1 lines may not have arrived", self.front.lines)
        self.welcome()
        self.assertFalse(self.front.held)
        self.conversation.end_of_input()
        self.tell(Answered("sent-2"))
        self.assertIn("1 lines may be lost", self.conversation.rejection or "")

    def test_a_message_without_an_answer_is_sent_again(self) -> None:
        """Under the name that it had, by which the server knows it."""
        self.client.state.registration.capabilities = frozenset({"securechat/id", "echo-message"})
        self.welcome()
        for text in ("/msg bob one", "/msg bob two", "/names #lab"):
            self.conversation.enter(text)
        self.assertEqual(len(self.sent()), 4)
        self.tell(Said("bob", "alice", "one", Manner.MESSAGE, True, name="1"))
        self.tell(Disconnected("gone"))
        self.assertEqual(
            self.front.lines[-2:],
            [
                "-- 1 messages were not answered: they are sent again",
                "!! The last 1 lines may not have arrived",
            ],
        )
        self.welcome()
        self.assertEqual(self.sent()[0], "PRIVMSG bob two")
        self.tell(Answered("sent-4"))
        self.tell(Disconnected("gone again"))
        self.welcome()
        self.assertEqual(self.sent(), [])

    def test_password(self) -> None:
        self.tell(PasswordWanted("alice"))
        self.assertIn("give --password-file", self.conversation.rejection or "")

    def test_password_from_a_person(self) -> None:
        self.front.password = "secret"
        self.tell(PasswordWanted("alice"))
        self.assertEqual(self.client.started, [None, "secret"])

    def test_a_code_is_drawn_for_who_can_see_it(self) -> None:
        self.welcome()
        self.front.lines.clear()
        self.tell(DeviceInvited("phone", "alice@irc.test:6697/abcd", "Good until tomorrow"))
        told, drawn = self.front.lines[:2], self.front.lines[2:]
        self.assertEqual(
            told, ["-- the code for phone: alice@irc.test:6697/abcd", "-- Good until tomorrow"]
        )
        self.assertEqual(any("\N{FULL BLOCK}" in line for line in drawn), self.interactive)

    def test_stop(self) -> None:
        stopped = self.conversation.stop()
        self.assertNoResult(stopped)
        self.client.closing.callback(None)
        self.successResultOf(stopped)
        self.successResultOf(self.conversation.stop())
        self.assertEqual(self.front.closed, 1)


class InteractiveTest(ConversationTest):
    interactive = True

    def test_never_reached(self) -> None:
        """A person waits for the server, or leaves."""
        self.tell(Disconnected("cannot reach there:1"))
        self.assertEqual(self.front.lines, ["!! disconnected: cannot reach there:1"])
        self.assertIs(self.conversation.stage, Stage.OFFLINE)
        self.conversation.end_of_input()
        self.assertEqual((self.conversation.stage, self.conversation.rejection), (Stage.DONE, None))

    def test_rejected(self) -> None:
        self.welcome()
        self.tell(Rejected("your certificate is revoked", "get a new one"))
        text = "!! your certificate is revoked: get a new one (then /connect tries again)"
        self.assertEqual((self.front.lines[-1], self.conversation.stage), (text, Stage.OFFLINE))
        self.client.started.clear()
        self.client.closing.callback(None)
        self.conversation.connect()
        self.assertEqual(self.client.started, [None])
        self.welcome()
        self.conversation.connect()
        self.assertEqual(self.client.started, [None])
        self.conversation.end_of_input()
        self.tell(Rejected("again", "and again"))
        self.assertEqual(self.conversation.rejection, "again: and again")

    def test_password(self) -> None:
        self.tell(PasswordWanted("alice"))
        self.assertEqual((self.client.started, self.conversation.rejection), ([None], None))

    def test_lines_that_may_be_lost(self) -> None:
        """Who sees it can type it again: it is no failure of the whole."""
        self.welcome()
        self.conversation.enter("/msg bob hi")
        self.tell(Disconnected("gone"))
        self.conversation.enter("/names #lab")
        self.assertEqual(self.front.lines[-1], "!! There is no connection: nothing was sent")
        self.sent()
        self.welcome()
        self.conversation.enter("/quit bye")
        self.tell(Answered("sent-2"))
        self.assertEqual((self.client.stopped, self.conversation.rejection), (["bye"], None))

    def test_what_is_typed_without_a_connection_waits_for_one(self) -> None:
        self.welcome()
        self.tell(Disconnected("gone"))
        self.conversation.enter("/msg bob one")
        self.conversation.enter("/msg bob two")
        self.assertEqual(self.front.lines[-1], "bob -- waits for the connection: two")
        self.assertEqual(self.sent(), [])
        self.welcome()
        self.assertEqual(self.sent(), ["PRIVMSG bob one", "PRIVMSG bob two", "PING sent-2"])
        self.tell(Refused("401", ("bob",), "No such nick", label="2"))
        self.assertEqual(self.front.lines[-1], "bob !! not sent: two (No such nick)")

    def test_who_quits_is_told_what_was_not_sent(self) -> None:
        self.welcome()
        self.tell(Disconnected("gone"))
        self.conversation.enter("/msg bob hi")
        self.conversation.enter("/quit")
        self.assertIn("1 messages were not sent", self.conversation.rejection or "")

    def test_quit_while_offline(self) -> None:
        self.welcome()
        self.tell(Disconnected("gone"))
        self.conversation.enter("/quit")
        self.assertIs(self.conversation.stage, Stage.DONE)

    def test_completion_prefers_who_spoke(self) -> None:
        self.welcome()
        self.join("#lab")
        self.client.state.receive(parse(b":s 353 alice = #lab :alice bert bob"))
        self.client.state.receive(parse(b":s 366 alice #lab :End"))
        self.tell(Said("#lab", "bob", "hi", Manner.MESSAGE, False))
        self.assertEqual([c.text for c in self.conversation.completions("b")], ["bob: ", "bert: "])
        self.tell(JoinedRoom("#lab", "x", False))
