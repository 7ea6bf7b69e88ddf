"""Our console and client on servers of others: Debian's ngIRCd and InspIRCd."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from chat.client.annotating import react, reply
from chat.client.events import (
    Disconnected,
    JoinedRoom,
    Manner,
    NotSent,
    Reacted,
    Refused,
    Said,
    Waiting,
)
from chat.client.outgoing import NotTakenError
from chat.irc.message import Message
from tests.live.person import Person
from tests.live.test_programs import Console
from tests.support.others import INSPIRCD, INSPIRCD_ECHOING, NGIRCD, Kind, OtherServer
from tests.support.servers import make_home

reactor: Any = installed


class OtherServerTestCase(TestCase):
    def start(self, kind: Kind) -> None:
        self.home = make_home()
        self.server = OtherServer.make(kind, self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()


class ConsoleTests(OtherServerTestCase):
    def launch(self, account: str) -> Console:
        console = Console(
            [
                str(Path(sys.executable).with_name("securechat")), "connect", "--plain",
                f"localhost:{self.server.port}",
                "--dir", str(self.home.device(account).directory),
            ],
            Path(self.mktemp()),
        )  # fmt: skip
        self.addCleanup(console.end)
        return console

    def assert_talks(self, kind: Kind) -> None:
        self.start(kind)
        alice, bob = self.launch("alice"), self.launch("bob")
        for console in (alice, bob):
            console.wait_for("welcome: you are")
            console.type("/join #room")
            console.wait_for("#room -- here are")
        alice.type("hello from the console")
        bob.wait_for("#room <alice> hello from the console")
        alice.wait_for("#room <alice> hello from the console")
        bob.type("/msg alice between us")
        alice.wait_for("<bob> between us")
        self.server.kill()
        for console in (alice, bob):
            console.wait_for("disconnected")
        # What is typed meanwhile is read when it can be sent.
        alice.type("said to nobody")
        self.server.start()
        for console in (alice, bob):
            console.wait_for("welcome: you are", times=2)
            console.wait_for("#room -- here are", times=2)
        alice.wait_for("#room <alice> said to nobody")
        bob.type("here again")
        alice.wait_for("#room <bob> here again")
        self.assertEqual(bob.end(), 0)
        self.assertEqual(alice.end(), 0)

    def test_ngircd(self) -> None:
        self.assert_talks(NGIRCD)

    def test_inspircd(self) -> None:
        self.assert_talks(INSPIRCD)


class ClientTests(OtherServerTestCase):
    def person(self, account: str) -> Person:
        person = Person(self.home.device(account), self.server.port)
        self.addCleanup(person.client.stop)
        return person

    async def meet(self, kind: Kind) -> tuple[Person, Person]:
        self.start(kind)
        people = self.person("alice"), self.person("bob")
        for person in people:
            await person.join()
        return people

    async def assert_talks(self, kind: Kind) -> None:
        """Every message has an end, in the order in which they were said."""
        alice, bob = await self.meet(kind)
        self.assertFalse(alice.client.earlier("#room", None))
        names = [alice.say(text) for text in ("one", "two\nthree", "four")]
        await bob.wait_for(Said, text="four")
        await alice.wait_for(Said, name=names[-1])
        taken = [event.name for event in alice.events if isinstance(event, Waiting)]
        said = [event.name for event in alice.events if isinstance(event, Said) and event.name]
        self.assertEqual((taken, said), (names, names))
        texts = [event.text for event in bob.events if isinstance(event, Said)]
        self.assertEqual(texts, ["one", "two", "three", "four"])
        self.assertEqual([e for e in alice.events if isinstance(e, Refused)], [])
        # A refusal is of its message.
        lost = alice.say("anybody?", "nobody")
        event = await alice.wait_for(NotSent)
        self.assertEqual((event.name, event.room, event.text), (lost, "nobody", "anybody?"))
        # A reply is one where it can be, and a message everywhere.
        alice.client.deliver(reply(Message("PRIVMSG", ("#room", "yes")), "unheard-of"))
        await bob.wait_for(Said, text="yes")
        alice.client.typing("#room", active=True)
        alice.client.read("#room", datetime(2026, 1, 1, tzinfo=UTC))
        self.server.kill()
        await alice.wait_for(Disconnected)
        waiting = alice.say("from alone")
        self.assertTrue((await alice.wait_for(Waiting, name=waiting)).offline)
        alice.events.clear()
        bob.events.clear()
        self.server.start()
        await bob.wait_for(JoinedRoom, room="#room", own=True)
        await alice.wait_for(Said, name=waiting)
        alice.say("again")
        await bob.wait_for(Said, text="again", manner=Manner.MESSAGE)

    async def test_ngircd(self) -> None:
        await self.assert_talks(NGIRCD)

    async def test_inspircd(self) -> None:
        await self.assert_talks(INSPIRCD)

    async def test_inspircd_with_echoes_alone(self) -> None:
        await self.assert_talks(INSPIRCD_ECHOING)

    async def test_reactions(self) -> None:
        alice, bob = await self.meet(INSPIRCD)
        alice.say("hello")
        heard = await bob.wait_for(Said, text="hello")
        bob.client.deliver(react("#room", heard.msgid, "+1"))
        event = await alice.wait_for(Reacted, reaction="+1")
        self.assertEqual((event.nick, event.text), ("bob", "hello"))

    async def test_no_reactions(self) -> None:
        alice, _ = await self.meet(NGIRCD)
        with self.assertRaisesRegex(NotTakenError, "passes no such thing on"):
            alice.client.deliver(react("#room", "m", "+1"))
