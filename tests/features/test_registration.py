"""CAP, NICK, USER, AUTHENTICATE: who gets in, and what the first lines are."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc import sasl
from chat.irc.casemap import CASEMAPPINGS
from chat.network.settings import AccountSettings
from chat.network.state import Network
from tests.support.world import OPEN, World

STRICT = AccountSettings()


class RegistrationTests(SynchronousTestCase):
    def test_welcome(self) -> None:
        """Modern IRC, "Connection Registration": 001 to 005, LUSERS, MOTD."""
        alice = World(motd=("Hello",)).connect()
        alice.send("NICK alice", "USER alice 0 * :Alice")
        commands = alice.commands()
        self.assertEqual(commands[:5], ["001", "002", "003", "004", "005"])
        self.assertEqual(commands[-3:], ["375", "372", "376"])

    def test_user_may_come_first(self) -> None:
        alice = World().connect()
        alice.send("USER alice 0 * :Alice", "NICK alice")
        self.assertIn("001", alice.commands())

    def test_negotiation_holds_registration(self) -> None:
        alice = World().connect()
        alice.send("CAP LS 302", "NICK alice", "USER alice 0 * :Alice")
        self.assertEqual(set(alice.commands()), {"CAP"})
        alice.send("CAP END")
        self.assertIn("001", alice.commands())

    def test_nicknames(self) -> None:
        world = World()
        world.client("bob")
        alice = world.connect()
        for line, wanted in {
            "NICK": ":irc.test 431 * :No nickname given",
            "NICK 1x": ":irc.test 432 * 1x :Erroneous nickname",
            "NICK :a b": ":irc.test 432 * a :Erroneous nickname",
            "NICK BOB": ":irc.test 433 * BOB :Nickname is already in use",
        }.items():
            self.assertEqual(alice.exchange(line), [wanted])

    def test_two_claims_at_once(self) -> None:
        """The earlier in the log has it; the other may choose again."""
        world = World()
        world.log.hold = True
        first, second = world.connect(), world.connect()
        for client in (first, second):
            client.send("NICK alice", "USER alice 0 * :A")
        world.log.commit()
        self.assertIn("001", first.commands())
        self.assertEqual(second.lines(), [":irc.test 433 * alice :Nickname is already in use"])
        second.send("NICK other")
        world.log.commit()
        self.assertIn("001", second.commands())

    def test_user(self) -> None:
        alice = World().connect()
        for line in ("USER a", "USER a 0 * :"):
            self.assertEqual(alice.exchange(line), [":irc.test 461 * USER :Not enough parameters"])
        alice.send("USER alice 0 * :A", "NICK alice")
        self.assertEqual(
            alice.exchange("USER x 0 * :x"), [":irc.test 462 alice :You may not reregister"]
        )

    def test_change_of_nickname(self) -> None:
        world = World()
        alice, bob = world.client("alice"), world.client("bob")
        for client in (alice, bob):
            client.send("JOIN #room")
        bob.lines()
        self.assertEqual(alice.exchange("NICK Ally"), [":alice!alice@127.0.0.1 NICK Ally"])
        self.assertEqual(bob.lines(), [":alice!alice@127.0.0.1 NICK Ally"])
        self.assertEqual(
            bob.exchange("NICK ally"), [":irc.test 433 bob ally :Nickname is already in use"]
        )
        self.assertEqual(bob.exchange("NICK bob"), [])


class CapabilityTests(SynchronousTestCase):
    def test_list(self) -> None:
        """capability-negotiation: values from version 302 on; cap-notify comes with it."""
        world = World()
        old, new = world.connect(), world.connect()
        self.assertNotIn("=", old.exchange("CAP LS")[0])
        self.assertIn("sasl=PLAIN", " ".join(new.exchange("CAP LS 302")))
        self.assertEqual(new.exchange("CAP LIST"), [":irc.test CAP * LIST cap-notify"])
        self.assertEqual(old.exchange("CAP LIST"), [":irc.test CAP * LIST :"])

    def test_request(self) -> None:
        """ "the server MUST NOT make any change if it sends NAK" """
        alice = World().connect()
        self.assertEqual(
            alice.exchange("CAP REQ :echo-message nonsense"),
            [":irc.test CAP * NAK :echo-message nonsense"],
        )
        self.assertEqual(alice.exchange("CAP LIST"), [":irc.test CAP * LIST :"])
        alice.send("CAP REQ :echo-message batch")
        self.assertEqual(
            alice.exchange("CAP REQ -batch", "CAP LIST"),
            [":irc.test CAP * ACK -batch", ":irc.test CAP * LIST echo-message"],
        )

    def test_unknown_subcommand(self) -> None:
        alice = World().connect()
        self.assertEqual(
            alice.exchange("CAP NONSENSE"), [":irc.test 410 * NONSENSE :Invalid CAP command"]
        )

    def test_after_registration(self) -> None:
        alice = World().client("alice")
        self.assertEqual(
            alice.exchange("CAP REQ away-notify"), [":irc.test CAP alice ACK away-notify"]
        )


class LoginTests(SynchronousTestCase):
    def world(self, accounts: AccountSettings = STRICT) -> World:
        world = World(accounts)
        world.add_account("Alice")
        world.add_account("bob")
        return world

    def test_required(self) -> None:
        alice = self.world().connect(account="Alice")
        alice.send("NICK alice", "USER a 0 * :A")
        fail, error = alice.lines()
        self.assertTrue(fail.startswith(":irc.test FAIL * ACCOUNT_REQUIRED :"))
        self.assertTrue(error.startswith("ERROR :"))
        self.assertTrue(alice.is_closed)

    def test_plain(self) -> None:
        """sasl-3.1: 900 and 903; the nickname is the account's name."""
        world = self.world()
        alice = world.connect(account="Alice", device="laptop")
        alice.send("CAP REQ :sasl", "NICK whatever", "USER a 0 * :A")
        alice.lines()
        alice.log_in("alice")
        self.assertEqual(
            alice.lines(),
            [
                ":irc.test AUTHENTICATE +",
                ":irc.test 900 whatever whatever!a@127.0.0.1 Alice :You are now logged in as Alice",
                ":irc.test 903 whatever :SASL authentication successful",
            ],
        )
        alice.send("CAP END")
        self.assertTrue(alice.lines()[0].startswith(":irc.test 001 Alice "))
        client = world.network.client("alice")
        assert client is not None
        devices = [each.device for each in client.sessions.values()]
        self.assertEqual((client.account, devices), ("Alice", ["laptop"]))
        self.assertEqual(alice.log, ["logged in as Alice by PLAIN"])

    def test_wrong_password_and_unknown_account_look_alike(self) -> None:
        world = self.world(OPEN)
        answers = []
        for name in ("alice", "nobody"):
            client = world.connect()
            client.log_in(name, "wrong")
            answers.append(client.lines()[1:])
            self.assertNotIn("wrong\0", repr(client.log))
        self.assertEqual(answers[0], answers[1])
        self.assertTrue(answers[0][0].startswith(":irc.test 904 * :"))

    def test_only_the_account_in_the_certificate(self) -> None:
        """identity = "certificate": no other account, not even with its password."""
        world = self.world()
        for certificate in ("bob", None):
            client = world.connect(account=certificate)
            client.log_in("Alice")
            self.assertTrue(client.lines()[1].startswith(":irc.test 904 "))
            self.assertIn("another account", client.log[0])

    def test_external(self) -> None:
        """EXTERNAL is offered with a usable certificate, where no password is required."""
        world = self.world(AccountSettings(password="optional"))
        alice = world.connect(account="Alice")
        self.assertIn("sasl=PLAIN,SCRAM-SHA-256,EXTERNAL", " ".join(alice.exchange("CAP LS 302")))
        alice.send("AUTHENTICATE EXTERNAL", "AUTHENTICATE +")
        self.assertEqual(alice.commands()[1:], ["900", "903"])
        stranger = world.connect(account="removed")
        stranger.send("AUTHENTICATE EXTERNAL", "AUTHENTICATE +")
        self.assertEqual(stranger.commands()[1:], ["904"])
        other = world.connect(account="Alice")
        other.send("AUTHENTICATE EXTERNAL", *map("AUTHENTICATE {}".format, sasl.chunks(b"bob")))
        self.assertEqual(other.commands()[1:], ["904"])

    def test_external_is_not_offered(self) -> None:
        for world, account in ((self.world(), "Alice"), (self.world(OPEN), None)):
            client = world.connect(account=account)
            self.assertEqual(
                client.exchange("AUTHENTICATE EXTERNAL"),
                [
                    ":irc.test 908 * PLAIN,SCRAM-SHA-256 :are available SASL mechanisms",
                    ":irc.test 904 * :SASL authentication failed",
                ],
            )

    def test_abort_broken_and_long_responses(self) -> None:
        client = self.world(OPEN).connect()
        for lines, numeric in (
            (["AUTHENTICATE *"], "906"),
            (["AUTHENTICATE $$$"], "904"),
            (["AUTHENTICATE " + "A" * 401], "905"),
            (["AUTHENTICATE " + "A" * 400] * 11, "904"),
        ):
            client.lines()
            client.send("AUTHENTICATE PLAIN", *lines)
            self.assertEqual(client.commands(), ["AUTHENTICATE", numeric])

    def test_again(self) -> None:
        client = self.world(OPEN).connect()
        client.log_in("alice")
        self.assertEqual(
            client.exchange("AUTHENTICATE PLAIN"),
            [":irc.test AUTHENTICATE +"],
        )
        strict = self.world().connect(account="Alice")
        strict.log_in("alice")
        self.assertEqual(
            strict.exchange("AUTHENTICATE PLAIN"),
            [":irc.test 907 * :You have already authenticated using SASL"],
        )

    def test_pass(self) -> None:
        """Clients without SASL log in with PASS, to the certificate's account by default."""
        for words, peer, account in (
            ("alice:secret", {}, "Alice"),
            ("secret", {"account": "Alice"}, "Alice"),
            ("alice:wrong", {}, None),
            ("whatever", {}, None),
        ):
            client = self.world(OPEN).connect(**peer)
            client.send(f"PASS {words}")
            self.assertEqual(client.machine.session.account, account)
            self.assertEqual(client.commands(), [] if account else ["464"])

    def test_after_registration(self) -> None:
        world = self.world(OPEN)
        watcher = world.client("watcher", "account-notify")
        guest = world.client("guest")
        for client in (watcher, guest):
            client.send("JOIN #room")
        watcher.lines()
        guest.log_in("alice")
        self.assertEqual(watcher.lines(), [":guest!guest@127.0.0.1 ACCOUNT Alice"])

    def test_nickname_is_the_account(self) -> None:
        world = self.world(AccountSettings(identity="any"))
        alice = world.client("Alice", account="Alice")
        self.assertEqual(alice.exchange("NICK x")[0].split()[1], "447")


class ReservationTests(SynchronousTestCase):
    """Nobody poses as the owner of an account, also where nicknames are free."""

    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("Alice")

    def test_at_registration(self) -> None:
        guest = self.world.connect()
        guest.send("NICK alice", "USER x 0 * :x")
        self.assertEqual(
            guest.lines(),
            [":irc.test 433 * alice :Nickname is the name of an account: log in to it first"],
        )
        guest.send("NICK other")
        self.assertIn("001", guest.commands())
        self.assertIn(" 433 ", guest.exchange("NICK ALICE")[0])

    def test_its_owner_may(self) -> None:
        owner = self.world.connect()
        owner.send("CAP REQ sasl", "NICK alice", "USER x 0 * :x")
        owner.log_in("alice")
        owner.send("CAP END")
        self.assertIn("001", owner.commands())


class CasemappingTests(SynchronousTestCase):
    def test_rfc1459(self) -> None:
        """Modern IRC, "CASEMAPPING parameter": {}|^ are the lower case of []\\~."""
        self.assertEqual(CASEMAPPINGS["rfc1459"]("[A]"), "{a}")
        network = Network(CASEMAPPINGS["rfc1459"])
        self.assertEqual(network.fold("#A["), network.fold("#a{"))


class SharedSessionTests(SynchronousTestCase):
    def test_each_receives_everything(self) -> None:
        """Several sessions of one account share its nickname, and see what the others send."""
        world = World(evolve(OPEN, persistence="disabled"))
        world.add_account("alice")
        one = world.client("alice", "echo-message", account="alice")
        one.send("JOIN #room")
        bob = world.client("bob")
        bob.send("JOIN #room")
        two = world.connect(account="alice", device="phone")
        two.log_in("alice")
        two.send("NICK alice", "USER alice 0 * :A")
        joined = [line for line in two.lines() if " JOIN " in line or " 353 " in line]
        self.assertEqual(
            joined,
            [
                ":alice!alice@127.0.0.1 JOIN #room",
                ":irc.test 353 alice = #room :@alice bob",
            ],
        )
        one.lines(), bob.lines()
        two.send("PRIVMSG #room :from two", "PRIVMSG bob :psst")
        self.assertEqual(two.lines(), [])
        wanted = [
            ":alice!alice@127.0.0.1 PRIVMSG #room :from two",
            ":alice!alice@127.0.0.1 PRIVMSG bob psst",
        ]
        self.assertEqual(one.lines(), wanted)
        self.assertEqual(bob.lines(), wanted)
        bob.send("PRIVMSG alice :hi")
        self.assertEqual(one.lines(), two.lines())
        one.disconnect()
        self.assertEqual(bob.lines(), [])
        two.disconnect()
        self.assertEqual(bob.lines(), [":alice!alice@127.0.0.1 QUIT :Connection closed"])
        self.assertIsNone(world.network.client("alice"))


class AnyScriptTests(SynchronousTestCase):
    def test_a_look_alike_of_somebody_is_taken(self) -> None:
        world = World(casemapping="precis")
        evan = world.client("evan")
        other = world.connect()
        self.assertIn(" 433 ", other.exchange("NICK \u0435van")[0])
        other.send("NICK \u00e9van", "USER x 0 * :x")
        self.assertIn("001", other.commands())
        self.assertEqual(evan.exchange("NICK \u0435van")[0], ":evan!evan@127.0.0.1 NICK \u0435van")
        self.assertIn(" 432 ", evan.exchange("NICK \U0001f60a")[0])

    def test_ascii_unless_asked_for(self) -> None:
        self.assertIn(" 432 ", World().connect().exchange("NICK \u00e9van")[0])
