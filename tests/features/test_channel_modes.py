"""Ranks, exceptions, extended bans, and the modes that restrict and hide."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.world import World


def numerics(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines]


class ModesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("member")
        self.op = self.world.client("op")
        self.op.send("JOIN #room")
        self.guest = self.world.client("guest")

    def can_join(self, nick: str = "guest") -> bool:
        client = self.guest if nick == "guest" else self.world.client(nick, account=nick)
        joined = "JOIN" in numerics(client.exchange("JOIN #room"))
        client.send("PART #room")
        client.lines()
        return joined


class RankTests(ModesCase):
    def test_prefixes(self) -> None:
        self.guest.send("JOIN #room")
        self.op.send("MODE #room +h guest")
        self.assertIn("%guest", self.op.exchange("NAMES #room")[0])
        self.assertEqual(numerics(self.guest.exchange("MODE #room +v guest")), ["MODE"])
        self.assertEqual(numerics(self.guest.exchange("MODE #room +o guest")), ["482"])
        self.assertEqual(numerics(self.guest.exchange("MODE #room +m")), ["482"])
        self.assertEqual(numerics(self.guest.exchange("KICK #room op")), ["482"])

    def test_only_a_founder_makes_founders_and_admins(self) -> None:
        self.guest.send("JOIN #room")
        founder = self.world.client("member", account="member")
        founder.send("JOIN #own")
        self.guest.send("JOIN #own")
        founder.lines()
        self.assertEqual(numerics(founder.exchange("MODE #own +a guest")), ["482"])
        self.assertEqual(numerics(founder.exchange("MODE #own +q member")), ["MODE"])
        founder.send("MODE #own +o guest")
        self.guest.lines()
        self.assertEqual(numerics(self.guest.exchange("MODE #own +q guest")), ["482"])
        founder.lines()
        for letter in "aq":
            self.assertEqual(numerics(founder.exchange(f"MODE #own +{letter} guest")), ["MODE"])

    def test_nobody_demotes_who_is_higher(self) -> None:
        founder = self.world.client("member", account="member")
        founder.send("JOIN #own")
        self.guest.send("JOIN #own")
        founder.send("MODE #own +q member", "MODE #own +o guest")
        self.assertEqual(numerics(self.guest.exchange("MODE #own -o member")), ["482"])
        self.assertEqual(numerics(self.guest.exchange("KICK #own member")), ["482"])
        self.assertEqual(numerics(founder.exchange("MODE #own -o guest")), ["MODE"])

    def test_one_may_step_down(self) -> None:
        self.assertEqual(numerics(self.op.exchange("MODE #room -o op")), ["MODE"])
        self.assertEqual(numerics(self.op.exchange("MODE #room +o op")), ["482"])


class ListTests(ModesCase):
    def test_exceptions(self) -> None:
        """Modern IRC, "Exception Channel Mode" and "Invite-Exception Channel Mode"."""
        self.op.send("MODE #room +b *!*@*")
        self.assertFalse(self.can_join())
        self.op.send("MODE #room +e guest")
        self.assertTrue(self.can_join())
        self.op.send("MODE #room -be+i *!*@* guest")
        self.assertFalse(self.can_join())
        self.op.send("MODE #room +I guest")
        self.assertTrue(self.can_join())
        self.assertEqual(numerics(self.op.exchange("MODE #room I")), ["346", "347"])
        self.assertEqual(numerics(self.op.exchange("MODE #room e")), ["349"])

    def test_account_bans(self) -> None:
        """account-extban: it matches the account, not the nickname."""
        self.op.send("MODE #room +b a:member")
        self.assertFalse(self.can_join("member"))
        self.op.send("MODE #room -b+b a:member a:guest")
        self.assertTrue(self.can_join())

    def test_mute(self) -> None:
        """A mute bans from speaking and not from joining; voice and exceptions pass."""
        self.op.send("MODE #room +b m:GUEST!*@*")
        self.guest.send("JOIN #room")
        self.assertEqual(numerics(self.guest.exchange("PRIVMSG #room :x")), ["404"])
        self.op.send("MODE #room +v guest")
        self.guest.lines()
        self.assertEqual(self.guest.exchange("PRIVMSG #room :x"), [])
        self.op.send("MODE #room -v+e guest m:*!guest@*")
        self.guest.lines()
        self.assertEqual(self.guest.exchange("PRIVMSG #room :x"), [])
        self.op.send("MODE #room -be m:guest!*@* m:*!guest@*")
        self.assertEqual(self.world.network.channels["#room"].lists, {"b": {}, "e": {}})


class LastingRankTests(ModesCase):
    """What a rank that an account keeps opens when it comes back."""

    def join(self, *modes: str) -> str:
        founder = self.world.client("founder")
        self.world.add_account("founder")
        founder.log_in("founder")
        founder.send("JOIN #own", "MODE #own +q founder")
        member = self.world.client("member", account="member")
        member.send("JOIN #own")
        founder.send(*(f"MODE #own {mode}" for mode in modes))
        member.send("PART #own")
        found = numerics(member.exchange("JOIN #own"))
        return found[0]

    def test_an_operator_needs_no_invitation(self) -> None:
        self.assertEqual(self.join("+o member", "+i"), "JOIN")

    def test_a_voice_does(self) -> None:
        self.assertEqual(self.join("+v member", "+i"), "473")

    def test_an_operator_can_be_banned(self) -> None:
        self.assertEqual(self.join("+o member", "+b member"), "474")

    def test_an_admin_cannot(self) -> None:
        self.assertEqual(self.join("+a member", "+b member"), "JOIN")


class RestrictionTests(ModesCase):
    def test_registered_only(self) -> None:
        self.op.send("MODE #room +R")
        self.assertEqual(numerics(self.guest.exchange("JOIN #room")), ["477"])
        self.assertTrue(self.can_join("member"))

    def test_registered_speakers(self) -> None:
        self.guest.send("JOIN #room")
        self.op.send("MODE #room +M")
        self.guest.lines()
        self.assertEqual(numerics(self.guest.exchange("PRIVMSG #room :x")), ["404"])
        self.guest.log_in("member")
        self.guest.lines()
        self.assertEqual(self.guest.exchange("PRIVMSG #room :x"), [])

    def test_no_ctcp(self) -> None:
        self.op.send("MODE #room +C")
        self.guest.send("JOIN #room")
        self.assertEqual(numerics(self.guest.exchange("PRIVMSG #room :\1PING x\1")), ["404"])
        self.assertEqual(self.guest.exchange("PRIVMSG #room :\1ACTION waves\1"), [])

    def test_secret(self) -> None:
        """Modern IRC, "Secret Channel Mode": not in LIST, NAMES or WHOIS for outsiders."""
        self.op.send("MODE #room +s")
        self.assertEqual(numerics(self.guest.exchange("LIST")), ["321", "323"])
        self.assertEqual(numerics(self.guest.exchange("NAMES #room")), ["366"])
        self.assertEqual(numerics(self.guest.exchange("WHO #room")), ["315"])
        self.assertNotIn("319", numerics(self.guest.exchange("WHOIS op")))
        self.guest.send("JOIN #room")
        self.assertEqual(
            self.guest.exchange("NAMES #room")[0], ":irc.test 353 guest @ #room :@op guest"
        )

    def test_forward(self) -> None:
        self.op.send("JOIN #other")
        self.op.lines()
        self.assertEqual(numerics(self.op.exchange("MODE #room +f #none")), ["696"])
        self.op.send("MODE #room +fi #other")
        lines = self.guest.exchange("JOIN #room")
        self.assertEqual(numerics(lines)[:2], ["470", "JOIN"])
        self.assertEqual(lines[1].split()[2], "#other")
        self.op.send("MODE #other +i")
        other = self.world.client("other")
        self.assertEqual(numerics(other.exchange("JOIN #room")), ["473"])

    def test_history(self) -> None:
        """InspIRCd, "chanhistory": "<count>:<period>", "Channel operators"."""
        for wrong in ("1000", "10:1800", "x:1d"):
            (line,) = self.op.exchange(f"MODE #room +H {wrong}")
            self.assertIn(f" 696 op #room H {wrong} :Wanted messages:duration, such as", line)
        self.guest.send("JOIN #room")
        self.assertEqual(numerics(self.guest.exchange("MODE #room +H 5:1d")), ["482"])
        self.assertEqual(numerics(self.op.exchange("MODE #room +H 1000:30d")), ["MODE"])
        self.assertIn("H", self.op.exchange("MODE #room")[0].split()[4])
        self.assertEqual(numerics(self.op.exchange("MODE #room -H")), ["MODE"])

    def test_auditorium(self) -> None:
        self.op.send("MODE #room +u")
        self.guest.send("JOIN #room")
        other = self.world.client("other")
        self.op.lines(), self.guest.lines()
        lines = other.exchange("JOIN #room")
        self.assertIn(":irc.test 353 other = #room :@op other", lines)
        self.assertEqual(numerics(self.op.lines()), ["JOIN"])
        self.assertEqual(self.guest.lines(), [])
        self.op.send("MODE #room +v other")
        self.guest.lines()
        other.send("QUIT")
        self.assertEqual(numerics(self.guest.lines()), ["QUIT"])


class UserModeTests(ModesCase):
    def test_registered_only_messages(self) -> None:
        member = self.world.client("member", account="member")
        member.send("MODE member +R")
        self.assertEqual(numerics(self.guest.exchange("PRIVMSG member :x")), ["477"])
        member.lines()
        member.send("ACCEPT guest")
        self.assertEqual(self.guest.exchange("PRIVMSG member :x"), [])
        member.send("ACCEPT -guest")
        self.assertEqual(numerics(self.guest.exchange("PRIVMSG member :x")), ["477"])
        member.send("PRIVMSG guest :hello")
        self.guest.lines()
        self.assertEqual(self.guest.exchange("PRIVMSG member :x"), [])
        self.assertEqual(numerics(member.exchange("ACCEPT nobody")), ["401"])


class QueryTests(ModesCase):
    """The commands that only tell something."""

    def test_answers(self) -> None:
        for line, wanted in (
            ("TIME", ["391"]),
            ("TIME other.server", ["402"]),
            ("INFO", ["371", "371", "374"]),
            ("LINKS", ["364", "365"]),
            ("ADMIN", ["423"]),
            ("STATS u", ["242", "219"]),
            ("STATS o", ["481"]),
            ("HELP", ["704"]),
            ("HELP privmsg", ["704", "706"]),
            ("HELPOP nonsense", ["524"]),
            ("USERHOST op nobody guest", ["302"]),
            ("CONNECT x", ["481"]),
            ("WALLOPS :x", ["481"]),
            ("WHOWAS", ["431"]),
            ("WHOWAS nobody", ["406", "369"]),
        ):
            found = numerics(self.guest.exchange(line))
            self.assertEqual(found[: len(wanted)], wanted, line)

    def test_userhost_and_ison(self) -> None:
        self.op.send("AWAY :x")
        self.assertEqual(
            self.guest.exchange("USERHOST op guest none"),
            [":irc.test 302 guest :op=-op@127.0.0.1 guest=+guest@127.0.0.1"],
        )
        self.assertEqual(
            self.guest.exchange("ISON OP none guest"), [":irc.test 303 guest :op guest"]
        )

    def test_whowas(self) -> None:
        """ "from most recent to least": Modern IRC, "WHOWAS message"."""
        gone = self.world.client("gone")
        gone.send("NICK renamed")
        self.world.client("gone").send("QUIT")
        lines = self.guest.exchange("WHOWAS gone")
        self.assertEqual(numerics(lines), ["314", "312", "314", "312", "369"])
        self.assertEqual(numerics(self.guest.exchange("WHOWAS GONE 1")), ["314", "312", "369"])

    def test_monitor(self) -> None:
        self.assertEqual(
            self.guest.exchange("MONITOR + op,friend"),
            [":irc.test 730 guest op!op@127.0.0.1", ":irc.test 731 guest friend"],
        )
        friend = self.world.client("friend")
        self.assertEqual(self.guest.lines(), [":irc.test 730 guest friend!friend@127.0.0.1"])
        friend.send("NICK other")
        self.assertEqual(self.guest.lines(), [":irc.test 731 guest friend"])
        friend.send("NICK Friend")
        self.assertEqual(numerics(self.guest.lines()), ["730"])
        self.assertEqual(
            self.guest.exchange("MONITOR L"),
            [":irc.test 732 guest op,friend", ":irc.test 733 guest :End of MONITOR list"],
        )
        self.guest.send("MONITOR - friend")
        friend.send("QUIT")
        self.assertEqual(self.guest.lines(), [])
        self.assertEqual(numerics(self.guest.exchange("MONITOR S")), ["730"])
        self.guest.send("MONITOR C")
        self.assertEqual(numerics(self.guest.exchange("MONITOR L")), ["733"])
        many = ",".join(f"n{number}" for number in range(101))
        self.assertEqual(numerics(self.guest.exchange(f"MONITOR + {many}"))[-1], "734")

    def test_wallops_and_setname(self) -> None:
        self.guest.send("MODE guest +w")
        self.op.send("OPER root sesame")
        self.guest.lines()
        self.assertEqual(self.op.exchange("WALLOPS :attention"), [])
        self.assertEqual(self.guest.lines(), [":op!op@127.0.0.1 WALLOPS attention"])
        self.assertEqual(
            self.guest.exchange("SETNAME :New Name"), [":guest!guest@127.0.0.1 SETNAME :New Name"]
        )
        self.assertEqual(numerics(self.guest.exchange("SETNAME :" + "x" * 200)), ["FAIL"])
        self.assertIn(
            ":irc.test 311 op guest guest 127.0.0.1 * :New Name", self.op.exchange("WHOIS guest")
        )
