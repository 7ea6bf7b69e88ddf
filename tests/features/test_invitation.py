"""DEVICES INVITE and INVITATION: who gets a code, and who does not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.features.feature import MakeInvitation
from chat.network.records import NotInvited
from tests.support.world import CODE, World


class InvitationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("alice")
        self.world.add_account("boss", role="operator")
        self.alice = self.world.client("alice", account="alice")
        self.boss = self.world.client("boss", account="boss")
        self.boss.send("OPER")

    def test_a_device_of_one_s_own(self) -> None:
        self.assertEqual(
            self.alice.exchange("DEVICES INVITE phone"),
            [
                f":irc.test NOTE DEVICES INVITED phone {CODE} :Good until Tuesday 2023-11-14"
                " 22:28:20 UTC, once: on the new device run securechat join and type the code."
                " Who has it is alice"
            ],
        )
        self.alice.send("DEVICES invite tablet 1d")
        self.assertEqual(
            self.world.invited,
            [
                MakeInvitation("alice", "phone", 900, 5),
                MakeInvitation("alice", "tablet", 86_400, 5),
            ],
        )

    def test_the_code_is_told_once(self) -> None:
        """Neither another session of the account nor the log has it."""
        other = self.world.client("al", "echo-message labeled-response", account="alice")
        other.lines()
        self.alice.send("DEVICES INVITE phone")
        self.assertEqual(other.lines(), [])
        self.assertNotIn(CODE, repr(self.world.log.stored))
        self.assertEqual(
            self.alice.log[-1:],
            ["invited the device phone of alice, until Tuesday 2023-11-14 22:28:20 UTC"],
        )

    def test_what_is_refused(self) -> None:
        for words, code in (
            ("9phone", "INVALID_DEVICE 9phone"),
            ("::x", "INVALID_DEVICE x"),
            (f"{'x' * 65}", "INVALID_DEVICE xx"),
            ("phone soon", "INVALID_EXPIRY soon"),
            ("phone 0s", "INVALID_EXPIRY 0s"),
            ("phone 1d1s", "INVALID_EXPIRY 1d1s"),
        ):
            (refused,) = self.alice.exchange(f"DEVICES INVITE {words}")
            self.assertIn(f" FAIL DEVICES {code}", refused)
        self.assertEqual(self.world.invited, [])
        self.assertIn(" 461 alice DEVICES ", self.alice.exchange("DEVICES INVITE")[0])

    def test_a_guest_has_no_devices(self) -> None:
        (refused,) = self.world.client("guest").exchange("DEVICES INVITE phone")
        self.assertIn(" FAIL DEVICES ACCOUNT_REQUIRED ", refused)

    def test_the_server_makes_none(self) -> None:
        for reason, code, remedy in (
            (NotInvited.CANNOT_SIGN, "CANNOT_SIGN phone", "securechat cert issue"),
            (NotInvited.TOO_MANY, "TOO_MANY_INVITATIONS alice", "5 invitations of alice are open"),
        ):
            self.world.not_invited = reason
            (refused,) = self.alice.exchange("DEVICES INVITE phone")
            self.assertIn(f" FAIL DEVICES {code} :", refused)
            self.assertIn(remedy, refused)

    def test_operators_invite_others(self) -> None:
        (told,) = self.boss.exchange("INVITATION carol")
        self.assertIn(f" NOTE INVITATION INVITED laptop {CODE} :Good until ", told)
        self.boss.send("INVITATION carol phone 7d")
        self.assertEqual(
            self.world.invited,
            [
                MakeInvitation("carol", "laptop", 86_400, 5),
                MakeInvitation("carol", "phone", 7 * 86_400, 5),
            ],
        )
        self.assertIn(" INVALID_ACCOUNT 9 ", self.boss.exchange("INVITATION 9")[0])
        self.assertIn(" INVALID_EXPIRY 8d ", self.boss.exchange("INVITATION carol phone 8d")[0])
        self.assertIn(" 481 alice ", self.alice.exchange("INVITATION carol")[0])
