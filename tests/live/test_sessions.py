"""Several devices of one account are one person to the others."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.live.irc import CAPABILITIES, IRC
from tests.support.servers import Server, make_home


class SessionTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home(accounts='persistence = "disabled"')
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, account: str, device: str = "laptop", capabilities: str = CAPABILITIES) -> IRC:
        files = self.home.device(account, device)
        client = IRC.login(self.server.port, files, capabilities)
        self.addCleanup(client.close)
        return client

    def test_each_receives_everything(self) -> None:
        laptop, phone, bob = self.login("alice"), self.login("alice", "phone"), self.login("bob")
        # One joins, and the other is there too.
        laptop.send("JOIN #room")
        for session in (laptop, phone):
            session.expect(r"alice!\S+ JOIN #room")
            session.expect(r"\S+ 353 alice = #room :?[~@]alice$")
        bob.send("JOIN #room")
        bob.expect(r"\S+ 353 bob = #room :[~@]alice bob$")
        both, everybody = (laptop, phone), (laptop, phone, bob)
        for sender in both:
            sender.send(f"PRIVMSG #room :from {id(sender)}")
            for session in everybody:
                session.expect(rf"alice!\S+ PRIVMSG #room :from {id(sender)}$")
        bob.send("PRIVMSG alice :to all your devices")
        for session in both:
            session.expect(r"bob!\S+ PRIVMSG alice :to all your devices$")
        phone.send("PRIVMSG bob :from the phone")
        for session in everybody:
            session.expect(r"alice!\S+ PRIVMSG bob :from the phone$")
        laptop.send("TOPIC #room :which both see")
        for session in everybody:
            session.expect(r"alice!\S+ TOPIC #room :which both see$")

    def test_without_echo_message_the_others_still_see_what_one_sends(self) -> None:
        laptop, phone = (self.login("alice", device, "") for device in ("laptop", "phone"))
        lines = laptop.exchange("PRIVMSG alice :to myself", "JOIN #room", "PRIVMSG #room :to all")
        phone.expect(r"alice!\S+ PRIVMSG alice :to myself$")
        phone.expect(r"alice!\S+ PRIVMSG #room :to all$")
        self.assertFalse([line for line in lines if "PRIVMSG #room" in line], lines)

    def test_a_late_one_is_where_the_others_are(self) -> None:
        laptop, bob = self.login("alice"), self.login("bob")
        laptop.exchange("JOIN #room", "TOPIC #room :what it is about")
        bob.exchange("JOIN #room")
        phone = self.login("alice", "phone")
        phone.expect(r"alice!\S+ JOIN #room")
        phone.expect(r"\S+ 332 alice #room :what it is about$")
        phone.expect(r"\S+ 353 alice = #room :[~@]alice bob$")
        self.assertFalse([line for line in bob.exchange() if " JOIN " in line])

    def test_the_last_one_that_leaves_is_who_quits(self) -> None:
        laptop, phone, bob = self.login("alice"), self.login("alice", "phone"), self.login("bob")
        laptop.exchange("JOIN #room")
        bob.exchange("JOIN #room")
        laptop.send("QUIT :off to the train")
        laptop.read_to_end()
        self.assertFalse([line for line in bob.exchange() if "QUIT" in line])
        phone.send("QUIT :good night")
        bob.expect(r"alice!\S+ QUIT :(Quit: )?good night$")
