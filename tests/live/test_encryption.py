"""Encrypted rooms and conversations between clients of ours, on our server."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from chat.client.annotating import react, redact
from chat.client.events import (
    Disconnected,
    Earlier,
    ModesChanged,
    NotSent,
    Reacted,
    Redacted,
    Said,
)
from chat.client.profile import Choice, choose
from chat.client.secrecy import SecurityNotice, Unsealed
from chat.client.unlocking import open_sealing
from chat.e2e.effects import (
    AttackRefused,
    Compare,
    DevicesGone,
    Effect,
    VerificationAsked,
    Verified,
)
from chat.e2e.envelope import PLACEHOLDER
from chat.irc.message import Message
from chat.pki.authority import Identity
from tests.client.fake import until
from tests.live.irc import IRC
from tests.live.person import Person
from tests.support.servers import Server, make_home, securechat

reactor: Any = installed

CAPABILITIES = "echo-message batch message-tags server-time standard-replies draft/chathistory"


class EncryptionTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.home = make_home(accounts='password = "optional"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.data = Path(tempfile.mkdtemp(prefix="sc-"))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def person(self, account: str, device: str = "laptop") -> Person:
        files = self.home.device(account, device)
        choice = Choice(
            host=f"localhost:{self.server.port}", certificate=files.pem, authority=files.ca
        )
        sealing = open_sealing(choose(choice, Path("nowhere")), self.data)
        self.assertEqual(sealing.why_not, "")
        person = Person(files, self.server.port, sealing=sealing)
        self.addCleanup(person.client.stop)
        return person

    async def noticed(self, person: Person, kind: type[Effect]) -> Any:
        def found() -> list[SecurityNotice]:
            events = [each for each in person.events if isinstance(each, SecurityNotice)]
            return [each for each in events if isinstance(each.effect, kind)]

        await until(reactor, found)
        return found()[-1]

    async def heard(self, person: Person, text: str, **fields: object) -> Said:
        """Wait for a message that can be read, at once or when its key has come."""

        def found() -> list[Said]:
            events = [one.message if isinstance(one, Unsealed) else one for one in person.events]
            said = [one for one in events if isinstance(one, Said) and one.text == text]
            return [one for one in said if all(getattr(one, key) == fields[key] for key in fields)]

        await until(reactor, found)
        return found()[-1]

    def has_devices(self, person: Person, account: str) -> bool | None:
        found: list[bool | None] = []
        person.client.protect(lambda engine: found.append(engine.has_devices(account)))
        return found[0]

    async def leave(self, person: Person) -> None:
        await person.client.stop()
        person.client.sealing.close()

    def raw(self, account: str) -> IRC:
        client = IRC.login(self.server.port, self.home.device(account, "weechat"), CAPABILITIES)
        self.addCleanup(client.close)
        client.exchange("JOIN #room")
        return client

    async def encrypt(self, person: Person) -> None:
        person.client.deliver(Message("MODE", ("#room", "+E")))
        await person.wait_for(ModesChanged, target="#room", changes="+E")

    async def meet(self) -> tuple[Person, Person]:
        people = self.person("alice"), self.person("bob")
        for person in people:
            await person.join()
        await self.encrypt(people[0])
        await people[1].wait_for(ModesChanged, changes="+E")
        return people

    def attacks(self, *people: Person) -> list[Any]:
        return [
            event.effect
            for person in people
            for event in person.events
            if isinstance(event, SecurityNotice) and isinstance(event.effect, AttackRefused)
        ]

    async def test_a_room(self) -> None:
        alice, bob = await self.meet()
        phone = self.person("alice", "phone")
        await phone.join()
        raw = self.raw("bob")
        name = alice.say("the launch code is 1234")
        for person in (alice, bob, phone):
            said = await self.heard(person, "the launch code is 1234")
            self.assertEqual(said.seal.device, "alice/laptop")
        self.assertTrue((await alice.wait_for(Said, name=name)).own)
        raw.expect(rf"alice!\S+ PRIVMSG #room :{PLACEHOLDER[:5].replace('[', '.')}")
        bob.say("noted")
        said = await self.heard(alice, "noted")
        bob.client.deliver(react("#room", said.msgid, "👍"))
        await alice.wait_for(Reacted, reaction="👍", msgid=said.msgid)
        bob.client.deliver(redact("#room", said.msgid, "a slip"))
        await alice.wait_for(Redacted, msgid=said.msgid, reason="a slip")
        self.assertEqual(self.attacks(alice, bob, phone), [])
        wire = "\n".join(raw.rest()) + "\n".join(raw.seen)
        self.server.stop()
        kept = b"".join(path.read_bytes() for path in self.home.directory.glob("*.db*"))
        self.assertIn(PLACEHOLDER.encode(), kept)
        for secret in ("launch code", "noted", "👍", "a slip"):
            self.assertNotIn(secret, wire)
            self.assertNotIn(secret.encode(), kept)
            self.assertNotIn(secret, self.server.log())

    async def test_a_conversation(self) -> None:
        alice, bob = await self.meet()
        raw = self.raw("bob")
        alice.say("between us", "bob")
        said = await self.heard(bob, "between us", room="alice")
        self.assertEqual((said.seal.device, said.seal.reason), ("alice/laptop", ""))
        await self.heard(alice, "between us", room="bob")
        bob.client.deliver(react("alice", said.msgid, "🎉"))
        await alice.wait_for(Reacted, room="bob", reaction="🎉")
        self.assertTrue(alice.client.sealing.protection("bob").is_encrypted)
        raw.rest()
        self.assertNotIn("between us", "\n".join(raw.seen))
        self.assertEqual(self.attacks(alice, bob), [])

    async def test_a_crash_of_the_server(self) -> None:
        alice, bob = await self.meet()
        alice.say("before")
        await self.heard(bob, "before")
        self.server.kill()
        await alice.wait_for(Disconnected)
        names = [alice.say(f"meanwhile {number}") for number in range(5)]
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')
        self.server.start()
        for number, name in enumerate(names):
            await alice.wait_for(Said, name=name, text=f"meanwhile {number}")
            await self.heard(bob, f"meanwhile {number}")
        texts = [event.text for event in bob.events if isinstance(event, Said)]
        self.assertEqual(texts[-5:], [f"meanwhile {number}" for number in range(5)])
        self.assertEqual(self.attacks(alice, bob), [])

    async def test_a_revoked_device_is_out_of_the_next_message(self) -> None:
        alice, bob = await self.meet()
        phone = self.person("bob", "phone")
        await phone.join()
        alice.say("one")
        first = await self.heard(phone, "one")
        securechat("revoke", "bob/phone", "--dir", self.home.directory)
        await until(reactor, lambda: self.has_devices(alice, "bob") is None)
        alice.say("two")
        second = await self.heard(bob, "two")
        await alice.wait_for(SecurityNotice, effect=DevicesGone("bob", ("bob/phone",)))
        sessions = {said.seal.ciphertext.split(".")[1] for said in (first, second)}
        self.assertEqual(len(sessions), 2)
        self.assertNotIn("two", [event.text for event in phone.events if isinstance(event, Said)])

    async def test_history_on_the_same_device(self) -> None:
        alice, bob = await self.meet()
        alice.say("said before")
        await self.heard(bob, "said before")
        await self.leave(bob)
        alice.say("said meanwhile")
        await self.heard(alice, "said meanwhile")
        bob = self.person("bob")
        await bob.join()
        await until(reactor, lambda: bob.client.earlier("#room", None))
        page = await bob.wait_for(Earlier)
        texts = [event.text for event in page.messages if isinstance(event, Said)]
        self.assertIn("said before", texts)
        found = [
            event
            for event in (*bob.events, *page.messages)
            if isinstance(event, Said | Unsealed) and "said meanwhile" in str(event)
        ]
        self.assertTrue(found)
        newcomer = self.person("bob", "phone")
        await newcomer.join()
        await until(reactor, lambda: newcomer.client.earlier("#room", None))
        page = await newcomer.wait_for(Earlier)
        self.assertNotIn("said before", str(page))
        self.assertIn("no key", str(page))

    async def test_a_second_program_with_the_same_device(self) -> None:
        alice, bob = await self.meet()
        alice.say("once")
        await self.heard(bob, "once")
        files = self.home.device("bob")
        choice = Choice(
            host=f"localhost:{self.server.port}", certificate=files.pem, authority=files.ca
        )
        sealing = open_sealing(choose(choice, Path("nowhere")), self.data)
        self.assertIn("another program has", sealing.why_not)
        second = Person(files, self.server.port, sealing=sealing)
        self.addCleanup(second.client.stop)
        await second.join()
        alice.say("twice")
        said = await second.wait_for(Said, sender="alice")
        self.assertIn("another program has", said.text)
        name = second.say("in plain text")
        refused = await second.wait_for(NotSent, name=name)
        self.assertIn("another program has", refused.reason)

    async def test_two_people_compare(self) -> None:
        alice, bob = await self.meet()
        alice.say("hello")
        await self.heard(bob, "hello")
        bob.say("hello too")
        await self.heard(alice, "hello too")
        device = Identity("bob", "laptop")
        alice.client.protect(lambda engine: engine.verify(device))
        asked = await self.noticed(bob, VerificationAsked)
        bob.client.protect(lambda engine: engine.verify_accept(asked.effect.id))
        shown = [(await self.noticed(person, Compare)).effect for person in (alice, bob)]
        self.assertEqual(shown[0].emojis, shown[1].emojis)
        for person in (alice, bob):
            person.client.protect(lambda engine: engine.verify_confirm(asked.effect.id))
        for person in (alice, bob):
            await self.noticed(person, Verified)
        bob.say("verified")
        said = await self.heard(alice, "verified")
        self.assertTrue(said.seal.is_verified)
        self.assertTrue(alice.client.sealing.protection("#room").is_verified)
