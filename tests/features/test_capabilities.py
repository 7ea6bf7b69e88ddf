"""What single capabilities change, each with the sentence of its specification."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
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
