"""The client's state by lists: lines in, lines and events out."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.client.events import (
    Answered,
    ClientEvent,
    Disconnected,
    Invited,
    JoinedRoom,
    LeftNetwork,
    LeftRoom,
    Manner,
    Names,
    PasswordWanted,
    Refused,
    Registered,
    Rejected,
    Renamed,
    RoomListed,
    Said,
    ServerNotice,
    TopicIs,
    WhoisLine,
    WhoLine,
)
from chat.client.registration import TRANSITIONS, Identity, Phase, Step
from chat.client.state import ClientState
from chat.irc.message import parse, serialize

OFFER = ":s CAP * LS :server-time echo-message sasl=PLAIN,EXTERNAL draft/unheard-of"
ASKED = "echo-message sasl server-time"


class Driver:
    """A state that is fed lines and asked for lines."""

    def __init__(self, password: str | None = None, rejoin: dict[str, str] | None = None) -> None:
        self.state = ClientState(Identity("alice", "alice", "Alice", password), rejoin)

    def feed(self, *lines: str) -> list[ClientEvent]:
        return [event for line in lines for event in self.state.receive(parse(line.encode()))]

    def sent(self) -> list[str]:
        return [serialize(message).decode() for message in self.state.to_send()]

    def online(self, offer: str = OFFER) -> Driver:
        self.state.open()
        self.feed(
            offer, f":s CAP * ACK :{ASKED}", "AUTHENTICATE +", ":s 903 * :ok", ":s 001 alice :Hi"
        )
        self.sent()
        return self


class RegistrationTest(SynchronousTestCase):
    def test_external(self) -> None:
        """CAP LS 302, what is wanted and there, SASL EXTERNAL, CAP END, in this order."""
        driver = Driver()
        driver.state.open()
        self.assertEqual(driver.sent(), ["CAP LS 302", "NICK alice", "USER alice 0 * Alice"])
        self.assertEqual(driver.feed(OFFER), [])
        self.assertEqual(driver.sent(), [f"CAP REQ :{ASKED}"])
        driver.feed(f":s CAP * ACK :{ASKED}")
        self.assertEqual(driver.sent(), ["AUTHENTICATE EXTERNAL"])
        driver.feed("AUTHENTICATE +")
        self.assertEqual(driver.sent(), ["AUTHENTICATE +"])
        driver.feed(":s 900 * alice!u@h alice :You are logged in", ":s 903 * :ok")
        self.assertEqual(driver.sent(), ["CAP END"])
        self.assertEqual(driver.feed(":s 001 alice :Welcome"), [Registered("alice", "alice")])
        self.assertIs(driver.state.phase, Phase.ONLINE)

    def test_password_means_plain(self) -> None:
        driver = Driver(password="secret")
        driver.state.open()
        driver.feed(OFFER, f":s CAP * ACK :{ASKED}", "AUTHENTICATE +")
        self.assertEqual(
            driver.sent()[-2:], ["AUTHENTICATE PLAIN", "AUTHENTICATE AGFsaWNlAHNlY3JldA=="]
        )

    def test_plain_only_and_no_password(self) -> None:
        driver = Driver()
        driver.state.open()
        events = driver.feed(":s CAP * LS :sasl=PLAIN", ":s CAP * ACK :sasl")
        self.assertEqual(events, [PasswordWanted("alice")])
        self.assertIs(driver.state.phase, Phase.REJECTED)

    def test_wrong_password_is_final(self) -> None:
        driver = Driver(password="wrong")
        driver.state.open()
        driver.feed(OFFER, f":s CAP * ACK :{ASKED}", "AUTHENTICATE +")
        (event,) = driver.feed(":s 904 * :SASL authentication failed")
        self.assertIsInstance(event, Rejected)
        self.assertIn("SASL authentication failed", event.cause)
        self.assertNotIn("wrong", repr(driver.state.registration.identity))
        self.assertEqual(driver.state.close("gone"), [])

    def test_database_away_is_not_final(self) -> None:
        driver = Driver(password="secret")
        driver.state.open()
        driver.feed(OFFER, f":s CAP * ACK :{ASKED}", "AUTHENTICATE +")
        events = driver.feed(":s FAIL AUTHENTICATE TEMPORARILY_UNAVAILABLE :Later")
        self.assertEqual(events, [Disconnected("Later")])

    def test_list_over_several_lines(self) -> None:
        """Capability negotiation: an asterisk before the names says that more follow."""
        driver = Driver()
        driver.state.open()
        driver.sent()
        driver.feed(":s CAP * LS * :batch")
        self.assertEqual(driver.sent(), [])
        driver.feed(":s CAP * LS :server-time")
        self.assertEqual(driver.sent(), ["CAP REQ :batch server-time"])

    def test_server_without_capabilities(self) -> None:
        driver = Driver()
        driver.state.open()
        driver.feed(":s 421 * CAP :Unknown command")
        self.assertEqual(driver.feed(":s 001 alice :Hi"), [Registered("alice", None)])

    def test_nak(self) -> None:
        driver = Driver()
        driver.state.open()
        driver.sent()
        driver.feed(":s CAP * LS :batch", ":s CAP * NAK :batch")
        self.assertEqual(driver.sent(), ["CAP REQ batch", "CAP END"])

    def test_nickname_taken(self) -> None:
        driver = Driver()
        driver.state.open()
        driver.sent()
        self.assertEqual(driver.feed(":s 433 * alice :Nickname is already in use"), [])
        self.assertEqual(driver.sent(), ["NICK alice_"])
        driver.feed(*[":s 433 * x :In use"] * 2)
        self.assertIsInstance(driver.feed(":s 433 * x :In use")[0], Rejected)

    def test_new_capabilities(self) -> None:
        driver = Driver().online()
        driver.feed(":s CAP alice NEW :batch")
        self.assertEqual(driver.sent(), ["CAP REQ batch"])
        driver.feed(":s CAP alice ACK :batch")
        self.assertIn("batch", driver.state.registration.capabilities)
        driver.feed(":s CAP alice DEL :batch")
        self.assertNotIn("batch", driver.state.registration.capabilities)

    def test_out_of_turn(self) -> None:
        """What a server sends out of turn changes nothing."""
        driver = Driver().online()
        driver.feed("AUTHENTICATE +", ":s 903 * :ok", ":s 904 * :no", ":s CAP * ACK :sasl")
        self.assertEqual(driver.sent(), [])
        self.assertIs(driver.state.phase, Phase.ONLINE)

    def test_rejected_and_closed_are_the_end(self) -> None:
        final = {Phase.REJECTED, Phase.CLOSED}
        self.assertEqual([pair for pair in TRANSITIONS if pair[0] in final], [])
        self.assertEqual(
            {phase for phase, step in TRANSITIONS if step is Step.LOST}, set(Phase) - final
        )


class RoomTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = Driver().online()
        self.driver.feed(
            ":s 005 alice CASEMAPPING=ascii PREFIX=(ov)@+ CHANTYPES=# :are supported",
            ":alice!u@host JOIN #Lab",
            ":s 353 alice = #lab :@+bob carol!c@h",
            ":s 353 alice = #lab :alice",
        )

    def members(self) -> list[str]:
        room = self.driver.state.rooms.get("#LAB")
        assert room is not None
        return sorted(member.prefixes + member.nick for member in room.members.values())

    def test_names(self) -> None:
        events = self.driver.feed(":s 366 alice #lab :End of /NAMES list")
        self.assertEqual(events, [Names("#lab", ("@+bob", "carol!c@h", "alice"))])
        self.assertEqual(self.members(), ["@+bob", "alice", "carol"])

    def test_members_come_and_go(self) -> None:
        self.driver.feed(":s 366 alice #lab :End")
        events = self.driver.feed(
            ":dave!d@h JOIN #lab dave :Dave",
            ":bob!b@h MODE #lab -o+v bob carol",
            ":bob!b@h NICK rob",
            ":carol!c@h PART #lab :bye",
            ":dave!d@h QUIT :gone",
        )
        self.assertEqual(events[0], JoinedRoom("#lab", "dave", False))
        self.assertEqual(events[2], Renamed("bob", "rob", False))
        self.assertEqual(events[3], LeftRoom("#lab", "carol", False, "bye"))
        self.assertEqual(events[4], LeftNetwork("dave", ("#Lab",), "gone"))
        self.assertEqual(self.members(), ["+rob", "alice"])

    def test_kicked(self) -> None:
        events = self.driver.feed(":bob!b@h KICK #lab alice :enough")
        self.assertEqual(events, [LeftRoom("#lab", "alice", True, "enough", "bob")])
        self.assertIsNone(self.driver.state.rooms.get("#lab"))
        self.assertEqual(self.driver.state.rejoin, {})

    def test_topic(self) -> None:
        events = self.driver.feed(":s 332 alice #lab :old", ":bob!b@h TOPIC #lab :new")
        self.assertEqual(events, [TopicIs("#lab", "old"), TopicIs("#lab", "new", "bob")])
        room = self.driver.state.rooms.get("#lab")
        assert room is not None
        self.assertEqual(room.topic, "new")

    def test_rejoin(self) -> None:
        """The next connection joins the same rooms, with their keys."""
        self.driver.state.send(parse(b"JOIN #vault key"))
        self.driver.feed(":alice!u@host JOIN #vault")
        again = Driver(rejoin=self.driver.state.rejoin)
        again.state.open()
        again.feed(OFFER, f":s CAP * ACK :{ASKED}", "AUTHENTICATE +", ":s 903 * :ok")
        again.sent()
        again.feed(":s 001 alice :Hi")
        self.assertEqual(again.sent(), ["JOIN #Lab", "JOIN #vault key"])

    def test_source_is_learnt(self) -> None:
        self.assertEqual(self.driver.state.source_length(), len("alice!u@host"))
        self.driver.feed(":alice!u@host NICK al")
        self.assertEqual((self.driver.state.nick, self.driver.state.source), ("al", "al!u@host"))


class MessageTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = Driver().online()

    def test_said(self) -> None:
        room, direct, action, own = self.driver.feed(
            "@time=2026-01-02T03:04:05.000Z :bob!b@h PRIVMSG #lab :hello",
            ":bob!b@h PRIVMSG alice :psst",
            ":bob!b@h PRIVMSG #lab :\x01ACTION waves\x01",
            ":alice!u@h PRIVMSG bob :from my other device",
        )
        assert isinstance(room, Said) and room.time is not None
        self.assertEqual(room.time.isoformat(), "2026-01-02T03:04:05+00:00")
        self.assertEqual(direct, Said("bob", "bob", "psst", Manner.MESSAGE, False))
        self.assertEqual(action, Said("#lab", "bob", "waves", Manner.ACTION, False))
        self.assertEqual(own, Said("bob", "alice", "from my other device", Manner.MESSAGE, True))

    def test_no_double_echo(self) -> None:
        """With echo-message the server tells what we said, and else we do."""
        message = parse(b"PRIVMSG #lab :hi")
        self.assertEqual(self.driver.state.send(message), [])
        bare = Driver()
        bare.state.open()
        bare.feed(":s 001 alice :Hi")
        said = [Said("#lab", "alice", "hi", Manner.MESSAGE, True)]
        self.assertEqual(bare.state.send(message), said)

    def test_ctcp_is_not_said(self) -> None:
        self.assertEqual(self.driver.feed(":bob!b@h PRIVMSG alice :\x01VERSION\x01"), [])

    def test_ping(self) -> None:
        self.assertEqual(self.driver.feed("PING :tok en"), [])
        self.assertEqual(self.driver.sent(), ["PONG :tok en"])
        self.assertEqual(self.driver.feed(":s PONG s 7"), [Answered("7")])

    def test_answers(self) -> None:
        self.assertEqual(
            self.driver.feed(
                ":s 311 alice bob b host * :Bob",
                ":s 330 alice bob robert :is logged in as",
                ":s 318 alice bob :End of /WHOIS list",
                ":s 352 alice #lab b host s bob H@ :0 Bob B",
                ":s 322 alice #lab 3 :topic",
                ":s 404 alice #lab :Cannot send to channel",
                ":s FAIL JOIN SOME_CODE #lab :No",
                ":s 311 alice",
                ":s 372 alice :- hello",
                ":s 367 alice #lab m!*@* bob!b@h 1795289612",
                ":s 367 alice #lab m!*@*",
                ":s 368 alice #lab :End of channel ban list",
                ":s 323 alice :End of /LIST",
            ),
            [
                WhoisLine("bob", "(b@host): Bob"),
                WhoisLine("bob", "is logged in as robert"),
                WhoLine("bob", "(b@host) H@ #lab: Bob B"),
                RoomListed("#lab", "3", "topic"),
                Refused("404", ("#lab",), "Cannot send to channel"),
                Refused("SOME_CODE", ("#lab",), "No"),
                ServerNotice("- hello"),
                ServerNotice("#lab bans m!*@*, set by bob on 2026-11-21"),
                ServerNotice("#lab bans m!*@*"),
                ServerNotice("these are all the bans of #lab"),
                ServerNotice("these are all the rooms that there are"),
            ],
        )

    def test_who_invites_is_told_once(self) -> None:
        told = [Invited("#lab", "bob", "alice")]
        for capabilities, expected in ((":s CAP alice ACK :invite-notify", []), ("PING x", told)):
            driver = Driver().online()
            driver.feed(capabilities, ":alice!u@h JOIN #lab")
            answer = ":s 341 alice bob #lab"
            self.assertEqual(driver.feed(answer), [Invited("#lab", "bob", "")])
            self.assertEqual(driver.feed(":alice!u@h INVITE bob #lab"), expected)
            # Another device of ours has invited, or somebody else.
            for by in ("alice", "carol"):
                events = driver.feed(f":{by}!u@h INVITE Bob #lab")
                self.assertEqual(events, [Invited("#lab", "Bob", by)])

    def test_too_few_parameters(self) -> None:
        lines = ("JOIN", "PART", ":b KICK #x", ":b MODE #x", "NICK", ":b TOPIC #x", "PRIVMSG #x")
        self.assertEqual(self.driver.feed(*lines, "INVITE a", "CAP", "CAP * LS", "FAIL", "005"), [])

    def test_error_is_told_once(self) -> None:
        self.assertEqual(self.driver.feed("ERROR :shutting down"), [Disconnected("shutting down")])
        self.assertEqual(self.driver.state.close("lost"), [])
