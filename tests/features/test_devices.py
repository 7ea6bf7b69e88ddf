"""DEVICES, and who is refused afterwards."""

from __future__ import annotations

from hashlib import sha256

from twisted.trial.unittest import SynchronousTestCase

from chat.network.entities import ABSENT
from chat.network.ids import Timestamp
from chat.network.settings import AccountSettings, Limits
from chat.network.state import Network
from tests.support.world import OPEN, FakeClient, World

DAY = 86_400
START = 1_700_000_000_000
STRICT = AccountSettings()


def day(count: int) -> Timestamp:
    return Timestamp(START + count * DAY * 1000)


def short(certificate: str) -> str:
    return sha256(certificate.encode()).hexdigest()[:16]


class DeviceCase(SynchronousTestCase):
    accounts = STRICT
    limits = Limits(flood=False)

    def setUp(self) -> None:
        self.world = World(self.accounts, self.limits)
        for account in ("alice", "bob"):
            self.world.add_account(account)
        self.world.add_account("boss", role="operator")

    def enter(
        self, account: str, device: str, capabilities: str = "", **peer: object
    ) -> FakeClient:
        client = self.world.device(account, device, **peer)  # type: ignore[arg-type]
        client.enter(account, capabilities)
        self.assertIn("001", client.commands())
        client.lines()
        return client

    def devices(self, client: FakeClient, *words: str) -> list[str]:
        """Return what DEVICES lists, without the line at the end."""
        *lines, end = client.exchange(" ".join(("DEVICES", *words)))
        self.assertIn(" 374 ", end)
        return [line.partition(" :")[2] for line in lines]

    def names(self, client: FakeClient) -> list[str]:
        return [line.partition(":")[0] for line in self.devices(client)]


class ListTests(DeviceCase):
    def test_each_device_of_the_account_is_one_line(self) -> None:
        laptop = self.enter("alice", "laptop")
        self.world.clock.advance(60)
        phone = self.enter("alice", "phone")
        self.enter("alice", "phone")
        self.enter("bob", "desk")
        end = "Thursday 2023-12-14 22:13:20 UTC"
        self.assertEqual(
            laptop.exchange("DEVICES"),
            [
                ":irc.test 371 alice :laptop (this device): connected, certificate"
                f" {short('alice/laptop')} expires {end},"
                " first seen Tuesday 2023-11-14 22:13:20 UTC",
                ":irc.test 371 alice :phone: connected 2 times, certificate"
                f" {short('alice/phone')} expires {end},"
                " first seen Tuesday 2023-11-14 22:14:20 UTC",
                ":irc.test 374 alice :End of the devices of alice",
            ],
        )
        self.assertEqual(self.names(phone), ["laptop", "phone (this device)"])

    def test_who_is_not_here_was_last_seen_when_it_left(self) -> None:
        laptop, phone = self.enter("alice", "laptop"), self.enter("alice", "phone")
        self.world.clock.advance(3600)
        phone.disconnect()
        self.world.clock.advance(3600)
        self.assertIn("phone: last seen Tuesday 2023-11-14 23:13:20", self.devices(laptop)[1])

    def test_an_expired_certificate_is_said_to_be(self) -> None:
        laptop, old = self.enter("alice", "laptop"), self.enter("alice", "old", expires=day(1))
        old.disconnect()
        self.world.clock.advance(2 * DAY)
        self.assertIn(f"{short('alice/old')} expired Wednesday 2023-11-15", self.devices(laptop)[1])

    def test_another_account_is_for_operators(self) -> None:
        alice, boss = self.enter("alice", "laptop"), self.enter("boss", "desk")
        self.assertEqual(self.devices(alice, "Alice"), self.devices(alice))
        (refused,) = boss.exchange("DEVICES alice")
        self.assertIn(" 481 boss ", refused)
        boss.send("OPER")
        (line,) = self.devices(boss, "alice")
        whole = sha256(b"alice/laptop").hexdigest()
        self.assertTrue(line.startswith(f"laptop: connected, certificate {whole} "), line)
        boss.send(f"KLINE c:{whole} :lost")
        self.assertTrue(alice.is_closed)
        self.assertEqual(self.devices(boss, "nobody"), [])

    def test_help(self) -> None:
        lines = self.enter("alice", "laptop").exchange("HELP DEVICES")
        self.assertIn("DEVICES [account]: ", lines[0])
        self.assertIn("DEVICES INVITE name [expiry]: ", lines[1])
        self.assertIn("DEVICES REMOVE name [CONFIRM]: ", lines[2])


class RenewalTests(DeviceCase):
    def test_a_renewed_certificate_is_the_same_device(self) -> None:
        self.enter("alice", "laptop", certificate="first", expires=day(30)).disconnect()
        self.world.clock.advance(20 * DAY)
        laptop = self.enter("alice", "laptop", certificate="second", expires=day(50))
        (line,) = self.devices(laptop)
        self.assertIn(f"laptop (this device): connected, certificate {short('second')} ", line)
        self.assertIn("first seen Tuesday 2023-11-14", line)

    def test_a_renewed_certificate_outlives_the_one_before(self) -> None:
        for certificate, after in (("first", 0), ("second", 20), ("third", 20)):
            self.world.clock.advance(after * DAY)
            end = Timestamp(int(self.world.clock.seconds() * 1000) + day(30))
            laptop = self.enter("alice", "laptop", certificate=certificate, expires=end)
            laptop.disconnect()
        self.assertEqual(len(self.world.network.devices["alice"]), 2)
        laptop = self.enter("alice", "laptop", certificate="third", expires=day(70))
        self.assertIn("first seen Tuesday 2023-11-14", self.devices(laptop)[0])

    def test_removing_it_removes_all_its_certificates(self) -> None:
        old = self.enter("alice", "laptop", certificate="first")
        new = self.enter("alice", "laptop", certificate="second")
        phone = self.enter("alice", "phone")
        phone.send("DEVICES REMOVE laptop")
        self.assertTrue(old.is_closed and new.is_closed)
        self.assertEqual(self.names(phone), ["phone (this device)"])

    def test_a_new_certificate_brings_a_removed_device_back(self) -> None:
        phone = self.enter("alice", "phone")
        self.enter("alice", "laptop", certificate="first")
        phone.send("DEVICES REMOVE laptop")
        self.enter("alice", "laptop", certificate="second")
        self.assertEqual(self.names(phone), ["laptop", "phone (this device)"])


class RemoveTests(DeviceCase):
    def setUp(self) -> None:
        super().setUp()
        self.laptop, self.phone = self.enter("alice", "laptop"), self.enter("alice", "phone")

    def test_its_sessions_end_and_the_others_stay(self) -> None:
        bob = self.enter("bob", "desk")
        for client in (self.phone, bob):
            client.send("JOIN #room")
        bob.lines()
        (answer,) = self.phone.exchange("DEVICES REMOVE Laptop")
        self.assertEqual(
            answer,
            ":irc.test NOTE DEVICES DEVICE_REMOVED laptop"
            " :laptop is removed: its sessions are closed, and it is not let in again",
        )
        self.assertEqual(
            self.laptop.lines()[-1],
            "ERROR :This device was removed from the account alice by alice on phone",
        )
        self.assertTrue(self.laptop.is_closed)
        self.assertEqual(bob.lines(), [])
        self.assertEqual(self.names(self.phone), ["phone (this device)"])
        self.assertIn("removed the device laptop of alice", self.phone.log)

    def test_it_is_refused_by_sasl_and_by_registration(self) -> None:
        self.phone.send("DEVICES REMOVE laptop")
        again = self.world.device("alice", "laptop")
        again.enter("alice")
        why = "This device was removed from the account alice by alice on phone"
        self.assertEqual(
            again.lines()[-4:],
            [
                ":irc.test AUTHENTICATE +",
                f":irc.test 904 * :SASL authentication failed: {why}",
                f":irc.test FAIL * DEVICE_REMOVED :{why}: it needs a new certificate",
                f"ERROR :{why}",
            ],
        )
        self.assertIn(f"refused: {why}", again.log)
        other = self.world.device("alice", "laptop")
        other.send("PASS secret")
        self.assertIn(f" 464 * :Password incorrect: {why}", other.lines()[0])

    def test_one_that_is_logged_in_and_not_registered_gets_no_further(self) -> None:
        late = self.world.device("alice", "laptop")
        late.send("CAP LS 302", "NICK alice", "USER alice 0 * :A")
        late.log_in("alice")
        self.assertIn("903", late.commands())
        self.phone.send("DEVICES REMOVE laptop")
        late.send("CAP END")
        self.assertEqual(late.commands()[-2:], ["FAIL", "ERROR"])

    def test_a_registration_that_is_on_its_way_is_behind_the_removal(self) -> None:
        late = self.world.device("alice", "laptop")
        late.send("CAP LS 302", "NICK alice", "USER alice 0 * :A")
        late.log_in("alice")
        late.lines()
        self.world.log.hold = True
        self.phone.send("DEVICES REMOVE laptop")
        late.send("CAP END")
        self.assertEqual(late.lines(), [])
        self.world.log.commit()
        self.world.log.hold = False
        self.assertFalse(late.commands().count("001"))
        self.world.log.commit()
        self.assertEqual(late.commands(), ["ERROR"])
        self.assertNotIn(late.machine.session.id, self.world.network.sessions)

    def test_the_device_in_use_is_answered_before_it_is_cut_off(self) -> None:
        self.laptop.send("JOIN #room")
        lines = self.laptop.exchange("DEVICES REMOVE laptop")
        self.assertEqual([line.split()[0] for line in lines], [":irc.test", "ERROR"])
        self.assertIn(" NOTE DEVICES DEVICE_REMOVED laptop :", lines[0])
        self.assertFalse(self.phone.is_closed)

    def test_the_last_one_needs_a_confirmation(self) -> None:
        bob = self.enter("bob", "desk")
        bob.send("CAP REQ away-notify")
        for client in (self.phone, bob):
            client.send("JOIN #room")
        self.phone.send("DEVICES REMOVE laptop")
        (refused,) = self.phone.exchange("DEVICES REMOVE phone")
        self.assertIn(" FAIL DEVICES LAST_DEVICE phone :It is your last device", refused)
        self.assertTrue(refused.endswith("DEVICES REMOVE phone CONFIRM"), refused)
        self.assertFalse(self.phone.is_closed)
        bob.lines()
        self.phone.send("DEVICES REMOVE phone confirm")
        self.assertTrue(self.phone.is_closed)
        # How somebody's devices are called is nothing for the others to know.
        self.assertEqual(bob.lines(), [f":alice!alice@127.0.0.1 AWAY :{ABSENT}"])

    def test_an_expired_one_is_not_counted_as_another(self) -> None:
        self.enter("alice", "old", expires=day(1)).disconnect()
        self.phone.send("DEVICES REMOVE laptop")
        self.world.clock.advance(2 * DAY)
        self.assertIn(" LAST_DEVICE ", self.phone.exchange("DEVICES REMOVE phone")[0])
        self.assertIn(" DEVICE_REMOVED old ", self.phone.exchange("DEVICES REMOVE old")[0])

    def test_what_there_is_not_is_not_removed(self) -> None:
        boss, bob = self.enter("boss", "desk"), self.enter("bob", "tablet")
        boss.send("OPER")
        for client, word in ((boss, "laptop"), (bob, "phone"), (self.phone, short("x"))):
            (refused,) = client.exchange(f"DEVICES REMOVE {word}")
            self.assertIn(f" FAIL DEVICES NO_SUCH_DEVICE {word} :", refused)
        self.assertIn(" NO_SUCH_DEVICE * ", self.phone.exchange("DEVICES REMOVE :  ")[0])
        self.assertIn(" 461 alice DEVICES ", self.phone.exchange("DEVICES REMOVE")[0])
        self.assertEqual(len(self.devices(self.phone)), 2)

    def test_nothing_is_said_to_be_removed_that_is_not_stored(self) -> None:
        self.world.log.away = True
        (refused,) = self.phone.exchange("DEVICES REMOVE laptop")
        self.assertIn(" 400 alice DEVICES ", refused)
        self.assertFalse(self.laptop.is_closed)

    def test_the_log_alone_keeps_it_out(self) -> None:
        """A crash loses who was seen when, and no removal."""
        self.phone.send("DEVICES REMOVE laptop")
        network = Network()
        for entry in self.world.log.stored:
            network.apply(entry)
        self.world.network.devices = network.devices
        again = self.world.device("alice", "laptop")
        again.enter("alice")
        self.assertEqual(again.commands()[-1], "ERROR")
        self.enter("alice", "phone")


class ForgettingTests(DeviceCase):
    limits = Limits(flood=False, devices=3)

    def test_the_limit_forgets_who_was_not_seen_for_the_longest_time(self) -> None:
        laptop = self.enter("alice", "laptop")
        for name in ("a", "b", "c"):
            self.world.clock.advance(60)
            self.enter("alice", name).disconnect()
        self.assertEqual(self.names(laptop), ["b", "c", "laptop (this device)"])

    def test_the_limit_forgets_the_expired_first(self) -> None:
        laptop = self.enter("alice", "laptop")
        self.enter("alice", "a").disconnect()
        self.world.clock.advance(60)
        self.enter("alice", "old", expires=day(1)).disconnect()
        self.world.clock.advance(2 * DAY)
        self.enter("alice", "new")
        self.assertEqual(self.names(laptop), ["a", "laptop (this device)", "new"])

    def test_what_expired_long_ago_is_forgotten(self) -> None:
        laptop = self.enter("alice", "laptop", expires=day(365))
        self.enter("alice", "old", expires=day(1)).disconnect()
        self.world.clock.advance(90 * DAY)
        self.enter("alice", "laptop", expires=day(365))
        self.assertEqual(len(self.devices(laptop)), 2)
        self.world.clock.advance(2 * DAY)
        self.enter("alice", "laptop", expires=day(365))
        self.assertEqual(self.names(laptop), ["laptop (this device)"])

    def test_a_removed_one_is_remembered_until_it_expires(self) -> None:
        laptop = self.enter("alice", "laptop", expires=day(365))
        self.enter("alice", "lost")
        laptop.send("DEVICES REMOVE lost")
        for name in ("a", "b", "c", "d"):
            self.enter("alice", name).disconnect()
        refused = self.world.device("alice", "lost")
        refused.enter("alice")
        self.assertEqual(refused.commands()[-1], "ERROR")
        self.assertEqual(len(self.world.network.devices["alice"]), 4)
        self.world.clock.advance(31 * DAY)
        self.enter("alice", "laptop", expires=day(365))
        self.assertNotIn("lost", repr(self.world.network.devices))


class AnyIdentityTests(DeviceCase):
    """Where a certificate may carry another account than the one that one logs in to."""

    accounts = OPEN

    def borrow(self, account: str) -> FakeClient:
        """Return a session of ``account`` with the certificate of alice's laptop."""
        client = self.world.device("alice", "laptop")
        client.enter(account)
        return client

    def test_it_is_listed_by_fingerprint_and_bears_no_name(self) -> None:
        bob = self.borrow("bob")
        (line,) = self.devices(bob)
        self.assertTrue(line.startswith(f"{short('alice/laptop')} (this device): "), line)

    def test_removed_from_one_account_it_serves_the_other(self) -> None:
        bob, borrowed = self.enter("bob", "desk"), self.borrow("bob")
        bob.send(f"DEVICES REMOVE {short('alice/laptop')}")
        self.assertTrue(borrowed.is_closed)
        self.assertIn("904", self.borrow("bob").commands())
        self.assertIn("903", self.borrow("alice").commands())

    def test_removed_by_its_owner_it_serves_nobody(self) -> None:
        phone, borrowed = self.enter("alice", "phone"), self.borrow("bob")
        self.enter("alice", "laptop")
        phone.send("DEVICES REMOVE laptop")
        self.assertTrue(borrowed.is_closed)
        self.assertEqual(self.borrow("bob").commands()[-2:], ["FAIL", "ERROR"])
        guest = self.world.device("alice", "laptop")
        guest.send("NICK guest", "USER guest 0 * :G")
        self.assertEqual(guest.commands(), ["FAIL", "ERROR"])

    def test_a_guest_has_no_devices_until_a_login(self) -> None:
        guest = self.world.device("alice", "laptop")
        guest.send("NICK guest", "USER guest 0 * :G")
        for line, answer in (
            ("DEVICES", "FAIL DEVICES ACCOUNT_REQUIRED :"),
            ("DEVICES REMOVE laptop", "FAIL DEVICES ACCOUNT_REQUIRED :"),
        ):
            self.assertIn(answer, guest.exchange(line)[0])
        guest.log_in("alice")
        self.assertEqual(self.names(guest), ["laptop (this device)"])
