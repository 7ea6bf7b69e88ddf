"""What single capabilities change, each with the sentence of its specification."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.settings import AccountSettings
from tests.support.world import World


class CapabilityTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.alice = self.world.client("alice", "message-tags echo-message")
        self.alice.exchange("JOIN #room")

    def test_no_implicit_names(self) -> None:
        """ "servers MUST NOT send an implicit NAMES reply after sending a JOIN message" """
        client = self.world.client("quiet", "no-implicit-names")
        self.assertEqual(client.exchange("JOIN #room"), [":quiet!quiet@127.0.0.1 JOIN #room"])
        self.assertEqual(len(client.exchange("NAMES #room")), 2)

    def test_invite_notify(self) -> None:
        host = self.world.client("host", "invite-notify")
        host.send("JOIN #room")
        plain = self.world.client("plain")
        plain.send("JOIN #room")
        self.alice.send("MODE #room +o host")
        host.lines(), plain.lines()
        self.world.client("guest")
        self.alice.send("INVITE guest #room")
        self.assertEqual(host.lines(), [":alice!alice@127.0.0.1 INVITE guest #room"])
        self.assertEqual(plain.lines(), [])

    def test_tagmsg(self) -> None:
        """message-tags: TAGMSG reaches only who negotiated it, and carries no text."""
        modern = self.world.client("modern", "message-tags")
        plain = self.world.client("plain")
        for client in (modern, plain):
            client.send("JOIN #room")
        modern.lines(), plain.lines()
        (echo,) = self.alice.exchange("@+typing=active TAGMSG #room")
        self.assertEqual(parse(echo.encode()).tags["+typing"], "active")
        self.assertEqual(modern.lines()[-1], echo)
        self.assertEqual(plain.lines(), [])
        self.assertEqual(self.alice.exchange("TAGMSG #room"), [])

    def test_bot_mode(self) -> None:
        """bot-mode: the tag ``bot``, RPL_WHOISBOT and the flag in WHO."""
        bot = self.world.client("robot", "message-tags")
        bot.send("MODE robot +B", "JOIN #room")
        self.alice.lines()
        bot.send("PRIVMSG #room :beep")
        (line,) = self.alice.lines()
        self.assertIn("bot", parse(line.encode()).tags)
        self.assertIn(":irc.test 335 alice robot :is a bot", self.alice.exchange("WHOIS robot"))
        self.assertIn(" HB ", self.alice.exchange("WHO robot")[0])

    def test_extended_monitor(self) -> None:
        """ "the client will get AWAY notifications for monitored nicks" """
        watcher = self.world.client("watcher", "extended-monitor away-notify setname")
        plain = self.world.client("plain", "away-notify")
        for client in (watcher, plain):
            client.exchange("MONITOR + alice")
        self.alice.send("AWAY :out", "SETNAME :New")
        self.assertEqual(
            watcher.lines(),
            [":alice!alice@127.0.0.1 AWAY out", ":alice!alice@127.0.0.1 SETNAME New"],
        )
        self.assertEqual(plain.lines(), [])
        watcher.exchange("JOIN #room")
        self.alice.send("AWAY")
        self.assertEqual(len(watcher.lines()), 1)

    def test_extended_isupport(self) -> None:
        """ "the server MUST accept ISUPPORT commands before connection registration completes" """
        client = self.world.connect()
        self.assertIn(" 451 ", client.exchange("ISUPPORT")[0])
        client.send("CAP REQ :draft/extended-isupport batch")
        start, *middle, end = client.exchange("ISUPPORT")
        self.assertEqual(start, ":irc.test BATCH +isupport draft/isupport")
        self.assertTrue(all(line.startswith("@batch=isupport :irc.test 005 *") for line in middle))
        self.assertEqual(end, ":irc.test BATCH -isupport")

    def test_pre_away(self) -> None:
        """ "servers MUST accept the AWAY command before connection registration" """
        client = self.world.connect()
        self.assertIn(" 451 ", client.exchange("AWAY :x")[0])
        client.send("CAP REQ draft/pre-away")
        self.assertIn(" 306 ", client.exchange("AWAY :sleeping")[0])
        client.send("NICK sleeper", "USER s 0 * :S", "CAP END")
        self.assertIn(
            ":irc.test 301 alice sleeper sleeping", self.alice.exchange("PRIVMSG sleeper :x")
        )


class RenameTests(SynchronousTestCase):
    """channel-rename: "A channel rename preserves all channel state"."""

    def setUp(self) -> None:
        self.world = World()
        self.alice = self.world.client("alice", "draft/channel-rename")
        self.bob = self.world.client("bob")
        for client in (self.alice, self.bob):
            client.exchange("JOIN #old")
        self.alice.exchange("TOPIC #old :Topic")
        self.bob.lines()

    def test_rename(self) -> None:
        self.assertEqual(
            self.alice.exchange("RENAME #old #new :typo"),
            [":alice!alice@127.0.0.1 RENAME #old #new typo"],
        )
        self.assertEqual(
            [line.split()[1] for line in self.bob.lines()],
            ["PART", "JOIN", "332", "333", "353", "366"],
        )
        self.bob.send("PRIVMSG #new :hi")
        self.assertEqual(self.alice.lines(), [":bob!bob@127.0.0.1 PRIVMSG #new hi"])
        self.assertEqual(self.bob.exchange("PRIVMSG #old :x")[0].split()[1], "403")
        self.assertEqual(self.alice.exchange("RENAME #new #NEW")[0].split()[2], "#new")
        self.assertEqual(self.bob.lines(), [])

    def test_refused(self) -> None:
        self.alice.exchange("JOIN #taken")
        for line, word in (
            ("RENAME #old #taken", "CHANNEL_NAME_IN_USE"),
            ("RENAME #old nonsense", "CANNOT_RENAME"),
            ("RENAME #none #x", "403"),
        ):
            self.assertIn(f" {word} ", self.alice.exchange(line)[0])
        self.assertIn(" 482 ", self.bob.exchange("RENAME #old #x")[0])


class RegisterTests(SynchronousTestCase):
    """account-registration: "Afterward, the client is assumed to be authenticated"."""

    def test_register(self) -> None:
        world = World()
        client = world.connect()
        self.assertIn("draft/account-registration=before-connect", client.exchange("CAP LS 302")[0])
        self.assertIn(" NEED_NICK ", client.exchange("REGISTER * * longenough")[0])
        client.send("NICK newcomer")
        self.assertIn(" WEAK_PASSWORD ", client.exchange("REGISTER * * short")[0])
        lines = client.exchange("REGISTER * * longenough")
        self.assertEqual(lines[0], ":irc.test REGISTER SUCCESS newcomer :The account is made")
        self.assertEqual(client.machine.session.account, "newcomer")
        self.assertIn(" ALREADY_AUTHENTICATED ", client.exchange("REGISTER x * longenough")[0])
        other = world.client("other")
        self.assertIn(" ACCOUNT_EXISTS ", other.exchange("REGISTER newcomer * longenough")[0])
        self.assertIn(" BAD_ACCOUNT_NAME ", other.exchange("REGISTER a.b * longenough")[0])

    def test_closed(self) -> None:
        client = World(AccountSettings(login="optional")).client("client")
        self.assertNotIn("account-registration", client.exchange("CAP LS 302")[0])
        self.assertIn("FAIL REGISTER", client.exchange("REGISTER x * longenough")[0])

    def test_only_the_certificates_account(self) -> None:
        world = World(AccountSettings(registration="open"))
        client = world.connect(account="alice")
        self.assertIn(" BAD_ACCOUNT_NAME ", client.exchange("REGISTER bob * longenough")[0])
        self.assertIn(" SUCCESS ", client.exchange("REGISTER alice * longenough")[0])


class RelayTests(SynchronousTestCase):
    def test_relay(self) -> None:
        world = World()
        bridge = world.client("bridge", "echo-message")
        bridge.exchange("JOIN #room")
        reader = world.client("reader", "message-tags draft/relaymsg")
        reader.exchange("JOIN #room")
        self.assertIn(" INVALID_NICK ", bridge.exchange("RELAYMSG #room plain :x")[0])
        self.assertIn(" PRIVS_NEEDED ", reader.exchange("RELAYMSG #room a/b :x")[0])
        self.assertEqual(
            bridge.exchange("RELAYMSG #room joe/other :hi"),
            [":joe/other!bridge@127.0.0.1 PRIVMSG #room hi"],
        )
        message = parse(reader.lines()[0].encode())
        self.assertEqual(message.tags["draft/relaymsg"], "bridge")
        self.assertIn("msgid", message.tags)
