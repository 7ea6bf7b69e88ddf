"""draft/multiline: what is one message for some is several for the others."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.events import MessageSent
from chat.network.settings import Limits
from tests.support.world import World

CAPS = "batch draft/multiline message-tags echo-message labeled-response server-time"


class MultilineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(limits=Limits(flood=False, multiline_lines=5, multiline_bytes=50))
        self.alice = self.world.client("alice", CAPS)
        self.bob = self.world.client("bob", CAPS)
        self.old = self.world.client("old", "message-tags")
        for client in (self.alice, self.bob, self.old):
            client.exchange("JOIN #room")
        self.alice.lines(), self.bob.lines()

    def send(self, *lines: str) -> list[str]:
        return self.alice.exchange(
            "@label=l;+x=y BATCH +1 draft/multiline #room", *lines, "BATCH -1"
        )

    def test_one_message(self) -> None:
        """ "wait until the full batch has been received before processing the message" """
        echo = self.send(
            "@batch=1 PRIVMSG #room hello",
            "@batch=1 PRIVMSG #room :",
            "@batch=1 PRIVMSG #room :how is ",
            "@batch=1;draft/multiline-concat PRIVMSG #room :everyone?",
        )
        event = self.world.log.stored[-1].event
        assert isinstance(event, MessageSent)
        self.assertEqual(event.text, "hello\n\nhow is everyone?")
        start, *lines, end = map(parse, (line.encode() for line in echo))
        self.assertEqual((start.command, start.params[1:]), ("BATCH", ("draft/multiline", "#room")))
        self.assertEqual(set(start.tags), {"label", "msgid", "time", "+x"})
        self.assertEqual([line.text() for line in lines], ["hello", "", "how is ", "everyone?"])
        self.assertNotIn("msgid", lines[0].tags)
        self.assertIn("draft/multiline-concat", lines[3].tags)
        self.assertEqual(end.command, "BATCH")
        self.assertEqual(len(self.bob.lines()), 6)
        fallback = [parse(line.encode()) for line in self.old.lines()]
        self.assertEqual([line.text() for line in fallback], ["hello", "how is ", "everyone?"])
        self.assertEqual(["msgid" in line.tags for line in fallback], [True, False, False])

    def test_refused(self) -> None:
        line = "@batch=1 PRIVMSG #room :x"
        for lines, code in (
            ([line] * 6, "MULTILINE_MAX_LINES 5"),
            (["@batch=1 PRIVMSG #room :" + "x" * 30] * 2, "MULTILINE_MAX_BYTES 50"),
            ([line, "@batch=1 PRIVMSG #other :x"], "MULTILINE_INVALID_TARGET #room #other"),
            ([line, "@batch=1 NOTICE #room :x"], "MULTILINE_INVALID"),
            ([line, "@batch=2 PRIVMSG #room :x"], "MULTILINE_INVALID"),
            ([line, "@batch=1;draft/multiline-concat PRIVMSG #room :"], "MULTILINE_INVALID"),
            (["@batch=1 PRIVMSG #room :"], "MULTILINE_INVALID"),
            ([], "MULTILINE_INVALID"),
            (["BATCH +2 draft/multiline #room", line], "MULTILINE_INVALID"),
        ):
            said = [found for found in self.send(*lines) if " FAIL " in found]
            self.assertEqual(len(said), 1, said)
            self.assertIn(f"FAIL BATCH {code} :", said[0])
            self.assertEqual(self.bob.lines(), [])
        for stray in ("BATCH -1", "BATCH +1 netsplit #room", line):
            self.assertIn(" FAIL BATCH MULTILINE_INVALID :", self.alice.exchange(stray)[0])

    def test_policy_holds(self) -> None:
        self.alice.exchange("MODE #room +m")
        lines = self.bob.exchange(
            "BATCH +1 draft/multiline #room", "@batch=1 PRIVMSG #room :x", "BATCH -1"
        )
        self.assertEqual([line.split()[1] for line in lines], ["404"])

    def test_without_the_capability_the_tag_means_nothing(self) -> None:
        self.old.exchange("@batch=1 PRIVMSG #room :x")
        self.assertTrue(self.alice.lines()[-1].endswith("PRIVMSG #room x"))

    def test_in_history(self) -> None:
        self.send("@batch=1 PRIVMSG #room :one", "@batch=1 PRIVMSG #room :two")
        self.alice.exchange("CAP REQ draft/chathistory")
        lines = self.alice.exchange("CHATHISTORY LATEST #room * 5")
        commands = [parse(line.encode()).command for line in lines]
        self.assertEqual(commands, ["BATCH", "BATCH", "PRIVMSG", "PRIVMSG", "BATCH", "BATCH"])
        self.assertTrue(lines[1].startswith("@batch=history;") or ";batch=history" in lines[1])
