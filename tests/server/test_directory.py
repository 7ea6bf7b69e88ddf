"""How often keys may be claimed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.directory import DeviceName
from chat.server.directory import Claims

ALICE, BOB = DeviceName("alice", "laptop"), DeviceName("bob", "phone")


class ClaimsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.claims = Claims()

    def allow(self, now: float, device: str = "x", claimant: DeviceName = ALICE) -> bool:
        return self.claims.allow(claimant, DeviceName("carol", device), 3, 2, now)

    def test_of_one_device(self) -> None:
        self.assertEqual([self.allow(at) for at in (0, 10, 20, 59)], [True, True, False, False])
        self.assertIs(self.allow(59, "X"), False)
        self.assertEqual([self.allow(at) for at in (60, 61, 70)], [True, False, True])

    def test_in_all(self) -> None:
        allowed = [self.allow(0, device) for device in "abcd"]
        self.assertEqual(allowed, [True, True, True, False])
        self.assertIs(self.allow(0, "a", BOB), True)
        self.assertIs(self.allow(60, "d"), True)

    def test_who_claims_no_more_is_forgotten(self) -> None:
        for number in range(1000):
            self.assertTrue(self.allow(number, claimant=DeviceName("alice", f"d{number}")))
        self.assertLessEqual(len(self.claims._made), 60)
