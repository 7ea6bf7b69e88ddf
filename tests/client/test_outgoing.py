"""What waits to be sent, by lists."""

from __future__ import annotations

from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from chat.client.annotating import react, redact, reply
from chat.client.events import (
    Answered,
    ClientEvent,
    Disconnected,
    Manner,
    MayBeLost,
    NotSent,
    Refused,
    Registered,
    Said,
    SentAgain,
    Waiting,
    Writable,
)
from chat.client.outgoing import MOST_WAITING, WINDOW, Answers, NotTakenError, Outgoing
from chat.irc.message import MalformedLineError, Message, parse, serialize

WELCOME = Registered("alice", "alice")
GONE = Disconnected("gone")
SECURECHAT = Answers(repeats=True, names=True, echoes=True)
#: A server that does what RFC 2812 says, and one that echoes.
PLAIN = Answers()
ECHOING = Answers(echoes=True)


class OutgoingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.outgoing = Outgoing(map(str, count(1)).__next__)

    def say(self, *texts: str) -> list[str]:
        return [self.outgoing.add(Message("PRIVMSG", ("#lab", text))) for text in texts]

    def sent(self, answers: Answers = SECURECHAT) -> list[str]:
        items = self.outgoing.due(answers)
        return [serialize(item.message).decode() for item in items]

    def hear(self, *events: ClientEvent) -> list[ClientEvent]:
        return [told for event in events for told in self.outgoing.heard(event)]

    def test_what_is_said_without_a_connection_waits(self) -> None:
        message = Message("PRIVMSG", ("#lab", "\x01ACTION waves\x01"))
        name = self.outgoing.add(message)
        self.assertEqual(
            list(self.outgoing.told_of(message, name)),
            [Waiting("1", "#lab", "waves", Manner.ACTION, True)],
        )
        self.say("two")
        self.assertEqual(self.sent(), [])
        self.hear(WELCOME)
        self.assertEqual(
            self.sent(),
            ["PRIVMSG #lab :\x01ACTION waves\x01", "PRIVMSG #lab two", "PING sent-2"],
        )
        self.assertEqual(
            list(self.outgoing.told_of(reply(message, "m"), name)),
            [Waiting("1", "#lab", "waves", Manner.ACTION, False, "m")],
        )

    def test_a_command_does_not_wait_for_a_connection(self) -> None:
        with self.assertRaisesRegex(NotTakenError, "nothing was sent"):
            self.outgoing.add(parse(b"NAMES #lab"))

    def test_what_is_no_message_is_not_taken(self) -> None:
        self.assertRaises(MalformedLineError, self.outgoing.add, Message("PRIVMSG", (":x", "y")))

    def test_no_more_than_the_limit_waits(self) -> None:
        self.say(*["text"] * MOST_WAITING)
        self.assertRaises(NotTakenError, self.say, "one more")
        self.assertEqual(self.outgoing.waiting, MOST_WAITING)

    def test_a_window_at_a_time(self) -> None:
        self.hear(WELCOME)
        self.say(*["text"] * (WINDOW + 1))
        self.assertEqual(len(self.sent()), WINDOW + 1)
        self.assertEqual(self.sent(), [])
        self.hear(Answered(f"sent-{WINDOW}"))
        self.assertEqual(self.sent(), ["PRIVMSG #lab text", f"PING sent-{WINDOW + 1}"])
        self.assertFalse(self.outgoing.is_idle)
        self.hear(Answered(f"sent-{WINDOW + 1}"))
        self.assertTrue(self.outgoing.is_idle)

    def test_answers_of_others_mean_nothing(self) -> None:
        self.hear(WELCOME)
        self.say("text")
        self.sent()
        self.hear(*map(Answered, ("1", "sent-", "sent-x", "sent-0", "sent-2")))
        self.assertFalse(self.outgoing.is_idle)

    def test_back_pressure(self) -> None:
        self.hear(WELCOME, Writable(False))
        self.say("text")
        self.assertEqual(self.sent(), [])
        self.hear(Writable(True))
        self.assertEqual(len(self.sent()), 2)

    def test_what_was_not_answered_is_sent_again_before_what_waits(self) -> None:
        self.hear(WELCOME)
        self.say("one", "two")
        self.sent()
        self.hear(Said("#lab", "alice", "one", Manner.MESSAGE, True, name="1"))
        self.assertEqual(self.hear(GONE), [GONE, SentAgain(1)])
        self.assertEqual(self.hear(GONE), [GONE])
        self.say("three")
        self.hear(WELCOME)
        again = list(self.outgoing.due(SECURECHAT))
        self.assertEqual([item.name for item in again], ["2", "3", ""])

    def test_where_the_server_knows_no_names_it_is_told_what_may_be_lost(self) -> None:
        self.hear(WELCOME)
        self.say("one")
        self.outgoing.add(parse(b"NAMES #lab"))
        self.sent(PLAIN)
        self.assertEqual(self.hear(GONE), [GONE, MayBeLost(2, ("1",))])
        self.hear(WELCOME)
        self.assertEqual(self.sent(), [])

    def test_a_refusal_is_known_by_its_label(self) -> None:
        """labeled-response: the server "MUST add a label tag to the reply"."""
        self.hear(WELCOME)
        self.say("one", "two")
        self.sent()
        other = Refused("404", ("#lab",), "No", "another")
        refused = Refused("404", ("#lab",), "Cannot send to channel", "1")
        self.assertEqual(
            self.hear(other, refused),
            [other, NotSent("1", "#lab", "one", "Cannot send to channel")],
        )
        self.assertEqual(self.hear(GONE), [GONE, SentAgain(1)])

    def test_a_refusal_by_one_of_several_receivers(self) -> None:
        self.hear(WELCOME)
        self.outgoing.add(Message("PRIVMSG", ("#no,bob", "hi")))
        self.sent()
        refused = Refused("403", ("#no",), "No such channel", "1")
        self.assertEqual(self.hear(refused), [refused])

    def test_flush_asks_with_nothing_to_send(self) -> None:
        self.hear(WELCOME)
        self.outgoing.flush()
        self.assertEqual(self.sent(), ["PING sent-1"])

    def lab(self, text: str, name: str = "") -> Said:
        return Said("#LAB", "alice", text, Manner.MESSAGE, True, name=name)

    def test_an_echo_that_has_no_name(self) -> None:
        """Without labeled-response an echo is known by where it is, and by its text."""
        self.hear(WELCOME)
        self.say("one", "two\nthree", "four")
        self.sent(ECHOING)
        echoes = map(self.lab, ("one", "two", "three", "four", "one"))
        names = [event.name for event in self.hear(*echoes) if isinstance(event, Said)]
        self.assertEqual(names, ["1", "", "2", "3", ""])
        self.assertEqual(self.hear(GONE), [GONE])

    def test_an_echo_whose_text_the_server_changed(self) -> None:
        self.hear(WELCOME)
        self.say("in \x0304red")
        self.sent(ECHOING)
        self.assertEqual(self.hear(self.lab("in red")), [self.lab("in red", "1")])

    def test_what_another_device_said(self) -> None:
        """A server that gives names back says nothing of ours without one."""
        self.hear(WELCOME)
        self.say("one")
        self.sent()
        self.assertEqual(self.hear(self.lab("one")), [self.lab("one")])

    def test_a_refusal_that_has_no_name(self) -> None:
        self.hear(WELCOME)
        self.say("one")
        for answers in (ECHOING, PLAIN):
            self.sent(answers)
            other = Refused("482", ("#lab",), "You're not a channel operator")
            refused = Refused("404", ("#Lab",), "Cannot send")
            self.assertEqual(
                self.hear(other, refused), [other, NotSent("1", "#lab", "one", "Cannot send")]
            )
            self.assertEqual(self.hear(refused), [refused])
            self.outgoing = Outgoing(map(str, count(1)).__next__)
            self.hear(WELCOME)
            self.say("one")

    def test_what_was_told_at_once_may_be_lost(self) -> None:
        """Without echo-message nothing says that a message arrived, but a PONG behind it."""
        self.hear(WELCOME)
        self.say("one", "two")
        self.sent(PLAIN)
        self.hear(self.lab("one", "1"), self.lab("two", "2"))
        self.assertEqual(self.hear(GONE), [GONE, MayBeLost(2, ("1", "2"))])

    def test_annotations_have_names_by_which_their_refusals_are_known(self) -> None:
        self.hear(WELCOME)
        names = [
            self.outgoing.add(react("#lab", "m", "+1")),
            self.outgoing.add(redact("#lab", "m")),
        ]
        self.assertEqual(names, ["1", "2"])
        self.sent()
        refused = Refused("REDACT_FORBIDDEN", ("#lab",), "It is somebody else's", "2")
        self.assertEqual(self.hear(refused), [refused])
        # They are not sent again.
        self.assertEqual(self.hear(GONE), [GONE, MayBeLost(1, ("1",))])

    def test_annotations_do_not_wait_for_a_connection(self) -> None:
        self.assertRaises(NotTakenError, self.outgoing.add, react("#lab", "m", "+1"))
