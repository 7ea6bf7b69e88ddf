"""Who is away in a room that was joined just now."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import AwayChanged, ClientEvent, Names, ServerNotice
from chat.client.presence import MOST_MEMBERS
from tests.client.connections import JOIN, Connection

WHOX = ":s 005 alice WHOX :are supported"
ASKED = "WHO #lab %tcnfa,733"


class PresenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.connection = Connection(offer="away-notify")
        self.connection.feed(WHOX)
        self.connection.sent()

    def join(self, room: str = "#lab", names: str = "alice @bob carol") -> list[ClientEvent]:
        return self.connection.feed(
            JOIN.replace("#lab", room),
            f":s 353 alice = {room} :{names}",
            f":s 366 alice {room} :End of /NAMES list",
        )

    def who(self, *words: str) -> list[ClientEvent]:
        rows = (f":s 354 alice 733 #lab {word}" for word in words)
        return self.connection.feed(*rows, ":s 315 alice #lab :End of /WHO list")

    def members(self) -> dict[str, tuple[bool, str | None]]:
        room = self.connection.state.rooms.get("#lab")
        assert room is not None
        return {nick: (one.away, one.account) for nick, one in room.members.items()}

    def test_who_is_away(self) -> None:
        self.join()
        self.assertEqual(self.connection.sent(), [ASKED])
        events = self.who("alice H alice", "bob G@ rob", "carol H+ 0", "stranger G 0")
        self.assertEqual(events, [AwayChanged("bob", True, False)])
        self.assertEqual(
            self.members(),
            {"alice": (False, "alice"), "bob": (True, "rob"), "carol": (False, None)},
        )

    def test_we_ourselves(self) -> None:
        """A server may have us away from the beginning, as it had us before."""
        self.join()
        self.assertFalse(self.connection.state.away)
        self.assertEqual(self.who("alice G alice"), [AwayChanged("alice", True, True)])
        self.assertTrue(self.connection.state.away)
        self.connection.feed(":s 305 alice :You are back")
        self.assertFalse(self.connection.state.away)
        self.connection.feed(":s 306 alice :You are away")
        self.assertTrue(self.connection.state.away)

    def test_one_room_after_the_other_and_each_once(self) -> None:
        self.join()
        self.join("#two")
        self.assertEqual(self.connection.sent(), [ASKED])
        self.who()
        self.assertEqual(self.connection.sent(), [ASKED.replace("#lab", "#two")])
        self.connection.feed(":s 353 alice = #lab :alice", ":s 366 alice #lab :End")
        self.connection.feed(":s 315 alice #two :End")
        self.assertEqual(self.connection.sent(), [])

    def test_what_somebody_asked_for_is_told(self) -> None:
        self.join()
        events = self.connection.feed(":s 354 alice 1 #lab bob G", ":s 354 alice 733 #lab")
        self.assertEqual(events, [ServerNotice("1 #lab bob G")])

    def test_a_large_room_is_not_asked_about(self) -> None:
        for first in range(0, MOST_MEMBERS, 50):
            names = " ".join(f"n{number}" for number in range(first, first + 50))
            self.connection.feed(f":s 353 alice = #lab :{names}")
        events = self.join()
        self.assertIsInstance(events[-1], Names)
        self.assertEqual(self.connection.sent(), [])

    def test_servers_that_could_not_say_more_later(self) -> None:
        for offer, words in (("server-time", [WHOX]), ("away-notify", [])):
            self.connection = Connection(offer=offer)
            self.connection.feed(*words)
            self.connection.sent()
            self.join()
            self.assertEqual(self.connection.sent(), [])
