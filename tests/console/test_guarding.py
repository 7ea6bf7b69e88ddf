"""What a person decides about encryption, from the command to what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from chat.client.sealing import Act
from chat.client.state import ClientState
from chat.console.commands import Answer, CommandError, Compare, Encrypt, Inspect, SetKey, Trust
from chat.console.guarding import Guard
from chat.irc.message import Message
from tests.client.test_sealing import Person
from tests.e2e.network import Network


class Desk:
    """The part of a client that a guard sees, and the guard."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.sealing = person.sealing
        self.said: list[str] = []
        self.sent: list[Message] = []
        client: Any = self
        self.guard = Guard(client, self.said.append)
        self._heard = 0

    @property
    def state(self) -> ClientState:
        return self.person.state

    def protect(self, act: Act) -> None:
        self.person.events += self.state.ask(self.sealing.act(act))
        self.person.flush()

    def deliver(self, message: Message) -> None:
        self.sent.append(message)

    def settle(self) -> None:
        self.person.settle()
        for event in self.person.events[self._heard :]:
            self.guard.hear(event)
        self._heard = len(self.person.events)


class GuardTest(TestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir(parents=True)
        network = Network(directory)
        people = Person(network, "alice/laptop"), Person(network, "bob/phone")
        for person, other in zip(people, ("bob", "alice"), strict=True):
            person.settle()
            person.join(other, modes="+Ent")
            person.settle()
        self.alice, self.bob = map(Desk, people)

    def settle(self) -> None:
        for _ in range(4):
            self.alice.settle()
            self.bob.settle()

    def test_two_people_compare(self) -> None:
        self.alice.guard.do(Compare("bob", ""))
        self.assertIn("try again", self.alice.said[-1])
        self.settle()
        self.alice.guard.do(Compare("bob", ""))
        self.assertIn("asked bob/phone", self.alice.said[-1])
        self.settle()
        for _ in range(2):  # takes part, then says that they are the same
            self.bob.guard.do(Answer(True))
            self.settle()
        self.alice.guard.do(Answer(True))
        self.settle()
        self.alice.guard.do(Inspect("#lab"))
        self.assertIn("  bob/phone: verified", self.alice.said)
        self.assertIn("#lab is encrypted, all devices verified", self.alice.said)
        self.assertRaises(CommandError, self.alice.guard.do, Answer(True))

    def test_a_device_that_is_blocked(self) -> None:
        self.alice.guard.do(Inspect("#lab"))
        self.settle()
        self.alice.guard.do(Trust("bob/phone", "block"))
        self.alice.guard.do(Inspect("#lab"))
        self.assertIn("  bob/phone: blocked", self.alice.said)
        with self.assertRaisesRegex(CommandError, "not a device of your account"):
            self.alice.guard.do(Trust("bob/phone", "cosign"))

    def test_encryption_of_a_room(self) -> None:
        self.alice.guard.do(Encrypt("#ops", ""))
        self.assertEqual(self.alice.sent, [])
        self.alice.guard.do(Encrypt("#ops", "yes"))
        self.assertEqual(self.alice.sent, [Message("MODE", ("#ops", "+E"))])

    def test_a_passphrase(self) -> None:
        self.alice.guard.do(SetKey("#ops", "new"))
        words = self.alice.said[0].removeprefix("the passphrase of #ops: ")
        self.assertEqual(len(words.split()), 6)
        self.assertTrue(self.alice.sealing.protection("#ops").is_encrypted)
        self.bob.guard.do(SetKey("#ops", words))
        for desk, other in ((self.alice, "bob"), (self.bob, "alice")):
            desk.person.join(other, room="#ops")
        self.alice.person.say(Message("PRIVMSG", ("#ops", "by our words")))
        self.settle()
        [line] = self.alice.person.said()
        tags = {name: value for name, value in line.tags.items() if name.startswith("+")}
        tags |= {"account": "alice", "msgid": "p1"}
        self.bob.person.take(Message(line.command, line.params, "alice!u@h", tags))
        said = self.bob.person.events[-1]
        self.assertEqual(getattr(said, "text", ""), "by our words")
        self.assertFalse(said.seal.is_proven)  # type: ignore[attr-defined]
