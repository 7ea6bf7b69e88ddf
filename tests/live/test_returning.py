"""Our clients over a server that is killed while people talk: all arrives, once, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet import reactor as installed
from twisted.trial.unittest import TestCase

from chat.client.client import Client
from chat.client.events import ClientEvent, Disconnected, Names, Registered, Said
from chat.client.profile import Choice, choose
from chat.irc.message import Message
from tests.client.fake import until
from tests.support.servers import Server, make_home

reactor: Any = installed


@define
class Person:
    """One client, and what it was told."""

    account: str
    client: Client = field(init=False)
    events: list[ClientEvent] = field(factory=list)

    def say(self, target: str, *texts: str) -> None:
        for text in texts:
            self.client.deliver(Message("PRIVMSG", (target, text)))

    def texts(self, room: str) -> list[str]:
        return [
            event.text for event in self.events if isinstance(event, Said) and event.room == room
        ]

    def replayed(self) -> set[str]:
        return {event.text for event in self.events if isinstance(event, Said) and event.replayed}

    def count(self, kind: type[ClientEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


class ReturningTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(accounts='password = "optional"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()
        self.home.configure(listen=f'tls = ["127.0.0.1:{self.server.port}"]')

    async def enter(self, account: str, jitter: float) -> Person:
        """Return somebody in the room, who returns to it by themselves, sooner or later."""
        device = self.home.device(account)
        choice = Choice(str(device.directory), f"localhost:{self.server.port}")
        profile = choose(choice, Path("nowhere"))
        person = Person(account)
        person.client = Client(profile, person.events.append, reactor, jitter=lambda: jitter)
        person.client.start()
        self.addCleanup(person.client.stop)
        await until(reactor, lambda: person.count(Registered))
        person.client.deliver(Message("JOIN", ("#room",)))
        await until(reactor, lambda: person.count(Names))
        return person

    async def test_the_server_is_killed_while_people_talk(self) -> None:
        alice, bob = await self.enter("alice", 0.0), await self.enter("bob", 1_000.0)
        alice.say("#room", "before")
        await until(reactor, lambda: bob.texts("#room"))
        under_way = [f"under way {number}" for number in range(20)]
        offline = [f"offline {number}" for number in range(20)]
        alice.say("#room", *under_way)
        self.server.kill()
        await until(reactor, lambda: alice.count(Disconnected) and bob.count(Disconnected))
        alice.say("#room", *offline)
        alice.say("bob", "between us")
        self.server.start()
        await until(reactor, lambda: alice.client.is_idle)
        # Bob is back when it is all said, and has it from the history.
        await bob.client.stop()
        bob.client.start()
        everything = ["before", *under_way, *offline]
        await until(
            reactor, lambda: bob.texts("alice") and len(bob.texts("#room")) >= len(everything)
        )
        self.assertEqual(bob.texts("#room"), everything)
        self.assertEqual(alice.texts("#room"), everything)
        self.assertEqual(bob.texts("alice"), ["between us"])
        self.assertLessEqual({*offline, "between us"}, bob.replayed())
