"""PERSISTENCE, and what people see of somebody with no device connected."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.entities import ABSENT
from chat.network.history import EPOCH
from chat.network.ids import Timestamp
from tests.support.world import OPEN, FakeClient, World

CAPS = "away-notify chghost setname extended-join"


class AbsentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("alice")
        self.alice = self.world.client("alice", account="alice")
        self.alice.send("JOIN #room", "TOPIC #room :Tuesdays")
        self.bob = self.world.client("bob", CAPS)
        self.bob.exchange("JOIN #room")

    def back(self, capabilities: str = "", nick: str = "alice") -> FakeClient:
        """Return a new device of alice's, whose lines have not been read."""
        client = self.world.connect(account="alice", device="phone")
        if capabilities:
            client.send(f"CAP REQ :{capabilities}")
        client.log_in("alice")
        client.send(f"NICK {nick}", "USER alice 0 * :The alice", "CAP END")
        return client

    def test_it_is_away_and_nobody_sees_it_quit(self) -> None:
        self.alice.exchange("QUIT :bye")
        self.assertEqual(self.bob.lines(), [f":alice!alice@127.0.0.1 AWAY :{ABSENT}"])
        who, _ = self.bob.exchange("WHO alice")
        self.assertIn(" alice G@ ", who)
        self.assertIn("alice=-", self.bob.exchange("USERHOST alice")[0])
        self.assertIn(f":irc.test 301 bob alice :{ABSENT}", self.bob.exchange("WHOIS alice"))
        self.assertEqual(self.bob.exchange("ISON alice"), [":irc.test 303 bob alice"])
        self.assertIn(" 730 bob alice!", self.bob.exchange("MONITOR + alice")[0])
        self.assertIn("@alice", self.bob.exchange("NAMES #room")[0])
        self.assertIn(" 255 bob :I have 2 clients", "\n".join(self.bob.exchange("LUSERS")))

    def test_a_message_to_it_is_stored(self) -> None:
        self.alice.disconnect()
        self.assertEqual(
            self.bob.exchange("PRIVMSG alice :hi")[-1], f":irc.test 301 bob alice :{ABSENT}"
        )
        event = self.world.log.stored[-1].event
        self.assertEqual((event.text, event.account), ("hi", "alice"))

    def test_a_device_that_connects_is_put_back(self) -> None:
        """ "after the server sends a server `JOIN` command to the client for a
        corresponding channel, the server MUST send a `MARKREAD` command for that channel.
        The command MUST be sent before the `RPL_ENDOFNAMES` reply" """
        moment = "timestamp=2023-11-14T22:13:20.000Z"
        self.alice.exchange(f"MARKREAD #room {moment}")
        self.alice.disconnect()
        self.bob.lines()
        phone = self.back("draft/read-marker", nick="another")
        burst = phone.lines()
        start = burst.index(":alice!alice@127.0.0.1 JOIN #room")
        self.assertEqual(burst[start + 1], ":irc.test 332 alice #room Tuesdays")
        self.assertEqual(burst[-3], f":irc.test MARKREAD #room {moment}")
        self.assertEqual(burst[-2:], [
            ":irc.test 353 alice = #room :@alice bob",
            ":irc.test 366 alice #room :End of NAMES list",
        ])  # fmt: skip
        self.assertTrue(any(" 001 alice " in line for line in burst))
        self.assertEqual(self.bob.lines(), [":alice!alice@127.0.0.1 AWAY"])

    def test_another_username_and_host(self) -> None:
        """ "servers MUST send the `CHGHOST` message to other clients who share channels
        with the target client and who have enabled the `chghost` capability" """
        plain = self.world.client("plain")
        plain.send("JOIN #room")
        self.alice.disconnect()
        plain.lines(), self.bob.lines()
        phone = self.world.connect(account="alice", host="192.0.2.1")
        phone.log_in("alice")
        phone.send("NICK alice", "USER al 0 * :A. Lice")
        self.assertEqual(
            self.bob.lines(),
            [
                ":alice!alice@127.0.0.1 CHGHOST al 192.0.2.1",
                ":alice!al@192.0.2.1 SETNAME :A. Lice",
                ":alice!al@192.0.2.1 AWAY",
            ],
        )
        self.assertEqual(plain.lines(), [])

    def test_an_away_message_from_before_the_connection_is_taken(self) -> None:
        self.alice.disconnect()
        self.bob.lines()
        phone = self.world.connect(account="alice")
        phone.send("CAP REQ :draft/pre-away", "AWAY :Asleep")
        phone.log_in("alice")
        phone.send("NICK alice", "USER alice 0 * :The alice", "CAP END")
        self.assertEqual(self.bob.lines(), [":alice!alice@127.0.0.1 AWAY Asleep"])

    def test_a_guest_is_not_kept(self) -> None:
        self.bob.disconnect()
        self.assertEqual(self.alice.lines()[-1], ":bob!bob@127.0.0.1 QUIT :Connection closed")
        self.assertIsNone(self.world.network.client("bob"))

    def test_the_nickname_is_not_to_be_had(self) -> None:
        self.alice.disconnect()
        self.assertIn(" 433 ", self.bob.exchange("NICK alice")[0])
        guest = self.world.connect()
        guest.send("NICK alice", "USER x 0 * :x")
        self.assertEqual(set(guest.commands()), {"433"})

    def test_a_client_that_says_its_nickname_before_it_logs_in(self) -> None:
        self.alice.disconnect()
        phone = self.world.connect(account="alice")
        phone.send("CAP LS 302", "NICK alice", "USER alice 0 * :A", "CAP REQ sasl")
        phone.log_in("alice")
        phone.send("CAP END")
        self.assertNotIn("433", phone.commands())
        self.assertIn("001", phone.commands())

    def test_a_kill_leaves_nothing(self) -> None:
        self.alice.disconnect()
        self.bob.exchange("OPER root sesame", "KILL alice :enough")
        self.assertIsNone(self.world.network.client("alice"))
        self.assertNotIn(" JOIN ", "\n".join(self.back().lines()))

    def test_an_account_that_was_removed_before_the_welcome(self) -> None:
        phone = self.world.connect(account="alice")
        phone.log_in("alice")
        del self.world.accounts["alice"]
        phone.send("NICK alice", "USER alice 0 * :A")
        self.assertEqual(phone.lines()[-1], "ERROR :The account alice was removed")

    def test_it_cannot_become_anothers(self) -> None:
        self.world.add_account("carol")
        self.assertIn(" 907 ", self.alice.exchange("AUTHENTICATE PLAIN")[0])

    def test_history_from_joining_on(self) -> None:
        self.alice.exchange("MODE #room +J")
        since = {
            member.nick: time for member, time in self.world.network.channels["#room"].since.items()
        }
        self.world.clock.advance(5)
        self.alice.send("CHATHISTORY LATEST #room * 5")
        self.bob.send("PART #room", "JOIN #room", "CHATHISTORY AROUND #room msgid=x 5")
        self.assertEqual(
            [query.place.since for query in self.world.history_asked],
            [since["alice"], Timestamp(since["bob"] + 5000)],
        )
        self.alice.send("MODE #room -J", "CHATHISTORY LATEST #room * 5")
        self.assertEqual(self.world.history_asked[-1].place.since, EPOCH)


class ReplayTests(SynchronousTestCase):
    """What was said meanwhile, for a client that cannot ask for it."""

    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("alice")
        self.alice = self.world.client("alice", account="alice")
        self.alice.send("JOIN #room", "JOIN #quiet")
        self.bob = self.world.client("bob")
        self.bob.send("JOIN #room")
        self.alice.send("MODE #room +o bob")
        self.alice.disconnect()
        self.left = self.alice.now()
        self.world.clock.advance(60)
        self.bob.send("PRIVMSG #room :while you were gone")

    def back(self, capabilities: str) -> FakeClient:
        client = self.world.connect(account="alice")
        client.send(f"CAP REQ :{capabilities}")
        client.log_in("alice")
        client.send("NICK alice", "USER alice 0 * :The alice", "CAP END")
        return client

    def test_behind_the_welcome_with_the_time_when_it_was_said(self) -> None:
        phone = self.back("server-time batch message-tags")
        start, line, end = phone.lines()[-3:]
        self.assertTrue(start.endswith(":irc.test BATCH +replay chathistory #room"), start)
        said = parse(line.encode())
        self.assertEqual(said.params, ("#room", "while you were gone"))
        self.assertEqual(said.tags["time"], "2023-11-14T22:14:20.000Z")
        self.assertTrue(end.endswith(":irc.test BATCH -replay"), end)
        for query in self.world.history_asked:
            part = query.part
            self.assertEqual((part.limit, part.after, part.from_end), (50, self.left, True))
            # Up to its own place in the log: what comes behind that, it is sent anyway.
            self.assertIn(part.before, [entry.uid for entry in self.world.log.stored])
        self.assertEqual(phone.exchange("REPLAY"), [])

    def test_not_who_can_ask_nor_who_would_not_see_when_it_was(self) -> None:
        for capabilities in ("server-time draft/chathistory", "message-tags"):
            phone = self.back(capabilities)
            self.assertNotIn("while you were gone", "\n".join(phone.lines()))
            self.assertEqual(self.world.history_asked, [])
            phone.disconnect()

    def test_it_comes_before_the_next_answer(self) -> None:
        self.world.hold_answers = True
        phone = self.world.connect(account="alice")
        phone.send("CAP REQ server-time")
        phone.log_in("alice")
        phone.send("NICK alice", "USER alice 0 * :A", "CAP END", "PING x")
        while self.world.answers_held:
            self.world.answers_held.pop()()
        *_, said, pong = phone.lines()
        self.assertIn("while you were gone", said)
        self.assertIn(" PONG ", pong)

    def test_who_is_kicked_meanwhile_is_sent_nothing_of_the_room(self) -> None:
        self.world.hold_answers = True
        phone = self.back("server-time")
        while "001" not in phone.commands():
            self.world.answers_held.pop()()
        self.bob.send("KICK #room alice :out", "PRIVMSG alice :sorry")
        while self.world.answers_held:
            self.world.answers_held.pop()()
        text = "\n".join(phone.lines())
        self.assertIn(" KICK #room alice out", text)
        self.assertNotIn("while you were gone", text)


class WishTests(SynchronousTestCase):
    def world_of(self, persistence: str) -> tuple[World, FakeClient]:
        world = World(evolve(OPEN, persistence=persistence))
        world.add_account("alice")
        alice = world.client("alice", account="alice")
        alice.exchange("JOIN #room")
        return world, alice

    def test_off(self) -> None:
        world, alice = self.world_of("opt-out")
        self.assertEqual(
            alice.exchange("PERSISTENCE GET"), [":irc.test PERSISTENCE STATUS DEFAULT ON"]
        )
        self.assertEqual(
            alice.exchange("persistence set off"), [":irc.test PERSISTENCE STATUS OFF OFF"]
        )
        alice.disconnect()
        self.assertIsNone(world.network.client("alice"))
        again = world.client("alice", account="alice")
        again.disconnect()
        self.assertIsNone(world.network.client("alice"))

    def test_on(self) -> None:
        world, alice = self.world_of("opt-in")
        self.assertEqual(
            alice.exchange("PERSISTENCE SET ON"), [":irc.test PERSISTENCE STATUS ON ON"]
        )
        self.assertEqual(
            alice.exchange("PERSISTENCE SET ON"), [":irc.test PERSISTENCE STATUS ON ON"]
        )
        alice.disconnect()
        self.assertIn(world.network.client("alice"), world.network.channels["#room"].members)
        again = world.client("alice", account="alice")
        self.assertEqual(
            again.exchange("PERSISTENCE SET DEFAULT"), [":irc.test PERSISTENCE STATUS DEFAULT OFF"]
        )
        again.disconnect()
        self.assertIsNone(world.network.client("alice"))

    def test_the_network_has_the_last_word(self) -> None:
        for persistence, effective in (("mandatory", "ON"), ("disabled", "OFF")):
            world, alice = self.world_of(persistence)
            for wish in ("ON", "OFF"):
                self.assertEqual(
                    alice.exchange(f"PERSISTENCE SET {wish}"),
                    [f":irc.test PERSISTENCE STATUS {wish} {effective}"],
                )
            alice.disconnect()
            self.assertEqual(world.network.client("alice") is not None, effective == "ON")

    def test_other_sessions_are_told(self) -> None:
        world, alice = self.world_of("opt-out")
        two = world.client("alice", "draft/persistence", account="alice")
        plain = world.client("alice", account="alice")
        alice.send("PERSISTENCE SET OFF")
        self.assertEqual(two.lines(), [":irc.test PERSISTENCE STATUS OFF OFF"])
        self.assertEqual(plain.lines(), [])

    def test_a_welcome_tells_it(self) -> None:
        world, _ = self.world_of("opt-out")
        two = world.connect(account="alice")
        two.send("CAP REQ draft/persistence")
        two.log_in("alice")
        two.send("NICK alice", "USER alice 0 * :A", "CAP END")
        self.assertIn(":irc.test PERSISTENCE STATUS DEFAULT ON", two.lines())

    def test_refused(self) -> None:
        world, alice = self.world_of("opt-out")
        guest = world.client("guest")
        self.assertIn(" FAIL PERSISTENCE ACCOUNT_REQUIRED ", guest.exchange("PERSISTENCE GET")[0])
        for line in ("PERSISTENCE SET", "PERSISTENCE SET x", "PERSISTENCE x", "PERSISTENCE GET x"):
            self.assertIn(" FAIL PERSISTENCE INVALID_PARAMS ", alice.exchange(line)[0])

    def test_a_guest_who_logs_in_is_kept(self) -> None:
        world, _ = self.world_of("opt-out")
        world.add_account("bob")
        bob = world.client("bobby")
        bob.send("JOIN #room")
        bob.log_in("bob")
        bob.disconnect()
        self.assertIn(world.network.kept_client("bob"), world.network.channels["#room"].members)
        again = world.client("another", account="bob")
        self.assertEqual(again.exchange("ISON bobby"), [":irc.test 303 bobby bobby"])
