"""Comparing seven emoji, and vouching for one's own devices."""

from __future__ import annotations

from chat.e2e.effects import (
    AttackRefused,
    Compare,
    VerificationAsked,
    VerificationFailed,
    Verified,
)
from chat.e2e.errors import E2eError
from chat.e2e.sas import EMOJIS
from chat.e2e.trust import Level
from chat.pki.revocation import Revocation, first_list, next_list
from tests.e2e.network import Device
from tests.e2e.test_conversation import NetworkCase


class VerificationCase(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.three()
        self.alice.do(self.alice.engine.look_up("bob"))
        self.network.settle()

    def ask(self) -> str:
        self.alice.do(self.alice.engine.verify(self.bob.identity))
        self.network.settle()
        (asked,) = self.bob.told(VerificationAsked)
        self.assertEqual(asked.device, self.alice.identity)
        return asked.id

    def level(self, viewer: Device, device: Device) -> Level:
        return dict(viewer.engine.devices(device.account))[device.identity]

    def do(self, device: Device, effects) -> None:
        device.do(effects)
        self.network.settle()


class CompareTests(VerificationCase):
    def test_both_see_the_same(self) -> None:
        name = self.ask()
        self.do(self.bob, self.bob.engine.verify_accept(name))
        (left,), (right,) = self.alice.told(Compare), self.bob.told(Compare)
        self.assertEqual((left.emojis, len(left.emojis)), (right.emojis, 7))
        self.assertTrue(set(left.emojis) <= set(EMOJIS))
        self.do(self.alice, self.alice.engine.verify_confirm(name))
        self.assertEqual(self.bob.told(Verified), [])
        self.do(self.bob, self.bob.engine.verify_confirm(name))
        self.assertEqual(self.alice.told(Verified), [Verified(self.bob.identity)])
        self.assertEqual(self.bob.told(Verified), [Verified(self.alice.identity)])
        self.assertEqual(self.level(self.alice, self.bob), Level.VERIFIED)
        self.assertEqual(self.alice.told(AttackRefused) + self.bob.told(AttackRefused), [])

    def test_sixty_four_emojis(self) -> None:
        self.assertEqual((len(EMOJIS), len(set(EMOJIS))), (64, 64))

    def test_they_see_different_things(self) -> None:
        name = self.ask()
        self.do(self.bob, self.bob.engine.verify_accept(name))
        self.do(self.alice, self.alice.engine.verify_cancel(name))
        self.assertEqual(len(self.bob.told(VerificationFailed)), 1)
        self.assertRaises(E2eError, self.bob.engine.verify_confirm, name)
        self.assertEqual(self.level(self.alice, self.bob), Level.CERTIFIED)

    def test_a_key_that_was_not_committed_to(self) -> None:
        name = self.ask()
        verification = self.bob.engine._verifications._open[name][0]
        self.patch(type(verification), "commit", lambda self: "A" * 43)
        self.do(self.bob, self.bob.engine.verify_accept(name))
        (failed,) = self.alice.told(VerificationFailed)
        self.assertIn("committed", failed.reason)
        self.assertEqual(self.alice.told(Compare), [])

    def test_other_keys_on_the_other_side(self) -> None:
        """Bob sees other keys of alice's than she has: the pictures differ, and the proof fails."""
        name = self.ask()
        self.bob.engine._verifications._open[name][0].other_digest = "other keys"
        bundle = self.bob.engine._peers.directory.bundle(self.alice.identity)
        self.patch(type(bundle), "fingerprint", "other keys")
        self.do(self.bob, self.bob.engine.verify_accept(name))
        verification = self.bob.engine._verifications._open.get(name)
        shown = verification[0].emojis() if verification else ()
        self.assertEqual(self.alice.told(Verified) + self.bob.told(Verified), [])
        self.assertNotEqual([each.emojis for each in self.alice.told(Compare)], [shown])

    def test_a_proof_of_something_else(self) -> None:
        name = self.ask()
        self.do(self.bob, self.bob.engine.verify_accept(name))
        self.do(self.alice, self.alice.engine.verify_confirm(name))
        bundle = self.bob.engine._peers.directory.bundle(self.alice.identity)
        step = {"type": "verify", "step": "mac", "id": name, "mac": "A" * 43}
        self.bob.engine._peers.send(bundle, step)
        self.do(self.bob, self.bob.engine.tick())
        self.assertEqual(len(self.alice.told(VerificationFailed)), 1)
        self.assertEqual(self.level(self.alice, self.bob), Level.CERTIFIED)

    def test_steps_out_of_order(self) -> None:
        name = self.ask()
        self.assertRaises(E2eError, self.alice.engine.verify_accept, name)
        self.assertRaises(E2eError, self.alice.engine.verify_confirm, name)
        self.assertRaises(E2eError, self.alice.engine.verify_confirm, "nothing")
        bundle = self.bob.engine._peers.directory.bundle(self.alice.identity)
        self.bob.engine._peers.send(
            bundle, {"type": "verify", "step": "mac", "id": name, "mac": "x"}
        )
        self.do(self.bob, self.bob.engine.tick())
        self.assertEqual(len(self.alice.told(VerificationFailed)), 1)

    def test_somebody_else_takes_a_step(self) -> None:
        name = self.ask()
        self.do(self.carol, self.carol.engine.look_up("alice"))
        bundle = self.carol.engine._peers.directory.bundle(self.alice.identity)
        step = {"type": "verify", "step": "accept", "id": name, "commitment": "x"}
        self.carol.engine._peers.send(bundle, step)
        self.do(self.carol, self.carol.engine.tick())
        (refused,) = self.alice.told(AttackRefused)
        self.assertIn("comparison of others", refused.reason)

    def test_ten_minutes(self) -> None:
        name = self.ask()
        self.network.clock.advance(minutes=11)
        self.assertRaises(E2eError, self.bob.engine.verify_accept, name)

    def test_who_asks_too_often(self) -> None:
        for _ in range(10):
            self.do(self.alice, self.alice.engine.verify(self.bob.identity))
        self.assertEqual(len(self.bob.told(VerificationAsked)), 10)
        self.assertRaises(E2eError, self.alice.engine.verify, self.bob.identity)
        self.assertRaises(E2eError, self.carol.engine.verify, self.bob.identity)


class CosignTests(VerificationCase):
    def test_a_device_that_a_verified_one_vouches_for(self) -> None:
        pad = self.network.device("bob/pad")
        self.network.say(self.bob, "#lab", "hello")
        self.network.say(self.alice, "#lab", "hello")
        self.assertEqual(self.level(self.alice, pad), Level.CERTIFIED)
        self.do(self.bob, self.bob.engine.cosign(pad.identity))
        self.assertEqual(self.level(self.alice, pad), Level.CERTIFIED)
        self.alice.engine._peers.trust.set_verified(self.bob.identity)
        self.assertEqual(self.level(self.alice, pad), Level.COSIGNED)
        self.assertEqual(self.level(self.bob, pad), Level.COSIGNED)
        self.do(self.alice, self.alice.engine.block(self.bob.identity))
        self.assertEqual(self.level(self.alice, pad), Level.CERTIFIED)
        self.alice.engine._peers.trust.set_verified(self.bob.identity)
        self.assertEqual(self.level(self.alice, pad), Level.COSIGNED)
        now = self.network.clock.now
        stolen = Revocation(self.bob.chain[0].serial_number, now)
        first = first_list(self.network.issuing, now)
        revoked = next_list(self.network.issuing, first, now, [stolen])
        self.do(self.alice, self.alice.engine.revoked(revoked.pem))
        self.assertEqual(self.level(self.alice, pad), Level.CERTIFIED)

    def test_only_ones_own(self) -> None:
        self.assertRaises(E2eError, self.alice.engine.cosign, self.bob.identity)
        self.assertRaises(E2eError, self.alice.engine.cosign, self.alice.identity)

    def test_a_wrong_signature(self) -> None:
        self.network.say(self.bob, "#lab", "hello")
        self.do(self.alice, self.alice.engine.look_up("carol"))
        bundle = self.bob.engine._peers.directory.bundle(self.alice.identity)
        for device, signature in (("carol/desk", "A" * 86), ("bob/phone", "x")):
            content = {"type": "cosign", "device": device, "sig": signature}
            self.bob.engine._peers.send(bundle, content)
        self.do(self.bob, self.bob.engine.tick())
        self.assertEqual(len(self.alice.told(AttackRefused)), 2)
