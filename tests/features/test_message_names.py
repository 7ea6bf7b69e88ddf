"""securechat/id: a message that is sent again is stored and shown once."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from tests.support.world import FakeClient, World

CAPS = "message-tags server-time echo-message labeled-response securechat/id"


class MessageNamesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob"):
            self.world.add_account(name)
        self.alice = self.world.client("alice", CAPS, "alice")
        self.bob = self.world.client("bob", CAPS, "bob")
        for client in (self.alice, self.bob):
            client.exchange("JOIN #room")
        self.alice.lines()

    def texts(self) -> list[str]:
        return [getattr(entry.event, "text", "") for entry in self.world.log.stored]

    def say(self, client: FakeClient, line: str) -> tuple[dict[str, str], str]:
        """Return the tags of the one line that answers, and its text."""
        [answer] = client.exchange(line)
        message = parse(answer.encode())
        return dict(message.tags), message.text()

    def test_a_repeat_is_answered_with_the_first_and_shown_to_nobody(self) -> None:
        line = "@+securechat/id=n1;label={} PRIVMSG #room :hello"
        first, _ = self.say(self.alice, line.format("a"))
        self.assertEqual(len(self.bob.lines()), 1)
        self.world.clock.advance(60)
        phone = self.world.client("alice", CAPS, "alice")
        self.alice.lines()
        again, text = self.say(phone, line.format("b"))
        self.assertEqual((again.pop("label"), first.pop("label")), ("b", "a"))
        self.assertEqual((again, text), (first, "hello"))
        self.assertEqual((self.bob.lines(), self.alice.lines()), ([], []))
        self.assertEqual(self.texts().count("hello"), 1)

    def test_twice_at_once(self) -> None:
        self.world.log.hold = True
        self.alice.send(*(f"@+securechat/id=n;label={n} PRIVMSG bob :x" for n in "ab"))
        self.world.log.commit()
        tags = [parse(line.encode()).tags for line in self.alice.lines()]
        self.assertEqual([each["label"] for each in tags], ["a", "b"])
        self.assertEqual(len({each["msgid"] for each in tags}), 1)
        self.assertEqual(len(self.bob.lines()), 1)

    def test_a_name_is_one_accounts_and_one_receivers(self) -> None:
        line = "@+securechat/id=n PRIVMSG #room,bob :x"
        ids = {parse(each.encode()).tags["msgid"] for each in self.alice.exchange(line)}
        self.assertEqual(len(ids), 2)
        other, _ = self.say(self.bob, "@+securechat/id=n PRIVMSG #room :x")
        self.assertNotIn(other["msgid"], ids)

    def test_every_kind_of_message(self) -> None:
        for command in ("NOTICE #room :x", "TAGMSG #room", "PRIVMSG @#room :x"):
            line = f"@+securechat/id={command[0]};+a=b {command}"
            first, _ = self.say(self.alice, line)
            again, _ = self.say(self.alice, line)
            self.assertEqual(again, first)
        self.bob.lines()
        typing = "@+securechat/id=t;+typing=active TAGMSG #room"
        for _ in range(2):
            self.alice.send(typing)
        self.assertEqual(len(self.world.log.stored), len({e.uid for e in self.world.log.stored}))

    def test_without_account_or_name(self) -> None:
        """A guest's name is not its own for ever."""
        guest = self.world.client("guest", CAPS)
        ids = {self.say(guest, "@+securechat/id=n PRIVMSG bob :x")[0]["msgid"] for _ in range(2)}
        ids |= {self.say(self.alice, "@+securechat/id= PRIVMSG bob :x")[0]["msgid"] for _ in "ab"}
        self.assertEqual(len(ids), 4)
