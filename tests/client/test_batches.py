"""Lines that belong together, in both directions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.batches import MOST_OPEN
from chat.client.events import (
    Found,
    Manner,
    Refused,
    Said,
)
from chat.client.text import Multiline
from chat.irc.message import Message
from tests.client.connections import Connection


class BatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection()

    def test_lines_of_one_message_are_joined(self) -> None:
        """ "Line messages are joined by a single line feed (\\n) byte unless the
        draft/multiline-concat message tag is sent": multiline.
        """
        (event,) = self.connection.feed(
            "@msgid=m1 :bob!u@h BATCH +1 draft/multiline #lab",
            "@batch=1 :bob!u@h PRIVMSG #lab hello",
            "@batch=1 :bob!u@h PRIVMSG #lab :how is ",
            "@batch=1;draft/multiline-concat :bob!u@h PRIVMSG #lab :everyone?",
            ":s BATCH -1",
        )
        text = "hello\nhow is everyone?"
        self.assertEqual(event, Said("#lab", "bob", text, Manner.MESSAGE, False, msgid="m1"))

    def test_what_the_server_found(self) -> None:
        """It is no news, and in no room's history."""
        feed = self.connection.feed
        self.assertEqual(feed(":s BATCH +e soju.im/search", ":s BATCH -e"), [Found(())])
        (found,) = feed(
            ":s BATCH +s soju.im/search",
            "@batch=s;msgid=m1 :bob!u@h PRIVMSG #lab :the key",
            ":s BATCH -s",
        )
        said = Said("#lab", "bob", "the key", Manner.MESSAGE, False, msgid="m1", replayed=True)
        self.assertEqual(found, Found((said,)))

    def test_in_a_page_too(self) -> None:
        shown = self.connection.texts(
            ":s BATCH +h chathistory #lab",
            "@batch=h;msgid=m1 :bob!u@h BATCH +l draft/multiline #lab",
            "@batch=l :bob!u@h PRIVMSG #lab one",
            "@batch=l :bob!u@h PRIVMSG #lab two",
            ":s BATCH -l",
            ":s BATCH -h",
        )
        self.assertEqual(shown, ["#lab old one\ntwo"])

    def test_what_a_labelled_batch_has_is_labelled(self) -> None:
        (event,) = self.connection.feed(
            "@label=7 :s BATCH +r labeled-response", "@batch=r :s 404 alice #lab :No", ":s BATCH -r"
        )
        self.assertEqual(event, Refused("404", ("#lab",), "No", "7"))

    def test_batches_that_never_end(self) -> None:
        """What is beyond the limit comes by itself."""
        begun = [f":s BATCH +{n} draft/multiline #lab" for n in range(MOST_OPEN + 1)]
        self.connection.feed(*begun, ":s BATCH -unknown", ":s BATCH", ":s BATCH +", ":s BATCH -1")
        last = f"@batch={MOST_OPEN} :bob!u@h PRIVMSG #lab :hi"
        self.assertEqual(self.connection.texts(last), ["#lab hi"])

    def test_a_batch_that_is_open_is_not_begun_again(self) -> None:
        again = "@batch=1 :s BATCH +1 draft/multiline #lab"
        self.connection.feed(again, again, "@batch=1 :bob!u@h PRIVMSG #lab :hi")
        self.assertEqual(self.connection.texts(":s BATCH -1", ":s BATCH -1"), ["#lab hi"])


class MultilineTests(SynchronousTestCase):
    def send(self, offer: str, text: str) -> list[str]:
        connection = Connection(offer=offer)
        connection.feed(":alice!u@h JOIN #lab")
        connection.sent()
        connection.state.send(Message("PRIVMSG", ("#lab", text)), "n")
        return connection.sent()

    def test_several_lines_are_one_batch(self) -> None:
        """ "all client-only tags associated with the message must be sent attached to the
        initial BATCH command": multiline.
        """
        offer = "batch echo-message labeled-response securechat/id draft/multiline=max-bytes=4096"
        begin, one, blank, two, more, end = self.send(offer, f"one\n\n{'x' * 600}")
        self.assertEqual(begin, "@label=n;+securechat/id=n BATCH +m1 draft/multiline #lab")
        self.assertEqual(one, "@batch=m1 PRIVMSG #lab one")
        self.assertEqual(blank, "@batch=m1 PRIVMSG #lab :")
        self.assertTrue(two.startswith("@batch=m1 PRIVMSG #lab x"))
        self.assertTrue(more.startswith("@batch=m1;draft/multiline-concat PRIVMSG #lab x"))
        self.assertEqual(end, "BATCH -m1")

    def test_else_line_by_line_and_the_last_has_the_name(self) -> None:
        sent = self.send("echo-message labeled-response", "one\n\ntwo")
        self.assertEqual(sent, ["PRIVMSG #lab one", "@label=n PRIVMSG #lab two"])
        self.assertEqual(self.send("echo-message", "\n \n"), [])

    def test_limits(self) -> None:
        several = Connection(offer="batch draft/multiline=max-bytes=4096,max-lines=9").state.several
        self.assertEqual(several, Multiline(4096, 9))
        self.assertEqual(Connection(offer="draft/multiline=max-bytes=9").state.several, None)


class NameTests(SynchronousTestCase):
    def test_a_message_has_its_name_as_far_as_the_server_knows_names(self) -> None:
        message = Message("PRIVMSG", ("#lab", "hi"))
        for offer, tags in (
            ("echo-message labeled-response securechat/id", "@label=n;+securechat/id=n "),
            ("echo-message labeled-response", "@label=n "),
            ("echo-message", ""),
        ):
            connection = Connection(offer=offer)
            connection.sent()
            self.assertEqual(connection.state.send(message, "n"), [])
            self.assertEqual(connection.sent(), [f"{tags}PRIVMSG #lab hi"])

    def test_the_label_of_an_echo_is_its_name(self) -> None:
        connection = Connection()
        (event,) = connection.feed("@label=n :alice!u@h PRIVMSG #lab hi")
        self.assertEqual(event, Said("#lab", "alice", "hi", Manner.MESSAGE, True, name="n"))

    def test_without_echoes_we_tell_it_ourselves(self) -> None:
        connection = Connection(offer="server-time")
        told = connection.state.send(Message("PRIVMSG", ("#lab", "hi")), "n")
        self.assertEqual(told, [Said("#lab", "alice", "hi", Manner.MESSAGE, True, name="n")])
