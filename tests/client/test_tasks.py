"""What a script sends, by lists: lines in, lines and events out."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.delivery import Delivery, Stored
from chat.client.events import ClientEvent, Manner
from chat.client.reading import Reading, Spoken
from chat.client.registration import Identity
from chat.client.task import Done, Failed, Postponed, Task, TaskState
from chat.irc.message import parse, serialize

FULL = "batch echo-message labeled-response message-tags securechat/id"
MULTILINE = f"{FULL} draft/multiline=max-bytes=20,max-lines=3"


class Driver:
    """A task on a connection that is fed lines and asked for lines."""

    def __init__(self, task: Task, offer: str) -> None:
        self.state = TaskState(task, Identity("alice", "alice", "alice"))
        self.state.open()
        asked = " ".join(word.partition("=")[0] for word in offer.split())
        self.feed(f":s CAP * LS :{offer}", f":s CAP * ACK :{asked}", ":s 001 alice :Hi")
        self.sent()
        self.begun = self.feed(":s 005 alice CHANTYPES=# CHATHISTORY=2 :ok", ":s 422 alice :none")

    def feed(self, *lines: str) -> list[ClientEvent]:
        return [event for line in lines for event in self.state.receive(parse(line.encode()))]

    def sent(self) -> list[str]:
        return [serialize(message).decode() for message in self.state.to_send()]


def delivery(*texts: str, manner: Manner = Manner.MESSAGE, target: str = "#x") -> Delivery:
    task = Delivery(target, manner, "N")
    for text in texts:
        task.add(text)
    task.end()
    return task


class DeliveryTest(SynchronousTestCase):
    def test_acknowledged(self) -> None:
        driver = Driver(delivery("hi"), FULL)
        self.assertEqual(
            driver.sent(), ["@label=join JOIN #x", "@label=1;+securechat/id=N PRIVMSG #x hi"]
        )
        self.assertEqual(
            driver.feed("@label=1;msgid=m;time=t :alice!u@h PRIVMSG #x hi"),
            [Stored("#x", "N", "m", "t", True), Done()],
        )

    def test_sent_again_over_the_next_connection(self) -> None:
        """A name stands for one message: the second connection sends the same."""
        task = delivery("one", "two")
        driver = Driver(task, FULL)
        driver.feed("@label=1;msgid=m :alice!u@h PRIVMSG #x one")
        self.assertTrue(task.is_uncertain)
        again = Driver(task, FULL)
        self.assertEqual(again.sent()[1:], ["@label=3;+securechat/id=N/2 PRIVMSG #x two"])

    def test_not_sent_again_without_names(self) -> None:
        task = delivery("hi")
        Driver(task, FULL.removesuffix("securechat/id"))
        (event,) = Driver(task, FULL.removesuffix("securechat/id")).begun
        self.assertTrue(isinstance(event, Failed) and event.is_uncertain)

    def test_refused(self) -> None:
        driver = Driver(delivery("hi"), FULL)
        driver.feed("@label=join :s 474 alice #x :You are banned")
        self.assertEqual(
            driver.feed("@label=1 :s 404 alice #x :Cannot send"), [Failed("You are banned")]
        )

    def test_a_notice_is_refused_without_a_reason(self) -> None:
        driver = Driver(delivery("hi", manner=Manner.NOTICE, target="bob"), FULL)
        (event,) = driver.feed("@label=1 :s ACK")
        self.assertIsInstance(event, Failed)

    def test_behind_another_answer(self) -> None:
        """labeled-response: several lines of an answer are in a batch with the label."""
        driver = Driver(delivery("hi", target="bob"), FULL)
        events = driver.feed(
            "@label=1 :s BATCH +a labeled-response",
            "@batch=a :s 301 alice bob :Gone",
            "@batch=a;msgid=m;time=t :alice!u@h PRIVMSG bob hi",
            ":s BATCH -a",
        )
        self.assertEqual(events, [Stored("bob", "N", "m", "t", True), Done()])

    def test_a_database_that_does_not_answer(self) -> None:
        driver = Driver(delivery("hi"), FULL)
        driver.sent()
        refused = "@label=1 :s FAIL PRIVMSG TEMPORARILY_UNAVAILABLE :later"
        self.assertEqual(driver.feed(refused), [Postponed()])
        driver.state.resume()
        self.assertEqual(driver.sent(), ["@label=2;+securechat/id=N PRIVMSG #x hi"])

    def test_several_lines(self) -> None:
        driver = Driver(delivery("a\n\nb\n"), MULTILINE)
        self.assertEqual(
            driver.sent()[1:],
            [
                "@label=1;+securechat/id=N BATCH +1 draft/multiline #x",
                "@batch=1 PRIVMSG #x a",
                "@batch=1 PRIVMSG #x :",
                "@batch=1 PRIVMSG #x b",
                "BATCH -1",
            ],
        )

    def test_several_lines_without_multiline(self) -> None:
        texts = [line.partition(" ")[2] for line in Driver(delivery("a\n\nb"), FULL).sent()[1:]]
        self.assertEqual(texts, ["PRIVMSG #x a", "PRIVMSG #x b"])

    def test_a_server_that_acknowledges_nothing(self) -> None:
        driver = Driver(delivery("hi"), "server-time")
        self.assertEqual(driver.sent(), ["JOIN #x", "PRIVMSG #x hi", "PING 1"])
        self.assertEqual(driver.feed(":s PONG s 1"), [Stored("#x", "N", "", "", False), Done()])


HISTORY = "batch message-tags server-time draft/chathistory"


def page(*lines: str, end: bool = False) -> list[str]:
    tags = "@draft/chathistory-end " if end else ""
    return [
        f"{tags}:s BATCH +h chathistory #x",
        *(f"@batch=h;msgid={each};time=t{each} :bob!u@h PRIVMSG #x {each}" for each in lines),
        ":s BATCH -h",
    ]


def texts(events: list[ClientEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Spoken)]


class ReadingTest(SynchronousTestCase):
    def test_pages_from_the_end(self) -> None:
        driver = Driver(Reading("#x", None, 3, follow=False), HISTORY)
        self.assertEqual(driver.sent(), ["JOIN #x", "CHATHISTORY LATEST #x * 2"])
        self.assertEqual(texts(driver.feed(*page("3", "4"))), [])
        self.assertEqual(driver.sent(), ["CHATHISTORY BEFORE #x msgid=3 1"])
        events = driver.feed(*page("2"))
        self.assertEqual(texts(events), ["2", "3", "4"])
        self.assertEqual(events[-1], Done())

    def test_live_messages_wait_and_come_once(self) -> None:
        driver = Driver(Reading("#x", "msgid=0", None, follow=True), HISTORY)
        driver.feed("@msgid=2 :bob!u@h PRIVMSG #x 2", "@msgid=3 :bob!u@h PRIVMSG #x 3")
        events = driver.feed(*page("1", "2"))
        self.assertEqual(driver.sent()[-1], "CHATHISTORY AFTER #x msgid=2 2")
        events += driver.feed(*page(end=True), "@msgid=4 :bob!u@h PRIVMSG #x 4")
        self.assertEqual(texts(events), ["1", "2", "3", "4"])

    def test_goes_on_over_the_next_connection(self) -> None:
        task = Reading("#x", None, 2, follow=True)
        Driver(task, HISTORY).feed(*page("1", "2"), "@msgid=3 :bob!u@h PRIVMSG #x 3")
        again = Driver(task, HISTORY)
        self.assertEqual(again.sent()[-1], "CHATHISTORY AFTER #x msgid=3 2")
        self.assertEqual(texts(again.feed(*page("4", end=True))), ["4"])

    def test_a_message_that_is_not_kept_any_more(self) -> None:
        task = Reading("#x", None, 1, follow=True)
        Driver(task, HISTORY).feed(*page("1"))
        again = Driver(task, HISTORY)
        again.sent()
        again.feed(":s FAIL CHATHISTORY MESSAGE_ERROR AFTER #x :There is no such message")
        self.assertEqual(again.sent(), ["CHATHISTORY AFTER #x timestamp=t1 2"])

    def test_without_history(self) -> None:
        (event,) = Driver(Reading("#x", None, 1, follow=False), "batch").begun
        self.assertIsInstance(event, Failed)
