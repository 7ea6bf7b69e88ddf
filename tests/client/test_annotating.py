"""Messages about messages, as they go out."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.annotating import react, redact, reply, unreact
from chat.client.events import Refused
from chat.irc.message import Message, serialize
from tests.client.connections import CAPABILITIES, Connection

OFFER = f"{CAPABILITIES} draft/message-redaction"


class AnnotatingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection(offer=OFFER)
        self.connection.sent()

    def sent(self, message: Message, name: str = "") -> list[str]:
        self.connection.state.send(message, name)
        return self.connection.sent()

    def test_messages(self) -> None:
        """react: "this tag MUST be used in conjunction with the +reply client tag"."""
        for message, text in (
            (reply(Message("PRIVMSG", ("#lab", "yes")), "m"), "@+reply=m PRIVMSG #lab yes"),
            (react("#lab", "m", ":)"), "@+reply=m;+draft/react=:) TAGMSG #lab"),
            (unreact("bob", "m", ":)"), "@+reply=m;+draft/unreact=:) TAGMSG bob"),
            (redact("#lab", "m"), "REDACT #lab m"),
            (redact("#lab", "m", "too loud"), "REDACT #lab m :too loud"),
        ):
            self.assertEqual(serialize(message).decode(), text)

    def test_several_lines_are_one_reply(self) -> None:
        message = reply(Message("PRIVMSG", ("#lab", "one\ntwo")), "m")
        lines = self.sent(message, "n")
        self.assertEqual(lines[0], "@+reply=m;label=n BATCH +m1 draft/multiline #lab")
        self.assertEqual(len(lines), 4)
        self.connection = Connection(offer="message-tags")
        self.connection.sent()
        self.assertEqual(
            self.sent(message), ["@+reply=m PRIVMSG #lab one", "@+reply=m PRIVMSG #lab two"]
        )

    def test_they_have_labels(self) -> None:
        self.assertEqual(self.sent(redact("#lab", "m"), "n"), ["@label=n REDACT #lab m"])
        forbidden = "@label=n :s FAIL REDACT REDACT_FORBIDDEN #lab m :It is somebody else's"
        text = "It is somebody else's"
        self.assertEqual(
            self.connection.feed(forbidden),
            [Refused("REDACT_FORBIDDEN", ("#lab",), text, "n")],
        )

    def test_an_answer_that_is_none(self) -> None:
        """labeled-response: ACK, where "no response is required"; but we wait for an echo."""
        (event,) = self.connection.feed("@label=n :s ACK")
        self.assertEqual(
            event, Refused("ACK", (), "the server did not take it, and does not say why", "n")
        )
        self.assertEqual(self.connection.feed(":s ACK"), [])
        without = Connection(offer="labeled-response batch")
        self.assertEqual(without.feed("@label=n :s ACK"), [])

    def test_a_server_that_knows_no_tags(self) -> None:
        """A tag would be taken for the command there."""
        self.connection = Connection(offer="server-time")
        self.connection.sent()
        message = reply(Message("PRIVMSG", ("#lab", "yes")), "m")
        self.assertEqual(self.sent(message, "n"), ["PRIVMSG #lab yes"])
        self.assertIsNone(self.connection.state.refusal(message))
        for annotation in (react("#lab", "m", "x"), redact("#lab", "m")):
            self.assertIsNotNone(self.connection.state.refusal(annotation))
        self.assertFalse(self.connection.state.passes_typing)

    def test_tags_that_a_server_does_not_pass_on(self) -> None:
        """message-tags: CLIENTTAGDENY, where "-" exempts from "*"."""
        state = self.connection.state
        self.assertTrue(state.passes_typing)
        for token, passes in (
            ("typing", (False, True)),
            ("*,-draft/react,-reply", (False, True)),
            ("draft/react", (True, False)),
            ("*,-typing", (True, False)),
            ("", (True, True)),
        ):
            self.connection.feed(f":s 005 alice CLIENTTAGDENY={token} :are supported")
            reaction = state.refusal(react("#lab", "m", "x"))
            self.assertEqual((state.passes_typing, reaction is None), passes, token)
