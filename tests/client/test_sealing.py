"""What a client does with encryption: waits, refuses, sends again, and never falls back."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import TestCase

from chat.client.annotating import react, redact
from chat.client.events import ClientEvent, Disconnected, Reacted, Redacted, Registered, Said
from chat.client.outgoing import Answers, Item, Outgoing
from chat.client.registration import Identity
from chat.client.sealing import PATIENCE, Sealing
from chat.client.secrecy import SecurityNotice, Unsealed
from chat.client.state import ClientState
from chat.e2e.effects import AttackRefused, ModeDropped
from chat.e2e.envelope import PLACEHOLDER, TAG
from chat.irc.message import NAME_TAG, Message, parse, serialize
from tests.e2e.network import Device, Network

CAPABILITIES = (
    "account-tag away-notify batch echo-message extended-join labeled-response message-tags"
    " sasl securechat/e2e securechat/id server-time draft/message-redaction"
)
ANSWERS = Answers(repeats=True, names=True, echoes=True)


class Person:
    """A client's state and what it has to send, over an engine; the directory is in memory."""

    def __init__(self, network: Network, name: str, capabilities: str = CAPABILITIES) -> None:
        self.network = network
        self.device: Device = network.device(name, connected=False)
        self.device.is_connected = True
        self.account = self.device.account
        self.sealing = Sealing(self.device.engine)
        self.outgoing = Outgoing(map(str, count(1)).__next__)
        self.events: list[ClientEvent] = []
        #: Lines to the server that are not about the directory.
        self.sent: list[Message] = []
        self.now = 0.0
        self.connect(capabilities)

    def connect(self, capabilities: str = CAPABILITIES) -> None:
        self.state = ClientState(
            Identity(self.account, self.account, self.account), {}, None, self.sealing
        )
        self.state.open()
        self.feed(
            f":s CAP * LS :{capabilities}",
            f":s CAP * ACK :{capabilities}",
            f":s 900 * * {self.account} :logged in",
            ":s 903 * :ok",
            f":s 001 {self.account} :Hi",
            f":s 005 {self.account} CASEMAPPING=ascii CHANTYPES=# WHOX CHANMODES=b,k,l,Eimnst :are",
            ":s E2E OTK 0",
        )

    def join(self, *others: str, modes: str = "+nt", room: str = "#lab") -> None:
        me = self.account
        self.feed(
            f":{me}!u@h JOIN {room} {me} :{me}", f":s 353 {me} = {room} :{' '.join((me, *others))}"
        )
        self.feed(
            f":s 366 {me} {room} :End",
            *(f":s 354 {me} 733 {room} {each} H {each}" for each in (me, *others)),
            f":s 315 {me} {room} :End",
            f":s 324 {me} {room} {modes}",
        )

    def feed(self, *lines: str) -> None:
        for line in lines:
            self.take(parse(line.encode()))

    def take(self, message: Message) -> None:
        for event in self.state.receive(message):
            self.events += self.outgoing.heard(event)
        self.flush()

    def flush(self) -> None:
        for line in self.state.to_send():
            if line.command == "E2E":
                self.network.server.take(self.device, line)
            else:
                self.sent.append(line)

    def settle(self) -> None:
        """Have the directory's answers come, and all that waits for them be sent."""
        for _ in range(8):
            self.pump()
            while self.device.lines:
                self.take(self.device.lines.popleft())

    def pump(self) -> list[Item]:
        due = self.outgoing.due(ANSWERS, lambda item: self.sealing.seal(item, self.now))
        self.flush()
        for item in due:
            if not item.denial:
                self.state.send(item.message, item.name, item.sealed)
        self.flush()
        return due

    def say(self, message: Message) -> str:
        return self.outgoing.add(message)

    def denials(self) -> list[str]:
        return [item.denial for item in self.pump() if item.denial]

    def said(self) -> list[Message]:
        """Return, and forget, what was said to others."""
        speaking = ("PRIVMSG", "NOTICE", "TAGMSG", "REDACT")
        found = [line for line in self.sent if line.command in speaking]
        self.sent.clear()
        return found

    def told(self, kind: type) -> list[object]:
        effects = [each.effect for each in self.events if isinstance(each, SecurityNotice)]
        return [each for each in effects if isinstance(each, kind)]


class SealingTest(TestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir(parents=True)
        self.network = Network(directory)
        self.ids = count(1)

    def meet(self) -> tuple[Person, Person]:
        alice, bob = Person(self.network, "alice/laptop"), Person(self.network, "bob/phone")
        for person, other in ((alice, "bob"), (bob, "alice")):
            person.settle()
            person.join(other, modes="+Ent")
            person.settle()
        return alice, bob

    def pass_on(self, sender: Person, *people: Person) -> list[Message]:
        """Have what was said arrive, its keys before it; return it as the server stores it."""
        stored = []
        for line in sender.said():
            tags = {name: value for name, value in line.tags.items() if name.startswith("+")}
            tags |= {"account": sender.account, "msgid": f"m{next(self.ids)}"}
            source = f"{sender.account}!u@h"
            stored.append(Message(line.command, line.params, source, tags))
        for person in people:
            person.settle()
            for message in stored:
                person.take(message)
            person.settle()
        return stored

    def texts(self, person: Person) -> list[str]:
        """Return what is shown in the end, of each message once."""
        shown: dict[str, str] = {}
        for event in person.events:
            said = event.message if isinstance(event, Unsealed) else event
            if isinstance(said, Said):
                shown[said.msgid] = said.text
        return list(shown.values())

    def test_all_kinds_there_and_back(self) -> None:
        alice, bob = self.meet()
        alice.say(Message("PRIVMSG", ("#lab", "the code is 1234")))
        alice.say(Message("PRIVMSG", ("#lab", "\x01ACTION waves\x01")))
        alice.say(Message("NOTICE", ("#lab", "noted")).tagged({"+reply": "m1"}))
        alice.say(react("#lab", "m1", "👍"))
        alice.say(redact("#lab", "m1", "a slip"))
        alice.settle()
        lines = list(alice.sent)
        self.assertNotIn("1234", str(lines))
        self.assertNotIn("👍", str(lines))
        self.assertNotIn("slip", str(lines))
        stored = self.pass_on(alice, bob)
        self.assertEqual({line.params[-1] for line in stored[:3]}, {PLACEHOLDER})
        self.assertEqual(self.texts(bob), ["the code is 1234", "waves", "noted"])
        [reacted] = [each for each in bob.events if isinstance(each, Unsealed | Reacted)][-1:]
        reacted = reacted.message if isinstance(reacted, Unsealed) else reacted
        assert isinstance(reacted, Reacted)
        self.assertEqual((reacted.reaction, reacted.msgid), ("👍", "m1"))
        [taken] = [each for each in bob.events if isinstance(each, Redacted)]
        self.assertEqual((taken.msgid, taken.reason), ("m1", "a slip"))

    def test_what_waits_stays_in_its_turn(self) -> None:
        alice, bob = self.meet()
        alice.join("bob", modes="+nt", room="#plain")
        for text in ("one", "two"):
            alice.say(Message("PRIVMSG", ("#lab", text)))
        alice.say(Message("PRIVMSG", ("#plain", "three")))
        alice.pump()
        self.assertEqual([line.params for line in alice.said()], [("#plain", "three")])
        alice.settle()
        self.pass_on(alice, bob)
        self.assertEqual(self.texts(bob), ["one", "two"])

    def test_keys_that_never_come(self) -> None:
        alice, _ = self.meet()
        self.network.server.lose.add("QUERY")
        alice.say(Message("PRIVMSG", ("#lab", "secret")))
        alice.settle()
        alice.now += PATIENCE - 1
        self.assertEqual(alice.denials(), [])
        alice.now += 1
        [denial] = alice.denials()
        self.assertIn("does not tell the keys", denial)
        self.assertEqual(alice.said(), [])

    def test_the_server_drops_the_mode(self) -> None:
        alice, _ = self.meet()
        alice.feed(":s MODE #lab -E")
        self.assertEqual(alice.told(ModeDropped), [ModeDropped("#lab")])
        alice.say(Message("PRIVMSG", ("#lab", "still secret")))
        alice.settle()
        [line] = alice.said()
        self.assertEqual(line.params, ("#lab", PLACEHOLDER))
        # Nor after the next start, where the server says that it never was encrypted.
        alice.events += alice.outgoing.heard(Disconnected("gone"))
        alice.connect("message-tags echo-message sasl")
        alice.join("bob")
        alice.say(Message("PRIVMSG", ("#lab", "still secret")))
        self.assertIn("does not know securechat/e2e", alice.denials()[0])
        self.assertEqual(alice.said(), [])

    def test_what_is_no_message_of_ours(self) -> None:
        """Everything else that would say something there in plain text."""
        alice, _ = self.meet()
        for message in (
            Message("PRIVMSG", ("#lab", "\x01VERSION\x01")),
            Message("PRIVMSG", ("#lab,bob", "to both")),
            Message("TAGMSG", ("#lab",), tags={"+draft/other": "secret"}),
            Message("RELAYMSG", ("#lab", "other/x", "secret")),
        ):
            alice.say(message)
            alice.settle()
            self.assertEqual(alice.said(), [], message)

    def test_again_after_a_broken_connection(self) -> None:
        """Under one name goes one ciphertext, unless somebody is to read no more."""
        alice, _ = self.meet()
        alice.say(Message("PRIVMSG", ("#lab", "once")))
        alice.settle()
        [first] = alice.said()
        again = []
        for others in (["bob"], []):
            list(alice.outgoing.heard(Disconnected("gone")))
            alice.connect()
            alice.join(*others, modes="+Ent")
            alice.settle()
            [line] = alice.said()
            again.append(line)
        self.assertEqual(first.tags[NAME_TAG], again[0].tags[NAME_TAG])
        self.assertEqual(first.tags[TAG], again[0].tags[TAG])
        self.assertNotEqual(first.tags[TAG].split(".")[1], again[1].tags[TAG].split(".")[1])

    def test_people(self) -> None:
        """With devices encrypted, without any plain, and never back."""
        alice, _ = self.meet()
        alice.say(Message("PRIVMSG", ("bob", "between us")))
        alice.say(Message("PRIVMSG", ("carol", "plain")))
        alice.settle()
        found = sorted((line.params, TAG in line.tags) for line in alice.said())
        self.assertEqual(found, [(("bob", PLACEHOLDER), True), (("carol", "plain"), False)])
        self.network.server.bundles.pop("bob/phone")
        alice.take(Message("E2E", ("CHANGED", "bob")))
        alice.say(Message("PRIVMSG", ("bob", "still between us")))
        alice.settle()
        self.assertEqual(alice.said(), [])
        self.assertTrue(alice.sealing.protection("bob").is_encrypted)
        self.assertTrue(alice.sealing.protection("carol").is_optional)

    def test_a_replay_is_told(self) -> None:
        alice, bob = self.meet()
        alice.say(Message("PRIVMSG", ("#lab", "once")))
        alice.settle()
        [stored] = self.pass_on(alice, bob)
        for message in (stored, stored.tagged({"msgid": "other"})):
            bob.take(message)
        self.assertEqual(len(bob.told(AttackRefused)), 2)
        [_, shown] = self.texts(bob)
        self.assertIn("it came before", shown)

    def test_a_reaction_that_is_not_encrypted(self) -> None:
        alice, _ = self.meet()
        alice.feed("@account=bob;+reply=m1;+draft/react=👎 :bob!u@h TAGMSG #lab")
        self.assertEqual([each for each in alice.events if isinstance(each, Reacted)], [])
        self.assertEqual(len(alice.told(AttackRefused)), 1)

    def test_without_an_engine(self) -> None:
        """What is encrypted is not shown, and nothing goes there."""
        state = ClientState(Identity("alice", "alice", "Alice"))
        state.open()
        events = state.receive(
            Message("PRIVMSG", ("#lab", PLACEHOLDER), "bob!u@h", {TAG: "1.s." + 16 * "a"})
        )
        [said] = events
        assert isinstance(said, Said)
        self.assertIn("securechat[e2e]", said.text)
        item = Item(Message("PRIVMSG", ("#lab", "secret")), "1")
        denied = state.sealing.seal(item, 0.0)
        assert denied is not None
        self.assertIn("securechat[e2e]", denied.denial)
        plain = Item(Message("PRIVMSG", ("#other", "hello")), "2")
        self.assertEqual(state.sealing.seal(plain, 0.0), plain)

    def test_keys_that_are_elsewhere(self) -> None:
        """A person gets no plain text from a device whose keys another program has."""
        sealing = Sealing(None, "another program has them", has_keys=True)
        denied = sealing.seal(Item(Message("PRIVMSG", ("bob", "secret")), "1"), 0.0)
        assert denied is not None
        self.assertEqual(denied.denial, "another program has them")

    def test_the_vault_fails(self) -> None:
        alice, _ = self.meet()
        alice.device.vault.close()
        alice.say(Message("PRIVMSG", ("#lab", "secret")))
        alice.say(Message("PRIVMSG", ("bob", "secret")))
        alice.say(Message("PRIVMSG", ("nobody", "secret")))
        self.assertEqual(len(alice.denials()), 3)
        self.assertEqual(alice.said(), [])

    def test_what_was_kept_as_ciphertext(self) -> None:
        alice, bob = self.meet()
        alice.say(Message("PRIVMSG", ("#lab", "kept")))
        alice.settle()
        self.pass_on(alice, bob)
        events = [one.message if isinstance(one, Unsealed) else one for one in bob.events]
        said = [one for one in events if isinstance(one, Said)][-1]
        assert said.seal is not None
        self.assertEqual(said.text, "kept")
        closed = Said("#lab", "alice", "?", said.manner, False, None, "", said.msgid, True)
        again = bob.sealing.unseal(evolve(closed, seal=said.seal, account="alice"))
        self.assertEqual(again.text, "kept")


class RegisteredTest(TestCase):
    def test_the_capability_is_wanted_with_an_engine_only(self) -> None:
        state = ClientState(Identity("alice", "alice", "Alice"))
        state.open()
        state.to_send()
        state.receive(parse(b":s CAP * LS :securechat/e2e echo-message"))
        self.assertEqual([serialize(each) for each in state.to_send()], [b"CAP REQ echo-message"])
        self.assertNotIn(Registered, map(type, state.receive(parse(b":s CAP * ACK :echo-message"))))
