"""Our client library on our server: what a console does beside talking."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from chat.client.annotating import react, redact, reply, unreact
from chat.client.events import (
    AwayChanged,
    Earlier,
    Gap,
    NotSent,
    Reacted,
    ReadUpTo,
    Redacted,
    Refused,
    Said,
    Typing,
    Waiting,
)
from chat.irc.message import Message
from tests.client.fake import until
from tests.live.person import Person
from tests.support.servers import Server, make_home

reactor: Any = installed


class ClientTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(accounts='password = "optional"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def person(self, account: str, device: str = "laptop", **more: Any) -> Person:
        person = Person(self.home.device(account, device), self.server.port, **more)
        self.addCleanup(person.client.stop)
        return person

    async def meet(self) -> tuple[Person, Person]:
        people = self.person("alice"), self.person("bob")
        for person in people:
            await person.join()
        return people

    async def earlier(self, person: Person, before: Said | None, room: str = "#room") -> Earlier:
        person.events.clear()
        await until(reactor, lambda: person.client.earlier(room, before))
        event = await person.wait_for(Earlier)
        assert isinstance(event, Earlier)
        return event

    async def test_scrolling_back(self) -> None:
        alice, bob = await self.meet()
        names = [bob.say(f"n{number}") for number in range(150)]
        heard = await alice.wait_for(Said, text="n149")
        await bob.wait_for(Said, name=names[-1])
        page = await self.earlier(alice, heard)
        texts = [event.text for event in page.messages if isinstance(event, Said)]
        self.assertEqual((texts[0], texts[-1], page.is_end), ("n49", "n148", False))
        oldest = page.messages[0]
        assert isinstance(oldest, Said)
        page = await self.earlier(alice, oldest)
        texts = [event.text for event in page.messages if isinstance(event, Said)]
        self.assertEqual((texts[0], texts[-1]), ("n0", "n48"))
        # Where the console has no message it begins with the latest.
        self.assertEqual(len((await self.earlier(alice, None)).messages), 100)
        self.assertTrue((await self.earlier(alice, None, "#nowhere")).is_end)

    async def test_messages_about_messages(self) -> None:
        alice, bob = await self.meet()
        alice.say("hello")
        heard = await bob.wait_for(Said, text="hello")
        answer = bob.client.deliver(reply(Message("PRIVMSG", ("#room", "two\nlines")), heard.msgid))
        self.assertEqual((await bob.wait_for(Waiting, name=answer)).reply_to, heard.msgid)
        told = await alice.wait_for(Said, sender="bob")
        self.assertEqual((told.text, told.reply_to), ("two\nlines", heard.msgid))
        bob.client.deliver(react("#room", heard.msgid, "+1"))
        await alice.wait_for(Reacted, nick="bob", text="hello", removed=False)
        page = await self.earlier(alice, None)
        reactions = [event for event in page.messages if isinstance(event, Reacted)]
        self.assertEqual(
            [(e.nick, e.reaction, e.text) for e in reactions], [("bob", "+1", "hello")]
        )
        bob.client.deliver(unreact("#room", heard.msgid, "+1"))
        await alice.wait_for(Reacted, nick="bob", removed=True)
        # What is somebody else's is not taken back, and the refusal says which it is of.
        refused = bob.client.deliver(redact("#room", heard.msgid))
        event = await bob.wait_for(Refused)
        self.assertEqual((event.label, event.context), (refused, ("#room",)))
        alice.client.deliver(redact("#room", heard.msgid, "mistake"))
        event = await bob.wait_for(Redacted)
        self.assertEqual(
            (event.msgid, event.sender, event.reason), (heard.msgid, "alice", "mistake")
        )
        page = await self.earlier(alice, None)
        self.assertEqual([e.text for e in page.messages if isinstance(e, Said)], ["two\nlines"])

    async def test_a_notice_to_nobody(self) -> None:
        """Modern IRC: servers say nothing of it; labeled-response has them say that."""
        alice, _ = await self.meet()
        name = alice.client.deliver(Message("NOTICE", ("nobody", "hi")))
        await alice.wait_for(NotSent, name=name, room="nobody", text="hi")

    async def test_what_two_devices_have_read(self) -> None:
        alice, bob = await self.meet()
        phone = self.person("alice", "phone")
        await phone.join()
        bob.say("hello")
        heard = await alice.wait_for(Said, text="hello")
        bob.say("between us", "alice")
        direct = await alice.wait_for(Said, text="between us")
        alice.client.read("#room", heard.time)
        alice.client.read("bob", direct.time)
        await phone.wait_for(ReadUpTo, room="bob", read=direct.time)
        await phone.wait_for(ReadUpTo, room="#room", read=heard.time)

    async def test_who_types_and_who_is_away(self) -> None:
        bob = self.person("bob")
        await bob.join()
        bob.client.deliver(Message("AWAY", ("lunch",)))
        await bob.wait_for(AwayChanged, own=True, away=True)
        assert bob.client.state is not None
        self.assertTrue(bob.client.state.away)
        alice = self.person("alice")
        await alice.join()
        await alice.wait_for(AwayChanged, nick="bob", away=True)
        bob.client.typing("#room", active=True)
        await alice.wait_for(Typing, nick="bob", room="#room")
        self.assertEqual([e for e in alice.events if isinstance(e, Refused)], [])

    async def test_it_begins_where_another_process_ended(self) -> None:
        alice, bob = await self.meet()
        bob.say("before")
        heard = await alice.wait_for(Said, text="before")
        await until(reactor, lambda: alice.client.memory.heard)
        memory = alice.client.memory
        await alice.client.stop()
        bob.say("missed")
        missed = await bob.wait_for(Said, text="missed")
        bob.client.deliver(react("#room", heard.msgid, "+1"))
        bob.client.deliver(react("#room", missed.msgid, "+2"))
        bob.say("in private", "alice")
        await until(reactor, lambda: bob.client.is_idle)
        again = self.person("alice", memory=memory, rooms={"#room": ""})
        await again.wait_for(Reacted, reaction="+2", text="missed")
        await again.wait_for(Said, text="in private", room="bob", replayed=True)
        texts = [event.text for event in again.events if isinstance(event, Said)]
        self.assertEqual(sorted(texts), ["in private", "missed"])
        await again.wait_for(Reacted, reaction="+1", text="before")
        self.assertEqual([e for e in again.events if isinstance(e, Gap | Refused)], [])
