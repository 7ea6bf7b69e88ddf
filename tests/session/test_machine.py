"""The machine of a session: order, labels, flood, the database away, the end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.session import TRANSITIONS, Phase
from chat.network.settings import Limits
from chat.session.machine import PIPELINE
from tests.support.world import FEATURES, World

TAGS = "message-tags batch labeled-response echo-message"


class OrderTests(SynchronousTestCase):
    def test_an_echo_leaves_behind_its_commit(self) -> None:
        world = World()
        alice = world.client("alice", "echo-message")
        bob = world.client("bob")
        alice.send("JOIN #room")
        bob.send("JOIN #room")
        alice.lines(), bob.lines()
        world.log.hold = True
        alice.send("PRIVMSG #room :one", "PRIVMSG #room :two")
        self.assertEqual((alice.lines(), bob.lines()), ([], []))
        world.log.commit()
        wanted = [f":alice!alice@127.0.0.1 PRIVMSG #room {text}" for text in ("one", "two")]
        self.assertEqual(alice.lines(), wanted)
        self.assertEqual(bob.lines(), wanted)

    def test_a_message_to_oneself_arrives_and_is_echoed(self) -> None:
        """echo-message: the receiver's copy and the echo are two messages, one has the label."""
        world = World()
        plain, modern = world.client("plain"), world.client("modern", TAGS)
        self.assertEqual(len(plain.exchange("PRIVMSG plain :x")), 1)
        lines = modern.exchange("@label=x PRIVMSG modern :y")
        self.assertEqual(sorted("label=x" in line for line in lines), [False, True])

    def test_a_pong_does_not_overtake_an_echo(self) -> None:
        world = World()
        alice = world.client("alice", "echo-message")
        world.client("bob")
        world.log.hold = True
        alice.send("PRIVMSG bob :one", "PING token")
        self.assertEqual(alice.lines(), [])
        world.log.commit()
        self.assertEqual(
            alice.lines(),
            [":alice!alice@127.0.0.1 PRIVMSG bob one", ":irc.test PONG irc.test token"],
        )

    def test_a_refused_message_does_not_overtake_an_echo(self) -> None:
        world = World()
        alice = world.client("alice", "echo-message")
        world.client("bob")
        world.log.hold = True
        alice.send("PRIVMSG bob :one", "PRIVMSG nobody :two")
        self.assertEqual(alice.lines(), [])
        world.log.commit()
        self.assertEqual([line.split()[1] for line in alice.lines()], ["PRIVMSG", "401"])

    def test_what_changes_the_state_is_waited_for(self) -> None:
        world = World()
        alice = world.client("alice")
        world.log.hold = True
        alice.send("JOIN #room", "PRIVMSG #room :in", "TOPIC #room :new")
        self.assertEqual(alice.lines(), [])
        for _ in range(3):
            world.log.commit()
        lines = [line.split()[1] for line in alice.lines()]
        self.assertEqual(lines, ["JOIN", "353", "366", "TOPIC"])

    def test_a_command_waits_for_the_answer_to_the_one_before(self) -> None:
        world = World()
        world.add_account("alice")
        world.hold_answers = True
        alice = world.connect()
        alice.send("CAP REQ :sasl", "NICK alice", "USER alice 0 * :A")
        alice.lines()
        alice.log_in("alice")
        alice.send("CAP END")
        self.assertEqual(alice.lines(), [":irc.test AUTHENTICATE +"])
        world.answers_held.pop()()
        self.assertEqual([line.split()[1] for line in alice.lines()], ["900", "903"])
        world.answers_held.pop()()
        self.assertEqual(alice.lines()[0].split()[1], "001")

    def test_many_lines_do_not_nest(self) -> None:
        world = World()
        alice = world.client("alice")
        world.log.hold = True
        alice.send("JOIN #room", *(["AWAY :x", "AWAY"] * 1000))
        while not alice.seen or not alice.seen[-1].startswith(":irc.test 305"):
            alice.seen.clear()
            world.log.hold = False
            world.log.commit()
        self.assertEqual(len(alice.lines()), 3 + 2000)


class LabelTests(SynchronousTestCase):
    """labeled-response: one line has the label, more are a batch, none is an ACK."""

    def test_forms(self) -> None:
        world = World()
        alice = world.client("alice", TAGS)
        self.assertEqual(alice.exchange("@label=a PONG x"), ["@label=a :irc.test ACK"])
        self.assertEqual(alice.exchange("@label=b PING x"), ["@label=b :irc.test PONG irc.test x"])
        start, *middle, end = alice.exchange("@label=c LUSERS")
        self.assertEqual(start, "@label=c :irc.test BATCH +1 labeled-response")
        self.assertTrue(all(line.startswith("@batch=1 ") for line in middle))
        self.assertEqual(end, ":irc.test BATCH -1")

    def test_each_of_a_commits_echoes_has_its_own_label(self) -> None:
        world = World()
        alice = world.client("alice", TAGS)
        world.client("bob")
        world.log.hold = True
        alice.send("@label=a PRIVMSG bob :one", "@label=b PRIVMSG bob :two")
        world.log.commit()
        one, two = alice.lines()
        self.assertIn("label=a", one)
        self.assertTrue(one.endswith(" one"))
        self.assertIn("label=b", two)

    def test_no_label_without_the_capability(self) -> None:
        alice = World().client("alice", "message-tags")
        self.assertEqual(alice.exchange("@label=a PING x"), [":irc.test PONG irc.test x"])


class UnavailableTests(SynchronousTestCase):
    def test_refused_in_words(self) -> None:
        """An acknowledged message is a stored message: what is not stored is refused."""
        world = World()
        plain, modern = world.client("plain"), world.client("modern", "standard-replies")
        world.log.away = True
        self.assertEqual(
            plain.exchange("JOIN #room"), [":irc.test 400 plain JOIN :The database is away"]
        )
        self.assertEqual(
            modern.exchange("PRIVMSG plain :x"),
            [":irc.test FAIL PRIVMSG TEMPORARILY_UNAVAILABLE :The database is away"],
        )
        self.assertEqual(plain.lines(), [])
        world.log.away = False
        self.assertEqual(plain.exchange("JOIN #room")[0], ":plain!plain@127.0.0.1 JOIN #room")

    def test_what_was_stored_after_its_deadline_is_shown_to_all(self) -> None:
        world = World()
        alice, bob = world.client("alice", "echo-message"), world.client("bob")
        world.log.hold = True
        alice.send("PRIVMSG bob :late")
        [(entries, done)] = world.log._held
        done("Not confirmed")
        self.assertEqual(alice.lines(), [":irc.test 400 alice PRIVMSG :Not confirmed"])
        world.log.apply([*entries])
        self.assertEqual(alice.lines(), [":alice!alice@127.0.0.1 PRIVMSG bob late"])
        self.assertEqual(bob.lines(), [":alice!alice@127.0.0.1 PRIVMSG bob late"])

    def test_a_registration_that_is_not_confirmed_ends_the_session(self) -> None:
        """It may be stored all the same: the session's end is behind it in the log."""
        world = World()
        world.log.away = True
        alice = world.connect()
        alice.send("NICK alice", "USER alice 0 * :A")
        self.assertEqual(alice.commands(), ["400", "ERROR"])
        world.log.away = False
        self.assertEqual(world.network.clients, {})
        world.client("alice")


class FloodTests(SynchronousTestCase):
    def test_a_burst_passes_and_nothing_is_lost(self) -> None:
        world = World(limits=Limits(flood_burst=25, flood_rate=2.0))
        alice = world.client("alice")
        alice.send(*(f"PING {number}" for number in range(60)))
        *pongs, notice = alice.lines()
        at_once = len(pongs)
        self.assertTrue(10 <= at_once <= 25, at_once)
        self.assertIn(" NOTICE alice :You are sending more than 2 lines a second", notice)
        world.clock.advance(5)
        self.assertEqual(len(alice.lines()), 10)
        for _ in range(60):
            world.clock.advance(1)
        self.assertEqual(at_once + 10 + len(alice.lines()), 60)

    def test_what_costs_more_than_the_burst_waits_and_passes(self) -> None:
        world = World(limits=Limits(flood_burst=6, flood_rate=2.0))
        alice = world.client("alice")
        alice.send("SEARCH text=x;in=alice", "PING done")
        self.assertNotIn("PONG", alice.commands())
        world.clock.pump([0.5] * 20)
        self.assertIn("PONG", alice.commands())

    def test_told_once_for_each_flood(self) -> None:
        world = World(limits=Limits(flood_burst=25, flood_rate=2.0))
        alice = world.client("alice", "standard-replies")
        for _ in range(2):
            alice.send(*(["PING x"] * 40))
            for _ in range(60):
                world.clock.advance(1)
            warnings = [line for line in alice.lines() if " WARN * FLOOD :" in line]
            self.assertEqual(len(warnings), 1)

    def test_full(self) -> None:
        world = World(limits=Limits(flood_burst=25, recvq=10))
        alice = world.client("alice")
        alice.send(*(["PING x"] * 50))
        self.assertTrue(alice.machine.is_full)


class OverloadTests(SynchronousTestCase):
    """While the log has too much to store, nobody starts what would append to it."""

    def setUp(self) -> None:
        self.world = World()
        self.alice = self.world.client("alice", "echo-message")
        self.bob = self.world.client("bob")

    def crowd(self, crowded: bool) -> None:
        self.world.hub.brake.set_crowded(crowded)
        self.world.clock.advance(0)

    def test_what_appends_waits_and_what_reads_goes_on(self) -> None:
        self.crowd(True)
        self.assertEqual(self.alice.exchange("PRIVMSG bob :one", "PING behind"), [])
        self.assertTrue(self.alice.machine.is_full)
        self.assertEqual(self.bob.exchange("PING x"), [":irc.test PONG irc.test x"])
        self.assertIn("315", [line.split()[1] for line in self.bob.exchange("WHO alice")])
        self.assertFalse(self.bob.machine.is_full)
        self.crowd(False)
        self.assertEqual(
            self.alice.lines(),
            [":alice!alice@127.0.0.1 PRIVMSG bob one", ":irc.test PONG irc.test behind"],
        )
        self.assertFalse(self.alice.machine.is_full)

    def test_what_is_held_is_judged_when_it_starts(self) -> None:
        self.alice.send("JOIN #room", "MODE #room +m")
        self.bob.send("JOIN #room")
        self.crowd(True)
        self.bob.send("PART #room")
        self.bob.lines(), self.alice.lines()
        self.alice.send("KICK #room bob :out")
        self.crowd(False)
        self.assertEqual([line.split()[1] for line in self.alice.lines()], ["PART", "441"])

    def test_a_session_that_ends_while_it_is_held(self) -> None:
        self.crowd(True)
        self.alice.send("PRIVMSG bob :never started")
        self.alice.disconnect()
        self.crowd(False)
        self.assertEqual(self.bob.lines(), [])
        self.assertEqual(self.alice.lines(), [])

    def test_messages_on_their_way_are_bounded(self) -> None:
        self.world.log.hold = True
        self.alice.send(*(f"PRIVMSG bob :{number}" for number in range(2 * PIPELINE + 1)))
        for wanted in (PIPELINE, PIPELINE, 1):
            self.world.log.commit()
            self.assertEqual(len(self.alice.lines()), wanted)
        self.assertEqual(
            [line.rpartition(" ")[2].lstrip(":") for line in self.bob.lines()],
            [str(number) for number in range(2 * PIPELINE + 1)],
        )


class EndTests(SynchronousTestCase):
    def test_every_transition_ends_in_closed(self) -> None:
        self.assertEqual(set(TRANSITIONS), set(Phase))
        self.assertEqual(TRANSITIONS[Phase.CLOSED], frozenset())
        for phase in set(Phase) - {Phase.CLOSED}:
            self.assertIn(Phase.CLOSED, TRANSITIONS[phase])

    def test_lost_while_claiming(self) -> None:
        world = World()
        world.log.hold = True
        alice = world.connect()
        alice.send("NICK alice", "USER alice 0 * :A")
        alice.disconnect()
        world.log.commit()
        self.assertEqual(world.network.clients, {})
        self.assertEqual(alice.lines(), [])

    def test_lost_while_a_message_is_on_its_way(self) -> None:
        world = World()
        alice, bob = world.client("alice"), world.client("bob")
        world.log.hold = True
        alice.send("PRIVMSG bob :last words")
        alice.disconnect()
        world.log.commit()
        self.assertEqual(bob.lines(), [":alice!alice@127.0.0.1 PRIVMSG bob :last words"])
        self.assertIsNone(world.network.client("alice"))

    def test_lost_while_a_question_is_open(self) -> None:
        world = World()
        world.add_account("alice")
        world.hold_answers = True
        alice = world.connect()
        alice.log_in("alice")
        alice.disconnect()
        alice.lines()
        world.answers_held.pop()()
        self.assertEqual(alice.lines(), [])

    def test_quit(self) -> None:
        world = World()
        alice, bob = world.client("alice"), world.client("bob")
        alice.send("JOIN #room")
        bob.send("JOIN #room")
        bob.lines()
        self.assertEqual(alice.exchange("QUIT :bye", "PING x"), ["ERROR :Quit: bye"])
        self.assertTrue(alice.is_closed)
        self.assertEqual(bob.lines(), [":alice!alice@127.0.0.1 QUIT :Quit: bye"])


class InputTests(SynchronousTestCase):
    def test_not_utf8(self) -> None:
        """utf8-only: "FAIL <command> INVALID_UTF8"."""
        alice = World().client("alice")
        (line,) = alice.exchange(b"PRIVMSG alice :\xff\xfe")
        self.assertTrue(line.startswith(":irc.test FAIL PRIVMSG INVALID_UTF8 :"))

    def test_too_long(self) -> None:
        """Modern IRC, ERR_INPUTTOOLONG (417)."""
        alice = World().client("alice", "message-tags")
        for line in ("PING " + "x" * 600, "@+a=" + "x" * 4093 + " PING x"):
            self.assertEqual(alice.exchange(line), [":irc.test 417 alice :Input line was too long"])

    def test_no_commands_before_registration(self) -> None:
        alice = World().connect()
        for line in ("JOIN #a", "PRIVMSG #a :x", "WHOIS x", "NONSENSE"):
            self.assertEqual(alice.exchange(line), [":irc.test 451 * :You have not registered"])

    def test_empty_and_broken_lines_are_ignored(self) -> None:
        alice = World().client("alice")
        self.assertEqual(alice.exchange("", " ", ":x", "@a=b", "\0"), [])

    def test_spaces_alone_as_a_parameter(self) -> None:
        """No command takes them for a word, and none fails."""
        world = World()
        world.add_account("alice")
        alice = world.client("alice", "standard-replies batch draft/chathistory", "alice")
        alice.exchange("JOIN #room")
        for command in FEATURES.commands:
            for before in ("", "#room ", "alice ", "LATEST #room "):
                if command not in ("QUIT", "DIE", "RESTART"):
                    alice.exchange(f"{command} {before}:  ")
        self.assertEqual(alice.exchange("PING x"), [":irc.test PONG irc.test x"])
