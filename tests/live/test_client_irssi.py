"""What a person does with irssi: it happens, and is shown in the window where it belongs."""

from __future__ import annotations

from tests.live.irc import IRC
from tests.live.test_programs import IrssiTestCase, Step

STATUS, ROOM = IrssiTestCase.STATUS, IrssiTestCase.ROOM


class UsedIrssiTests(IrssiTestCase):
    def enter(self) -> IRC:
        self.start(accounts='nickname = "any"')
        self.launch_with_a_password()
        self.join()
        bob = self.bob_joins()
        self.wait_in(ROOM, "bob [bob@127.0.0.1] has joined #room")
        return bob

    def test_rules_a_room(self) -> None:
        bob = self.enter()
        self.walk(
            bob,
            Step("/mode +m", r"alice!\S+ MODE #room \+m$", ("mode/#room [+m] by alice",), ROOM),
        )
        bob.send("PRIVMSG #room :may I?")
        bob.expect(r"\S+ 404 bob #room ")
        self.walk(
            bob,
            Step(
                "/mode +o bob",
                r"alice!\S+ MODE #room \+o bob$",
                ("mode/#room [+o bob] by alice",),
                ROOM,
            ),
        )
        bob.send("PRIVMSG #room :now I may")
        self.wait_in(ROOM, "bob> now I may")
        self.walk(
            bob,
            Step(
                "/topic what lasts",
                r"alice!\S+ TOPIC #room :what lasts$",
                ("alice changed the topic of #room to: what lasts",),
                ROOM,
            ),
            Step(
                "/deop bob",
                r"alice!\S+ MODE #room -o bob$",
                ("mode/#room [-o bob] by alice",),
                ROOM,
            ),
            Step(
                "/ban bob",
                r"alice!\S+ MODE #room \+b \*!\*bob@127\.0\.0\.\*$",
                ("mode/#room [+b *!*bob@127.0.0.*] by alice",),
                ROOM,
            ),
            Step(
                "/kick bob enough of you",
                r"alice!\S+ KICK #room bob :enough of you$",
                ("bob was kicked from #room by alice [enough of you]",),
                ROOM,
            ),
        )
        bob.send("JOIN #room")
        bob.expect(r"\S+ 474 bob #room ")
        self.walk(
            bob,
            Step("/ban", None, ("#room: ban *!*bob@127.0.0.*",), ROOM),
            Step("/mode +b", None, ("#room: ban *!*bob@127.0.0.*",), ROOM),
            Step("/unban 1", None, ("mode/#room [-b *!*bob@127.0.0.*] by alice",), ROOM),
        )
        bob.send("JOIN #room")
        bob.expect(r"bob!\S+ JOIN #room$")
        bob.expect(r"\S+ 332 bob #room :what lasts$")
        self.wait_in(ROOM, "bob [bob@127.0.0.1] has joined #room")

    def test_looks_around(self) -> None:
        bob = self.enter()
        bob.exchange("AWAY :at lunch")
        self.walk(
            bob,
            Step("/topic what lasts", r"alice!\S+ TOPIC ", ("changed the topic",), ROOM),
            Step(
                "/whois bob",
                None,
                (
                    "bob [bob@127.0.0.1]",
                    "ircname  : Bob",
                    "channels : #room",
                    "account  : bob",
                    "is using a secure connection",
                    "away     : at lunch",
                    "idle     : 0 days 0 hours 0 mins",
                    "End of WHOIS",
                ),
                STATUS,
            ),
            Step("/whois nobody", None, ("There is no such nick nobody",), STATUS),
            Step("/list -yes", None, ("#room 2 what lasts", "End of LIST"), STATUS),
            Step("/away gone fishing", None, ("You have been marked as being away",), STATUS),
        )
        bob.send("WHOIS alice")
        bob.expect(r"\S+ 301 bob alice :gone fishing$")
        self.walk(
            bob,
            Step("/away", None, ("You are no longer marked as being away",), STATUS),
            Step("/nick alicia", r"alice!\S+ NICK :?alicia$", ("now known as alicia",), ROOM),
            Step("/nick bob", None, ("Nick bob is already in use",), STATUS),
        )
        for text in ("End of WHOIS", "End of LIST", "marked as being away"):
            self.assert_nowhere_else(STATUS, text)
        bob.send("PRIVMSG alicia :between us")
        bob.expect(r"bob!\S+ PRIVMSG alicia :between us$")
        self.type("/window goto active")
        self.wait_for("<bob> between us")

    def test_returns_when_the_server_does(self) -> None:
        bob = self.enter()
        self.walk(
            bob,
            Step("/nick alicia", r"alice!\S+ NICK :?alicia$", ("now known as alicia",), ROOM),
            Step("/topic what lasts", r"alicia!\S+ TOPIC ", ("changed the topic",), ROOM),
            Step("/mode +b eve", r"alicia!\S+ MODE #room \+b eve", ("[+b eve!*@*]",), ROOM),
        )
        self.kill_the_server()
        self.wait_in(STATUS, "Connection lost to localhost")
        self.server.start()
        self.wait_in(ROOM, "alicia", "has joined #room", "Topic for #room: what lasts", "synced")
        bob = self.bob_joins()
        self.walk(
            bob,
            Step("here again", r"alicia!\S+ PRIVMSG #room :here again$", ("here again",), ROOM),
            Step("/ban", None, ("#room: ban eve!*@*",), ROOM),
            Step("/mode +m", r"alicia!\S+ MODE #room \+m$", ("mode/#room [+m] by alicia",), ROOM),
        )
