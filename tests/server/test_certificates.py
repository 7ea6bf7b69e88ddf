"""Certificates of those who are connected: when they are warned, and when it is over."""

from __future__ import annotations

from types import SimpleNamespace

from cryptography.x509 import ReasonFlags
from twisted.trial.unittest import SynchronousTestCase

from chat.network.ids import Timestamp
from chat.network.session import Peer
from chat.server.certificates import SessionCertificates, warning
from tests.support.world import FakeClient, World

START = 1_700_000_000_000
DAY = 86_400_000


def peer(life: int) -> Peer:
    return Peer("host", begins=Timestamp(START), expires=Timestamp(START + life * DAY))


class WarningTests(SynchronousTestCase):
    def warnings(self, life: int) -> dict[int, int | None]:
        """Return the warning of each day that has another one than the day before."""
        found: dict[int, int | None] = {}
        last = None
        for day in range(life + 1):
            due = warning(peer(life), Timestamp(START + day * DAY))
            if due != last:
                found[day] = last = due
        return found

    def test_30_days_renew_themselves_after_20(self) -> None:
        self.assertEqual(self.warnings(30), {21: 14, 23: 7, 27: 3, 29: 1, 30: None})

    def test_a_year(self) -> None:
        self.assertEqual(self.warnings(365), {351: 14, 358: 7, 362: 3, 364: 1, 365: None})

    def test_two_days_have_no_time_for_it(self) -> None:
        self.assertEqual(self.warnings(2), {})

    def test_no_certificate(self) -> None:
        self.assertIsNone(warning(Peer("host"), Timestamp(START)))


class SessionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("alice")
        self.reasons: dict[int, object] = {}
        lists = SimpleNamespace(
            reason=lambda issuer, serial: self.reasons.get(serial),
            has_issuer=lambda issuer: issuer == "CN=ours",
        )
        self.world.hub.now = lambda: Timestamp(  # type: ignore[method-assign]
            START + int(self.world.clock.seconds() * 1000)
        )
        self.certificates = SessionCertificates(self.world.hub, lambda: lists)  # type: ignore[arg-type, return-value]

    def enter(self, device: str, **peer: object) -> FakeClient:
        client = self.world.device("alice", device, begins=Timestamp(START), **peer)
        client.enter("alice")
        client.lines()
        return client

    def pass_days(self, days: float) -> None:
        self.world.clock.advance(days * 86_400)
        self.certificates.warn_all()
        self.certificates.end_expired()


class SessionTests(SessionCase):
    def test_who_stays_is_warned_once_at_each_threshold(self) -> None:
        laptop = self.enter("laptop")
        told = []
        for _ in range(4 * 30 - 1):
            self.pass_days(0.25)
            told += laptop.lines()
        self.assertEqual(
            told[0],
            ":irc.test NOTICE alice :Your certificate ends on 2023-12-14 22:13 UTC, in 9 days:"
            " renew it with securechat renew (securechat connect does it by itself)",
        )
        self.assertEqual(
            [line.partition(", in ")[2].partition(":")[0] for line in told],
            ["9 days", "7 days", "3 days", "1 day"],
        )

    def test_each_session_has_its_own_warnings(self) -> None:
        laptop = self.enter("laptop")
        self.pass_days(24)
        again = self.enter("laptop")
        self.certificates.warn(again)
        self.assertEqual([len(laptop.lines()), len(again.lines())], [1, 1])

    def test_it_ends_with_the_certificate_and_not_before(self) -> None:
        laptop, longer = (
            self.enter("laptop"),
            self.enter("phone", expires=Timestamp(START + 60 * DAY)),
        )
        self.pass_days(30 - 1 / 86_400)
        self.assertNotIn("ERROR", laptop.commands())
        self.pass_days(1 / 86_400)
        self.assertEqual(
            laptop.lines()[-1],
            "ERROR :Your certificate ended on 2023-12-14 22:13 UTC: connect again with the renewed"
            " one, or renew it first (securechat renew)",
        )
        self.assertTrue(laptop.is_closed)
        self.assertFalse(longer.is_closed)

    def test_who_has_not_registered_ends_too(self) -> None:
        client = self.world.device("alice", "laptop")
        self.pass_days(30)
        self.assertEqual(client.commands(), ["ERROR"])

    def test_a_log_that_does_not_answer_keeps_nobody_here(self) -> None:
        phone = self.enter("phone", issuer="CN=ours", serial="ff")
        laptop = self.enter("laptop", issuer="CN=ours", serial="fe")
        self.reasons[255] = ReasonFlags.key_compromise
        self.world.log.hold = True
        self.world.hub.append_surely = lambda entry: self.world.log.append(  # type: ignore[method-assign, assignment]
            (entry,), lambda failed: None
        )
        self.certificates.end_revoked()
        self.assertEqual(phone.lines(), ["ERROR :Your certificate was revoked (key compromise)"])
        self.assertTrue(phone.is_closed)
        self.assertFalse(laptop.is_closed)

    def test_an_authority_that_is_trusted_no_more(self) -> None:
        other = self.enter("phone", issuer="CN=retired", serial="1")
        self.certificates.end_revoked()
        self.assertEqual(
            other.lines(), ["ERROR :The authority of your certificate is no longer trusted here"]
        )
