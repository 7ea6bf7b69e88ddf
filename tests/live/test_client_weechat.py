"""What a person does with WeeChat: it happens, and is shown in the buffer where it belongs."""

from __future__ import annotations

from tests.live.irc import CAPABILITIES, IRC
from tests.live.test_programs import Step, WeeChatTestCase

SERVER, ROOM = WeeChatTestCase.SERVER, WeeChatTestCase.ROOM
BOB = "irc.chat.bob"


class UsedWeeChatTests(WeeChatTestCase):
    def enter(self) -> IRC:
        self.start(accounts='nickname = "any"')
        self.launch_with_a_password()
        self.wait_in(ROOM, "alice", "has joined #room")
        bob = self.bob_joins()
        self.wait_in(ROOM, "bob", "has joined #room")
        return bob

    def test_rules_a_room(self) -> None:
        bob = self.enter()
        self.walk(
            bob,
            Step("/mode +m", r"alice!\S+ MODE #room \+m$", ("Mode #room [+m] by alice",), ROOM),
        )
        bob.send("PRIVMSG #room :may I?")
        bob.expect(r"\S+ 404 bob #room ")
        self.walk(
            bob,
            Step(
                "/mode +o bob",
                r"alice!\S+ MODE #room \+o bob$",
                ("Mode #room [+o bob] by alice",),
                ROOM,
            ),
        )
        bob.send("PRIVMSG #room :now I may")
        self.wait_in(ROOM, "bob\tnow I may")
        self.walk(
            bob,
            Step(
                "/topic what lasts",
                r"alice!\S+ TOPIC #room :what lasts$",
                ('alice has changed topic for #room to "what lasts"',),
                ROOM,
            ),
            Step(
                "/deop bob",
                r"alice!\S+ MODE #room -o bob$",
                ("Mode #room [-o bob] by alice",),
                ROOM,
            ),
            Step(
                "/ban bob",
                r"alice!\S+ MODE #room \+b \*!bob@127\.0\.0\.1$",
                ("Mode #room [+b *!bob@127.0.0.1] by alice",),
                ROOM,
            ),
            Step(
                "/kick bob enough of you",
                r"alice!\S+ KICK #room bob :enough of you$",
                ("alice has kicked bob (enough of you)",),
                ROOM,
            ),
        )
        bob.send("JOIN #room")
        bob.expect(r"\S+ 474 bob #room ")
        self.walk(
            bob,
            Step(
                "/ban",
                None,
                ("[#room] [1] *!bob@127.0.0.1 banned by alice", "End of channel ban list"),
                ROOM,
            ),
            Step("/unban 1", None, ("Mode #room [-b *!bob@127.0.0.1] by alice",), ROOM),
        )
        bob.send("JOIN #room")
        bob.expect(r"bob!\S+ JOIN #room$")
        bob.expect(r"\S+ 332 bob #room :what lasts$")
        self.wait_in(ROOM, "bob", "has joined #room")

    def test_looks_around(self) -> None:
        bob = self.enter()
        bob.exchange("AWAY :at lunch")
        self.walk(
            bob,
            Step("/topic what lasts", r"alice!\S+ TOPIC ", ("changed topic",), ROOM),
            Step(
                "/whois bob",
                None,
                (
                    "[bob] (bob@127.0.0.1): Bob",
                    "[bob] #room",
                    "[bob] is logged in as bob",
                    "[bob] is using a secure connection",
                    "[bob] is away: at lunch",
                    "[bob] idle: 00 hours 00 minutes",
                    "[bob] End of WHOIS list",
                ),
                SERVER,
            ),
            Step("/whois nobody", None, ("nobody: No such nick",), SERVER),
            Step("/list", None, ("#room(2): what lasts", "End of LIST"), SERVER),
            Step("/away gone fishing", None, ("You have been marked as being away",), SERVER),
        )
        bob.send("WHOIS alice")
        bob.expect(r"\S+ 301 bob alice :gone fishing$")
        self.walk(
            bob,
            Step("/away", None, ("You are no longer marked as being away",), SERVER),
            Step("/nick alicia", r"alice!\S+ NICK :?alicia$", ("now known as alicia",), ROOM),
            Step("/nick bob", None, ("bob: Nickname is",), SERVER),
        )
        for text in ("End of WHOIS list", "End of LIST", "marked as being away"):
            self.assert_nowhere_else(SERVER, text)
        bob.send("PRIVMSG alicia :between us")
        self.wait_in(BOB, "bob\tbetween us")

    def test_returns_when_the_server_does(self) -> None:
        bob = self.enter()
        self.walk(
            bob,
            Step("/nick alicia", r"alice!\S+ NICK :?alicia$", ("now known as alicia",), ROOM),
            Step("/topic what lasts", r"alicia!\S+ TOPIC ", ("changed topic",), ROOM),
            Step("/mode +b eve", r"alicia!\S+ MODE #room \+b eve", ("[+b eve!*@*]",), ROOM),
        )
        self.kill_the_server()
        self.wait_in(ROOM, "irc: disconnected from server")
        self.server.start()
        self.wait_in(ROOM, "alicia", "has joined #room", 'Topic for #room is "what lasts"')
        bob = self.bob_joins()
        self.walk(
            bob,
            Step("here again", r"alicia!\S+ PRIVMSG #room :here again$", ("here again",), ROOM),
            Step("/ban", None, ("[#room] [1] eve!*@* banned by alicia",), ROOM),
            Step("/mode +m", r"alicia!\S+ MODE #room \+m$", ("Mode #room [+m] by alicia",), ROOM),
        )


class IRCv3WeeChatTests(WeeChatTestCase):
    """With ``/set irc.server_default.capabilities "*"``: all that this WeeChat knows."""

    def enter(self) -> IRC:
        self.start()
        self.launch_with_a_password(
            '/set irc.server_default.capabilities "*"',
            "/set typing.look.enabled_self on",
            "/set irc.look.typing_status_self on",
            mechanism="scram-sha-256",
        )
        self.wait_in(SERVER, "client capability, enabled: account-notify", "authentication succ")
        self.assertIn("logged in as alice by SCRAM-SHA-256", self.server.log())
        self.wait_in(ROOM, "alice [alice]", "has joined #room")
        bob = self.bob_joins(f"{CAPABILITIES} draft/multiline setname account-tag")
        self.wait_in(ROOM, "bob [bob] (Bob) (bob@127.0.0.1) has joined #room")
        return bob

    def assert_nothing_garbled(self) -> None:
        """No tag and no command that WeeChat does not know is in any buffer."""
        for file in self.log_of(ROOM).parent.iterdir():
            text = file.read_text(errors="replace")
            for word in (
                "=!=",
                "msgid=",
                "+draft",
                "BATCH +",
                "TAGMSG #",
                "\N{REPLACEMENT CHARACTER}",
            ):
                self.assertNotIn(word, text, file)

    def test_sees_what_others_do(self) -> None:
        bob = self.enter()
        bob.send("SETNAME :Robert the Second", "AWAY :at lunch", "AWAY")
        self.wait_in(ROOM, 'bob has changed real name to "Robert the Second"')
        bob.send(
            "@+draft/react=x;+reply=abc TAGMSG #room",
            "@+typing=active TAGMSG #room",
            "BATCH +1 draft/multiline #room",
            "@batch=1 PRIVMSG #room :the first line",
            "@batch=1 PRIVMSG #room :",
            "@batch=1 PRIVMSG #room :gr\u00fc\u00dfe \u2603",
            "BATCH -1",
        )
        self.wait_in(ROOM, "bob\tthe first line", "bob\tgr\u00fc\u00dfe \u2603")
        bob.send("PRIVMSG #room :a mistake")
        self.wait_in(ROOM, "bob\ta mistake")
        self.walk(
            bob,
            Step("/setname Alice Liddell", r"alice!\S+ SETNAME :Alice Liddell$",
                 ('Your real name has been set to "Alice Liddell"',), SERVER),
            Step("/names", None, ("Nicks #room: [@alice bob]",), ROOM),
            # It knows no batches, and shows again what is in this one.
            Step("/quote CHATHISTORY LATEST #room * 10", None,
                 ("bob\tthe first line", "bob\ta mistake"), ROOM),
        )  # fmt: skip
        self.assert_nothing_garbled()

    def test_shows_what_another_device_sends(self) -> None:
        self.enter()
        phone = IRC.login(self.server.port, self.home.device("alice", "phone"))
        self.addCleanup(phone.close)
        phone.exchange("PRIVMSG bob :from the phone", "PRIVMSG #room :from there too")
        self.wait_in(BOB, "alice\tfrom the phone")
        self.wait_in(ROOM, "@alice\tfrom there too")
        phone.exchange("PRIVMSG alice :a note to myself")
        self.wait_in("irc.chat.alice", "alice\ta note to myself")
        self.assert_nothing_garbled()

    def test_tells_that_one_types(self) -> None:
        bob = self.enter()
        self.type(f"/buffer {ROOM}")
        self.type("/input insert hello")
        bob.find(lambda line: "+typing=active" in line or None, "typing")
        self.type("/input delete_line")
        bob.find(lambda line: "+typing=done" in line or None, "an end of typing")
