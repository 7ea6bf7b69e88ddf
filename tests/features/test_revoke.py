"""REVOKE, and what rooms are told."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.features.feature import RevokeCertificates
from chat.irc.standard_replies import fail
from chat.network.certificate import Certificate
from chat.network.events import CertificatesRevoked
from chat.network.policy import RefusedError
from tests.support.world import World


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.boss = self.world.client("boss")
        self.boss.exchange("OPER root sesame")

    def test_operators_revoke(self) -> None:
        self.world.revocation = ("alice/phone", "alice/phone")
        (note,) = self.boss.exchange("REVOKE alice/phone key-compromise lost")
        self.assertEqual(
            note,
            ":irc.test NOTE REVOKE REVOKED alice/phone :Revoked: 2 more on the list; sessions with"
            " them are closed",
        )
        self.assertEqual(
            self.world.revocations_asked,
            [RevokeCertificates("alice/phone", "key-compromise lost")],
        )
        self.assertIn("revokes 'alice/phone': 'key-compromise lost'", self.boss.log)

    def test_an_account(self) -> None:
        self.world.revocation = ("alice/phone", "alice/laptop")
        (note,) = self.boss.exchange("REVOKE alice")
        self.assertIn(" REVOKED alice :", note)

    def test_a_refusal_says_why(self) -> None:
        self.world.revocation = RefusedError(fail("REVOKE", "CANNOT_SIGN", "alice", text="no key"))
        self.assertEqual(
            self.boss.exchange("REVOKE alice"), [":irc.test FAIL REVOKE CANNOT_SIGN alice :no key"]
        )

    def test_others_may_not(self) -> None:
        (refused,) = self.world.client("guest").exchange("REVOKE alice")
        self.assertIn(" 481 guest ", refused)
        self.assertEqual(self.world.revocations_asked, [])


class NoticeTests(SynchronousTestCase):
    def notice(self, *devices: str, reason: str = "", note: str = "") -> list[str]:
        """Return what a room of Alice's is told."""
        world = World()
        world.add_account("alice")
        world.client("alice", account="alice").send("JOIN #lab")
        bob = world.client("bob")
        bob.exchange("JOIN #lab")
        event = CertificatesRevoked("alice", devices, (Certificate("aa"),), reason, note)
        world.log.append((world.hub.stamp(event),), lambda failed: None)
        return bob.lines()

    def test_words(self) -> None:
        self.assertEqual(
            self.notice("phone", reason="key compromise", note="left in the train"),
            [
                ":irc.test NOTICE #lab :alice's device phone was revoked: key compromise,"
                " left in the train"
            ],
        )
        self.assertEqual(
            self.notice("laptop", "phone", "tablet"),
            [":irc.test NOTICE #lab :alice's devices laptop, phone and tablet were revoked"],
        )

    def test_a_device_that_has_another_certificate(self) -> None:
        self.assertEqual(self.notice(), [])
