"""PRIVMSG and NOTICE, the tags on them, AWAY, WHO and WHOIS, OPER and KILL, PING."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.settings import Limits
from tests.support.world import World


def numerics(lines: list[str]) -> list[str]:
    return [line.split()[1] for line in lines]


class MessageCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(limits=Limits(flood=False, targets=2))
        self.alice = self.world.client("alice")
        self.bob = self.world.client("bob")
        for client in (self.alice, self.bob):
            client.send("JOIN #room")
        self.alice.lines(), self.bob.lines()


class PrivmsgTests(MessageCase):
    def test_channel_and_nickname(self) -> None:
        self.assertEqual(self.alice.exchange("PRIVMSG #ROOM,bob :hi there"), [])
        self.assertEqual(
            self.bob.lines(),
            [
                ":alice!alice@127.0.0.1 PRIVMSG #room :hi there",
                ":alice!alice@127.0.0.1 PRIVMSG bob :hi there",
            ],
        )

    def test_errors(self) -> None:
        for line, numeric in (
            ("PRIVMSG", "411"),
            ("PRIVMSG bob", "412"),
            ("PRIVMSG bob :", "412"),
            ("PRIVMSG nobody :x", "401"),
            ("PRIVMSG #none :x", "403"),
            ("PRIVMSG a,b,c :x", "407"),
        ):
            self.assertEqual(numerics(self.alice.exchange(line)), [numeric], line)

    def test_notice_is_never_answered(self) -> None:
        """Modern IRC, "NOTICE message": automatic replies must never be sent."""
        self.bob.send("AWAY :gone")
        for line in (
            "NOTICE",
            "NOTICE bob",
            "NOTICE nobody :x",
            "NOTICE #none :x",
            "NOTICE bob :x",
        ):
            self.assertEqual(self.alice.exchange(line), [], line)
        self.assertEqual(self.bob.lines()[-1], ":alice!alice@127.0.0.1 NOTICE bob x")

    def test_outsiders_moderation_and_bans(self) -> None:
        carol = self.world.client("carol")
        self.assertEqual(numerics(carol.exchange("PRIVMSG #room :x")), ["404"])
        self.alice.send("MODE #room -n")
        self.assertEqual(carol.exchange("PRIVMSG #room :x"), [])
        self.alice.send("MODE #room +m")
        self.assertEqual(numerics(self.bob.exchange("PRIVMSG #room :x")), ["404"])
        self.alice.send("MODE #room +v-m+b bob bob")
        self.bob.lines()
        self.assertEqual(self.bob.exchange("PRIVMSG #room :x"), [])
        self.alice.send("MODE #room -v bob")
        self.bob.lines()
        self.assertEqual(numerics(self.bob.exchange("PRIVMSG #room :x")), ["404"])

    def test_to_ranks(self) -> None:
        """Modern IRC, "STATUSMSG parameter"."""
        self.assertEqual(self.bob.exchange("PRIVMSG @#room :x"), [])
        self.assertEqual(self.alice.lines(), [":bob!bob@127.0.0.1 PRIVMSG @#room x"])

    def test_to_oneself(self) -> None:
        self.assertEqual(
            self.alice.exchange("PRIVMSG alice :x"), [":alice!alice@127.0.0.1 PRIVMSG alice x"]
        )

    def test_long_text_is_cut_and_stays_utf8(self) -> None:
        text = "\N{SNOWMAN}" * 165
        self.alice.send(f"PRIVMSG #room :{text}")
        (line,) = self.bob.lines()
        self.assertLessEqual(len(line.encode()), 510)
        self.assertTrue(text.startswith(parse(line.encode()).text()))


class TagTests(MessageCase):
    def test_tags(self) -> None:
        """message-tags, message-ids, server-time, account-tag: for who asked, nobody else."""
        self.world.add_account("carol")
        carol = self.world.client("carol", "message-tags", account="carol")
        everything = self.world.client("dave", "message-tags server-time account-tag echo-message")
        for client in (carol, everything):
            client.send("JOIN #room")
        self.bob.lines(), everything.lines(), carol.lines()
        carol.send("@+x=y;secret=z PRIVMSG #room :hi")
        (line,) = everything.lines()
        message = parse(line.encode())
        self.assertEqual(set(message.tags), {"time", "msgid", "account", "+x"})
        self.assertEqual(message.tags["account"], "carol")
        self.assertEqual(message.tags["time"], "2023-11-14T22:13:20.000Z")
        self.assertEqual(message.tags["+x"], "y")
        self.assertEqual(self.bob.lines(), [":carol!carol@127.0.0.1 PRIVMSG #room hi"])

    def test_one_id_for_all(self) -> None:
        one = self.world.client("one", "message-tags echo-message")
        two = self.world.client("two", "message-tags")
        one.send("PRIVMSG two :x")
        (echo,), (received,) = one.lines(), two.lines()
        self.assertEqual(echo, received)
        stored = self.world.log.stored[-1]
        self.assertEqual(parse(echo.encode()).tags["msgid"], stored.uid)


class AwayTests(MessageCase):
    def test_away(self) -> None:
        """Modern IRC, "AWAY message"; away-notify."""
        watcher = self.world.client("watcher", "away-notify")
        watcher.send("JOIN #room")
        watcher.lines()
        self.assertEqual(numerics(self.bob.exchange("AWAY :lunch")), ["306"])
        self.assertEqual(watcher.lines(), [":bob!bob@127.0.0.1 AWAY lunch"])
        self.assertEqual(self.alice.exchange("PRIVMSG bob :x"), [":irc.test 301 alice bob lunch"])
        self.assertEqual(numerics(self.bob.exchange("AWAY")), ["305"])
        self.assertEqual(watcher.lines(), [":bob!bob@127.0.0.1 AWAY"])


class WhoTests(MessageCase):
    def test_channel(self) -> None:
        self.bob.send("AWAY :x")
        self.assertEqual(
            self.alice.exchange("WHO #room"),
            [
                ":irc.test 352 alice #room alice 127.0.0.1 irc.test alice H@ :0 The alice",
                ":irc.test 352 alice #room bob 127.0.0.1 irc.test bob G :0 The bob",
                ":irc.test 315 alice #room :End of WHO list",
            ],
        )

    def test_mask(self) -> None:
        self.assertEqual(numerics(self.alice.exchange("WHO b*")), ["352", "315"])
        self.assertEqual(numerics(self.alice.exchange("WHO nobody")), ["315"])
        self.assertEqual(numerics(self.alice.exchange("WHO * o")), ["315"])

    def test_whox(self) -> None:
        """whox: the fields in a fixed order, the token first."""
        self.world.add_account("carol")
        self.world.client("carol", account="carol")
        self.assertEqual(
            self.alice.exchange("WHO carol %tna,42")[0], ":irc.test 354 alice 42 carol carol"
        )
        self.assertEqual(
            self.alice.exchange("WHO bob %cuihsnfdlaor")[0],
            ":irc.test 354 alice #room bob 255.255.255.255 127.0.0.1 irc.test bob H 0 0 0 n/a "
            ":The bob",
        )

    def test_whois(self) -> None:
        lines = self.alice.exchange("WHOIS bob")
        self.assertEqual(numerics(lines), ["311", "319", "312", "671", "317", "318"])
        self.assertEqual(lines[0], ":irc.test 311 alice bob bob 127.0.0.1 * :The bob")
        self.assertEqual(numerics(self.alice.exchange("WHOIS bob bob")), numerics(lines))
        self.assertEqual(numerics(self.alice.exchange("WHOIS irc.test bob")), numerics(lines))
        self.assertEqual(numerics(self.alice.exchange("WHOIS nobody")), ["401", "318"])
        self.assertEqual(numerics(self.alice.exchange("WHOIS")), ["431"])
        self.assertEqual(numerics(self.alice.exchange("WHOIS other.server bob")), ["402"])

    def test_whois_of_an_account(self) -> None:
        self.world.add_account("carol")
        carol = self.world.client("carol", account="carol")
        lines = carol.exchange("WHOIS carol")
        self.assertIn(":irc.test 330 carol carol carol :is logged in as", lines)
        self.assertIn(
            ":irc.test 378 carol carol :is connecting from 127.0.0.1, devices laptop", lines
        )
        self.assertIn(":irc.test 379 carol carol :is using modes +", lines)

    def test_whois_shows_the_certificate_to_its_owner(self) -> None:
        dave = self.world.connect(fingerprint="ab12")
        dave.send("NICK dave", "USER d 0 * :D")
        wanted = " 276 dave dave :has client certificate fingerprint ab12"
        self.assertIn(wanted, " ".join(dave.exchange("WHOIS dave")))
        self.assertNotIn(" 276 ", " ".join(self.alice.exchange("WHOIS dave")))

    def test_idle_time(self) -> None:
        self.world.clock.advance(100)
        idle = next(line for line in self.alice.exchange("WHOIS bob") if " 317 " in line)
        self.assertEqual(idle.split()[4], "100")
        self.bob.send("PRIVMSG #room :x")
        idle = next(line for line in self.alice.exchange("WHOIS bob") if " 317 " in line)
        self.assertEqual(idle.split()[4], "0")


class OperatorTests(MessageCase):
    def test_oper(self) -> None:
        self.assertEqual(numerics(self.alice.exchange("OPER root wrong")), ["464"])
        self.assertEqual(
            self.alice.exchange("OPER root sesame"),
            [
                ":irc.test 381 alice :You are now an IRC operator",
                ":alice!alice@127.0.0.1 MODE alice +o",
            ],
        )
        self.assertIn("313", numerics(self.bob.exchange("WHOIS alice")))
        self.assertNotIn("sesame", repr(self.alice.log))

    def test_kill(self) -> None:
        self.assertEqual(numerics(self.bob.exchange("KILL alice :x")), ["481"])
        self.alice.send("OPER root sesame")
        self.assertEqual(numerics(self.alice.exchange("KILL nobody :x")), ["401"])
        self.assertEqual(numerics(self.alice.exchange("KILL irc.test :x")), ["483"])
        self.bob.lines()
        self.assertEqual(
            self.alice.exchange("KILL bob :spam"),
            [":bob!bob@127.0.0.1 QUIT :Killed (alice (spam))"],
        )
        self.assertEqual(self.bob.lines(), ["ERROR :Killed (alice (spam))"])
        self.assertTrue(self.bob.is_closed)


class ServerTests(MessageCase):
    def test_ping(self) -> None:
        self.assertEqual(self.alice.exchange("PING :a b"), [":irc.test PONG irc.test :a b"])
        self.assertEqual(numerics(self.alice.exchange("PING")), ["461"])

    def test_queries(self) -> None:
        self.assertEqual(numerics(self.alice.exchange("MOTD")), ["422"])
        self.assertEqual(numerics(self.alice.exchange("MOTD other.server")), ["402"])
        self.assertEqual(numerics(self.alice.exchange("VERSION"))[0], "351")
        self.assertEqual(numerics(self.alice.exchange("NONSENSE")), ["421"])
        lusers = self.alice.exchange("LUSERS")
        self.assertEqual(
            lusers[0], ":irc.test 251 alice :There are 2 users and 0 invisible on 1 servers"
        )

    def test_every_command_has_help(self) -> None:
        for command in self.alice.machine._features.commands.values():
            self.assertTrue(command.help.startswith(command.name), command.name)
