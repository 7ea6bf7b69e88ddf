"""What single capabilities change, each with the sentence of its specification."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.settings import AccountSettings
from chat.network.state import Network
from tests.support.world import OPEN, World


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

    def test_connect_first(self) -> None:
        world = World(evolve(OPEN, registration_before_connect=False))
        client = world.connect()
        self.assertNotIn("registration=before-connect", " ".join(client.exchange("CAP LS 302")))
        client.send("NICK x")
        (line,) = client.exchange("REGISTER x * longenough")
        self.assertIn("FAIL REGISTER COMPLETE_CONNECTION_REQUIRED x :", line)
        self.assertIn(" SUCCESS ", world.client("y").exchange("REGISTER y * longenough")[0])

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


class ReadMarkerTests(SynchronousTestCase):
    """read-marker: "The last read timestamp of a target MUST only ever increase"."""

    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("alice")
        self.alice = self.world.client("alice", "draft/read-marker", account="alice")

    def test_on_join_and_on_all_devices(self) -> None:
        lines = self.alice.exchange("JOIN #room")
        self.assertEqual(lines[1], ":irc.test MARKREAD #room *")
        phone = self.world.connect(account="alice", device="phone")
        phone.send("CAP REQ draft/read-marker")
        phone.log_in("alice")
        phone.send("NICK alice", "USER a 0 * :A", "CAP END")
        phone.lines()
        marker = "MARKREAD #room timestamp=2023-11-14T22:13:20.000Z"
        self.assertEqual(self.alice.exchange(marker), [f":irc.test {marker}"])
        self.assertEqual(phone.lines(), [f":irc.test {marker}"])
        older = self.alice.exchange("MARKREAD #room timestamp=2020-01-01T00:00:00.000Z")
        self.assertEqual(older, [f":irc.test {marker}"])
        self.assertEqual(phone.lines(), [])
        again = marker.replace("#room", "#ROOM")
        self.assertEqual(phone.exchange("MARKREAD #ROOM"), [f":irc.test {again}"])
        self.assertEqual(self.alice.exchange("MARKREAD bob"), [":irc.test MARKREAD bob *"])

    def test_not_in_the_future_and_not_without_end(self) -> None:
        (line,) = self.alice.exchange("MARKREAD #room timestamp=2999-01-01T00:00:00.000Z")
        self.assertEqual(line, ":irc.test MARKREAD #room timestamp=2023-11-14T22:13:20.000Z")

    def test_kept(self) -> None:
        self.alice.exchange("MARKREAD #room timestamp=2023-11-14T22:13:20.000Z")
        records, _ = self.world.network.take_touched()
        restored, replayed = Network(), Network()
        restored.restore(records)
        for entry in self.world.log.stored:
            replayed.apply(entry)
        for network in (restored, replayed):
            self.assertEqual(network.markers, {"alice": {"#room": 1_700_000_000_000}})

    def test_invalid(self) -> None:
        for words, code in (
            ("", "NEED_MORE_PARAMS"),
            ("#room *", "INVALID_PARAMS"),
            ("#room timestamp=yesterday", "INVALID_PARAMS"),
            ("#room 2023-11-14T22:13:20.000Z", "INVALID_PARAMS"),
        ):
            self.assertIn(f"FAIL MARKREAD {code} ", self.alice.exchange(f"MARKREAD {words}")[0])


class RedactionTests(SynchronousTestCase):
    """message-redaction: its author and the channel's operators may take a message back."""

    def setUp(self) -> None:
        self.world = World()
        caps = "message-tags echo-message draft/message-redaction"
        self.op, self.author = self.world.client("op", caps), self.world.client("author", caps)
        self.other, self.plain = self.world.client("other", caps), self.world.client("plain")
        for client in (self.op, self.author, self.other, self.plain):
            client.exchange("JOIN #room")

    def say(self, line: str) -> str:
        (echo,) = self.author.exchange(line)
        for client in (self.op, self.other, self.plain):
            client.lines()
        return parse(echo.encode()).tags["msgid"]

    def test_who_may(self) -> None:
        one, two = self.say("PRIVMSG #room :one"), self.say("PRIVMSG #room :two")
        self.assertIn(" REDACT_FORBIDDEN ", self.other.exchange(f"REDACT #room {one}")[0])
        (line,) = self.author.exchange(f"REDACT #room {one} :oops")
        self.assertTrue(line.endswith(f":author!author@127.0.0.1 REDACT #room {one} oops"))
        self.assertEqual(len(self.other.lines()), 1)
        self.assertEqual(self.plain.lines(), [])
        self.assertIn(f" REDACT #room {two}", self.op.exchange(f"REDACT #room {two}")[-1])

    def test_direct(self) -> None:
        msgid = self.say("PRIVMSG other :psst")
        self.assertIn(" REDACT_FORBIDDEN ", self.other.exchange(f"REDACT author {msgid}")[0])
        self.author.exchange(f"REDACT other {msgid}")
        self.assertIn(f" REDACT other {msgid}", self.other.lines()[-1])
        self.assertEqual(self.op.lines(), [])

    def test_refused(self) -> None:
        msgid = self.say("PRIVMSG #room :one")
        for words, code in (
            ("#none x", "INVALID_TARGET"),
            ("nobody x", "INVALID_TARGET"),
            ("#room nonsense", "UNKNOWN_MSGID"),
            (f"other {msgid}", "UNKNOWN_MSGID"),
        ):
            self.assertIn(f"FAIL REDACT {code} ", self.author.exchange(f"REDACT {words}")[0])
