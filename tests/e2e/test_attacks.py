"""A server that lies: nothing is read by the wrong device, and each attempt is told."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from chat.e2e import wire
from chat.e2e.account import verify_key
from chat.e2e.bundle import make_bundle, verify_bundle
from chat.e2e.canonical import decode, encode, read_object, to_bytes, to_text
from chat.e2e.effects import (
    AttackRefused,
    Denied,
    KeysChanged,
    ModeDropped,
    NewDevice,
    Sealed,
    Sending,
)
from chat.e2e.envelope import TAG, Content, pack, to_tag
from chat.e2e.errors import BundleError
from chat.e2e.olm import Account
from chat.e2e.trust import Level
from chat.irc.message import Message, parse
from chat.pki.authority import (
    Identity,
    issue_device,
    issue_server,
    make_issuing,
    make_root,
    new_key,
)
from chat.pki.revocation import Revocation, first_list, next_list
from tests.e2e.network import Device
from tests.e2e.test_conversation import NetworkCase


class ThreeCase(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.three()

    def assertRefused(self, device: Device, text: str) -> None:
        reasons = [f"{each.about}: {each.reason}" for each in device.told(AttackRefused)]
        self.assertTrue(any(text in each for each in reasons), f"{text!r} not in {reasons}")


class InsertedDeviceTests(ThreeCase):
    """The server gives a bundle of its own making for one of the room's accounts."""

    def insert(self, name: str, payload: bytes) -> None:
        self.server.bundles[name] = payload
        self.server.changed(name.partition("/")[0])
        self.network.settle()
        self.network.say(self.alice, "#lab", "secret")
        sent = [line for line in self.server.log if f"SEND {name}".encode() in line]
        if name != "bob/phone":
            self.assertEqual(sent, [])
            self.assertEqual(self.bob.texts[-1], "secret")

    def forged(self, name: str, certificate, key, issuer) -> bytes:
        account = Account()
        identity = Identity(*name.split("/"))
        return make_bundle(
            account, identity, key, [certificate, issuer.certificate], self.network.clock.now
        )

    def test_an_authority_of_its_own(self) -> None:
        issuing = make_issuing(make_root("Lab", self.network.clock.now), self.network.clock.now)
        key = new_key()
        identity = Identity("bob", "evil")
        certificate = issue_device(issuing, key.public_key(), identity, self.network.clock.now)
        self.insert("bob/evil", self.forged("bob/evil", certificate, key, issuing))
        self.assertRefused(self.alice, "bob/evil: bundle refused: its certificate is not valid")

    def test_the_certificate_of_another_account(self) -> None:
        mallory = self.network.device("mallory/box")
        payload = make_bundle(
            Account(), Identity("bob", "evil"), mallory.key, mallory.chain, self.network.clock.now
        )
        self.insert("bob/evil", payload)
        self.assertRefused(self.alice, "it names another device than its certificate")
        self.insert("bob/mallory", self.server.bundles["mallory/box"])
        self.assertRefused(self.alice, "it was given for bob/mallory and is of mallory/box")

    def test_a_certificate_of_a_server(self) -> None:
        key = new_key()
        now = self.network.clock.now
        certificate = issue_server(self.network.issuing, key.public_key(), ["localhost"], now)
        self.insert("bob/evil", self.forged("bob/evil", certificate, key, self.network.issuing))
        self.assertRefused(self.alice, "its certificate is not")

    def test_a_certificate_for_more_than_devices(self) -> None:
        key, now = new_key(), self.network.clock.now
        identity, issuer = Identity("bob", "evil"), self.network.issuing
        model = issue_device(issuer, key.public_key(), identity, now)
        builder = x509.CertificateBuilder(
            issuer.certificate.subject,
            model.subject,
            key.public_key(),
            model.serial_number,
            model.not_valid_before_utc,
            model.not_valid_after_utc,
        )
        for each in model.extensions:
            value = each.value
            if isinstance(value, x509.ExtendedKeyUsage):
                value = x509.ExtendedKeyUsage([*value, ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(value, each.critical)
        certificate = builder.sign(issuer.key, SHA256())
        self.insert("bob/evil", self.forged("bob/evil", certificate, key, issuer))
        self.assertRefused(self.alice, "its certificate is not that of a device")

    def test_an_expired_certificate(self) -> None:
        key, now = new_key(), self.network.clock.now
        identity = Identity("bob", "evil")
        old = issue_device(
            self.network.issuing,
            key.public_key(),
            identity,
            now - timedelta(days=40),
            timedelta(days=30),
        )
        self.insert("bob/evil", self.forged("bob/evil", old, key, self.network.issuing))
        self.assertRefused(self.alice, "its certificate is not valid here and now")

    def test_keys_that_the_certificate_did_not_sign(self) -> None:
        bundle = read_object(self.server.bundles["bob/phone"])
        inner = read_object(bundle["bundle"])
        inner["curve25519"] = Account().curve25519
        self.insert("bob/phone", to_bytes({**bundle, "bundle": to_text(inner)}))
        self.assertRefused(self.alice, "its certificate's key did not sign it")
        self.assertEqual(self.bob.texts, [])
        self.assertEqual(self.carol.texts, ["secret"])

    def test_a_signature_by_another_device_key(self) -> None:
        bundle = read_object(self.server.bundles["bob/phone"])
        signed = Account().sign(b"securechat e2e bundle v1 device\0" + bundle["bundle"].encode())
        self.insert("bob/phone", to_bytes({**bundle, "by_device": signed}))
        self.assertRefused(self.alice, "the device's signature is wrong")

    def test_a_bundle_from_the_future(self) -> None:
        bob, now = self.bob, self.network.clock.now
        payload = make_bundle(
            bob.engine._peers.own.olm, bob.identity, bob.key, bob.chain, now + timedelta(minutes=6)
        )
        self.insert("bob/phone", payload)
        self.assertRefused(self.alice, "it is from the future")

    def test_the_keys_of_another_device(self) -> None:
        """A member who claims somebody else's keys as those of a device of their own."""
        mallory = self.network.device("mallory/box")
        self.network.room("#lab", "alice", "bob", "carol", "mallory")
        self.network.say(self.alice, "#lab", "before")
        payload = make_bundle(
            self.bob.engine._peers.own.olm,
            mallory.identity,
            mallory.key,
            mallory.chain,
            self.network.clock.now + timedelta(minutes=1),
        )
        self.server.bundles["mallory/box"] = payload
        self.server.changed("mallory")
        self.network.settle()
        self.network.say(self.alice, "#lab", "x")
        self.assertRefused(self.alice, "it has the keys of another device")

    def test_own_device_with_other_keys(self) -> None:
        alice, now = self.alice, self.network.clock.now
        payload = make_bundle(Account(), alice.identity, alice.key, alice.chain, now)
        self.server.bundles["alice/laptop"] = payload
        self.server.changed("alice")
        self.network.settle()
        self.assertRefused(self.alice, "keys that are not its own")

    def test_rubbish(self) -> None:
        good = self.server.bundles["bob/phone"]
        outer = read_object(good)
        inner = read_object(outer["bundle"])
        for payload in (
            b"",
            b"[]",
            b"{}",
            good[:-20],
            b"[" * 10_000,
            to_bytes({**outer, "chain": []}),
            to_bytes({**outer, "chain": ["AAAA"]}),
            to_bytes({**outer, "chain": outer["chain"] * 3}),
            to_bytes({**outer, "chain": [7]}),
            to_bytes({**outer, "bundle": outer["bundle"] + " "}),
            to_bytes({**outer, "bundle": to_text({**inner, "v": 2})}),
            to_bytes({**outer, "bundle": to_text({**inner, "certificate": "AAAA"})}),
            to_bytes({**outer, "by_certificate": "!"}),
            to_bytes({**outer, "by_device": "é"}),
        ):
            self.assertRaises(
                BundleError,
                verify_bundle,
                payload,
                [self.network.root.certificate],
                self.network.clock.now,
                lambda _: False,
            )


class KeyTests(ThreeCase):
    def swap(self, key: dict[str, str]) -> None:
        def tamper(device: Device, message: Message) -> list[Message]:
            if message.params[:2] == ("KEY", "bob/phone"):
                return wire.lines("KEY", ("bob/phone",), to_bytes(key))
            return [message]

        self.server.tamper = tamper
        self.network.say(self.alice, "#lab", "secret")
        self.assertRefused(self.alice, "bob/phone: key refused")
        self.assertEqual(self.carol.texts, ["secret"])
        claims = [line for line in self.server.log if b"CLAIM alice/laptop" in line]
        self.assertEqual((len(claims), self.bob.texts), (1, ["secret"]), "bob asks by himself")

    def test_a_key_of_its_own(self) -> None:
        other = Account()
        ((name, key),) = other.make_one_time_keys(1).items()
        self.swap({"id": name, "key": key, "kind": "otk", "sig": other.sign(b"x")})

    def test_a_key_of_another_device(self) -> None:
        self.swap(self.server.keys["carol/desk"][0])

    def test_a_key_of_another_kind(self) -> None:
        self.swap({**self.server.keys["bob/phone"][0], "kind": "fallback"})

    def test_a_key_that_nobody_asked_for(self) -> None:
        bundle = self.alice.engine._peers.directory
        for line in wire.lines("KEY", ("bob/phone",), b"rubbish"):
            self.assertEqual(self.alice.engine.received(line), [])
        self.assertEqual(bundle.of("bob").answers, 0)

    def test_rubbish(self) -> None:
        self.network.say(self.alice, "#lab", "x")
        bundle = self.alice.engine._peers.directory.bundle(self.bob.identity)
        for payload in (b"", b"{}", b'{"id":"a","key":"AA","kind":"otk","sig":""}'):
            self.assertRaises(BundleError, verify_key, payload, bundle)


class ChangedKeyTests(ThreeCase):
    def renew(self) -> Device:
        """Bob's phone begins anew: the same certificate, other keys."""
        self.network.clock.advance(minutes=1)
        old = self.bob
        old.disconnect()
        new = self.network.open(old.identity, old.key, old.chain)
        self.server.devices["bob/phone"] = new
        self.server.keys["bob/phone"] = []
        new.connect()
        self.network.settle()
        return new

    def test_it_is_told(self) -> None:
        self.network.say(self.alice, "#lab", "one")
        new = self.renew()
        self.network.say(self.alice, "#lab", "two")
        self.assertEqual(self.alice.told(KeysChanged), [KeysChanged(new.identity, blocked=False)])
        self.assertEqual(new.texts, ["two"])

    def test_it_is_not_given_what_the_old_keys_had(self) -> None:
        self.network.say(self.alice, "#lab", "one")
        new = self.renew()
        new.hear(self.server.history[0], historic=True)
        self.network.settle()
        found = new.hear(self.server.history[0], historic=True)
        self.assertEqual(found.reason.value, "unknown_session")
        asked = [line for line in self.server.log if b"SEND alice/laptop" in line]
        self.assertEqual(len(asked), 1)

    def test_a_verified_device_gets_nothing_until_it_is_accepted(self) -> None:
        self.network.say(self.alice, "#lab", "one")
        self.alice.engine._peers.trust.set_verified(self.bob.identity)
        new = self.renew()
        self.network.say(self.alice, "#lab", "two")
        self.assertEqual(self.alice.told(KeysChanged), [KeysChanged(new.identity, blocked=True)])
        self.assertEqual(new.texts, [])
        self.network.say(new, "#lab", "it is me")
        self.assertIn("unknown_session", self.alice.reasons)
        self.alice.do(self.alice.engine.block(new.identity, blocked=False))
        self.network.say(self.alice, "#lab", "three")
        self.assertEqual(new.texts[-1], "three")

    def test_an_older_bundle_again(self) -> None:
        self.network.say(self.alice, "#lab", "one")
        old = self.server.bundles["bob/phone"]
        self.renew()
        self.network.say(self.alice, "#lab", "two")
        self.server.bundles["bob/phone"] = old
        self.server.changed("bob")
        self.network.settle()
        self.network.say(self.alice, "#lab", "three")
        self.assertRefused(self.alice, "an older bundle came again")
        self.assertEqual(self.bob.texts, ["one"])


class ReplayTests(ThreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.network.room("#other", "alice", "bob", "carol")
        self.network.say(self.alice, "#lab", "pay bob 5")
        (self.line,) = self.server.history

    def assertSealed(self, line: Message, reason: str, *, historic: bool = False) -> None:
        found = self.bob.hear(line, historic=historic)
        self.assertIsInstance(found, Sealed)
        self.assertEqual(found.reason.value, reason)

    def test_again(self) -> None:
        self.assertSealed(self.line, "replayed")
        self.assertSealed(self.line.tagged({"msgid": "m99"}), "replayed")

    def test_again_as_history_under_another_id(self) -> None:
        self.assertSealed(self.line.tagged({"msgid": "m99"}), "replayed", historic=True)
        self.assertSealed(self.line.tagged({"msgid": ""}), "replayed", historic=True)

    def test_after_a_restart(self) -> None:
        self.bob.engine.commit()
        self.bob.vault.close()
        path = self.bob.vault._path
        self.bob = self.network.open(self.bob.identity, self.bob.key, self.bob.chain, path)
        self.assertSealed(self.line, "replayed")

    def test_in_another_room(self) -> None:
        self.assertSealed(evolve(self.line, params=("#other", self.line.params[1])), "wrong_room")
        self.assertSealed(evolve(self.line, params=("bob", self.line.params[1])), "wrong_room")

    def test_as_of_another_sender(self) -> None:
        self.assertSealed(self.line.tagged({"account": "carol"}), "wrong_sender")
        self.assertSealed(evolve(self.line, tags={TAG: self.line.tags[TAG]}), "wrong_sender")

    def test_a_member_passes_a_session_off_as_their_own(self) -> None:
        """Carol has alice's key; she claims the session for herself, and the server helps."""
        session = self.carol.engine._rooms.find("alice", self.sessions()[0])[0].session
        content = {
            "type": "room_key",
            "to_place": "room:#lab",
            "session": session.id,
            "key": session.exported(0),
            "index": 0,
        }
        self.network.say(self.carol, "#lab", "hello")
        bundle = self.carol.engine._peers.directory.bundle(self.bob.identity)
        self.carol.engine._peers.send(bundle, content)
        self.carol.do(self.carol.engine.tick())
        self.network.settle()
        self.assertSealed(self.line.tagged({"account": "carol"}), "wrong_sender")

    def test_changed(self) -> None:
        version, session, body = self.line.tags[TAG].split(".")
        changed = bytearray(decode(body))
        changed[40] ^= 1
        for value in (
            f"{version}.{session}.{encode(bytes(changed))}",
            f"2.{session}.{body}",
            f"1.{session}.{body[:40]}",
            f"1.{session}.{body}=",
            "",
        ):
            self.assertSealed(self.line.tagged({TAG: value}), "malformed")
        self.assertSealed(self.line.tagged({TAG: f"1.{'A' * 22}.{body}"}), "unknown_session")

    def test_out_of_order_within_the_window(self) -> None:
        self.bob.deaf_to = {"PRIVMSG"}
        for number in range(99):
            self.network.say(self.alice, "#lab", str(number))
        for line in reversed(self.server.history[1:]):
            self.assertNotIsInstance(self.bob.hear(line), Sealed)
        self.assertSealed(self.server.history[50], "replayed")

    def test_held_back_beyond_the_window(self) -> None:
        self.bob.deaf_to = {"PRIVMSG"}
        self.network.say(self.alice, "#lab", "held back")
        held = self.server.history[-1]
        self.alice.engine._places.of("room:#lab").seq += 254
        self.bob.deaf_to = set()
        self.network.say(self.alice, "#lab", "later")
        self.assertEqual(self.bob.heard[-1].missing, 255)
        self.network.say(self.alice, "#lab", "and later")
        self.assertSealed(held, "too_old")
        self.assertNotIsInstance(self.bob.hear(held, historic=True), Sealed)

    def test_messages_left_out_are_counted(self) -> None:
        self.bob.deaf_to = {"PRIVMSG"}
        for _ in range(3):
            self.network.say(self.alice, "#lab", "swallowed")
        self.bob.deaf_to = set()
        self.network.say(self.alice, "#lab", "shown")
        self.assertEqual(self.bob.heard[-1].missing, 3)

    def test_deliveries_again(self) -> None:
        delivered = [line for line in self.server.log if b"DELIVER alice/laptop" in line]
        self.server.send("alice/laptop", "bob/phone", self.payloads["bob/phone"][0])
        self.network.settle()
        self.assertTrue(delivered)
        self.assertRefused(self.bob, "message refused")
        self.server.send("carol/desk", "bob/phone", self.payloads["bob/phone"][0])
        self.network.settle()
        self.assertRefused(self.bob, "carol/desk: message refused")

    @property
    def payloads(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}

        for line in self.server.log:
            message = parse(line)
            if message.command == "E2E" and message.params[0] == "SEND":
                found.setdefault(message.params[1], []).append(decode(message.tags[wire.TAG]))
        return found

    def test_a_prekey_message_to_the_fallback_key_again(self) -> None:
        self.server.keys["carol/desk"] = []
        self.network.room("#third", "bob", "carol")
        self.network.say(self.bob, "#third", "x")
        first = self.payloads["carol/desk"][-1]
        self.assertEqual(read_object(first)["kind"], "prekey")
        bundle = self.carol.engine._peers.directory.bundle(self.bob.identity)
        self.carol.engine._peers.pairs._sessions(bundle).clear()
        self.server.send("bob/phone", "carol/desk", first)
        self.network.settle()
        self.assertRefused(self.carol, "the message that began a session came again")
        for _ in range(3):
            self.assertNotEqual(list(self.carol.vault.items("prekey")), [])
            self.network.clock.advance(days=7)
            self.carol.connect()
            self.network.settle()
            if self.carol.engine._peers.own.generation == 3:
                break
        self.assertEqual(list(self.carol.vault.items("prekey")), [])
        before = len(self.carol.told(AttackRefused))
        self.server.send("bob/phone", "carol/desk", first)
        self.network.settle()
        self.assertEqual(len(self.carol.told(AttackRefused)), before + 1, "the key is gone too")

    def test_a_conversation_of_others(self) -> None:
        """A key for a conversation in which this account, or its maker, has no part."""
        self.network.say(self.carol, "#lab", "hello")
        for to in ("pair:alice carol", "pair:alice bob", "nothing"):
            sharing = self.carol.engine._sharing
            outbound = self.carol.engine._rooms.begin(to, frozenset(), self.network.clock.now)
            bundle = self.carol.engine._peers.directory.bundle(self.bob.identity)
            before = len(self.bob.told(AttackRefused))
            sharing.share(outbound, [bundle], 0)
            self.carol.do(self.carol.engine.tick())
            self.network.settle()
            self.assertEqual(len(self.bob.told(AttackRefused)), before + 1, to)


class RevocationTests(ThreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = first_list(self.network.issuing, self.network.clock.now)
        self.alice.do(self.alice.engine.revoked(self.first.pem))
        self.network.say(self.alice, "#lab", "one")
        self.network.say(self.carol, "#lab", "two")
        revoked = Revocation(self.carol.chain[0].serial_number, self.network.clock.now)
        self.second = next_list(self.network.issuing, self.first, self.network.clock.now, [revoked])

    def test_out_of_the_keys_at_the_next_message(self) -> None:
        self.alice.do(self.alice.engine.revoked(self.second.pem))
        self.network.say(self.alice, "#lab", "three")
        self.assertEqual(self.bob.texts, ["one", "two", "three"])
        self.assertEqual(self.carol.texts, ["one", "two"])

    def test_what_it_says_is_not_shown(self) -> None:
        self.alice.do(self.alice.engine.revoked(self.second.pem))
        self.network.say(self.carol, "#lab", "still here")
        self.assertEqual(self.alice.reasons, ["revoked"])
        self.assertEqual(self.alice.hear(self.server.history[1], historic=True).body, "two")
        self.assertEqual(
            self.alice.hear(self.server.history[2], historic=True).reason.value, "revoked"
        )

    def test_its_bundle_is_refused(self) -> None:
        self.alice.do(self.alice.engine.revoked(self.second.pem))
        self.alice.connect()
        self.network.settle()
        self.network.say(self.alice, "#lab", "three")
        self.assertRefused(self.alice, "carol/desk: bundle refused: its certificate is revoked")

    def test_an_old_list_again(self) -> None:
        self.alice.do(self.alice.engine.revoked(self.second.pem))
        self.alice.do(self.alice.engine.revoked(self.first.pem))
        self.assertRefused(self.alice, "older than 2")
        self.network.say(self.alice, "#lab", "three")
        self.assertEqual(self.carol.texts, ["one", "two"])

    def test_the_server_tells_them(self) -> None:
        """At the log-in, when a directory changed, and again each hour."""
        self.server.lists = self.second.pem
        self.server.changed("carol", but=self.carol)
        self.network.settle()
        self.network.say(self.alice, "#lab", "three")
        self.assertEqual(self.carol.texts, ["one", "two"])
        now = self.network.clock.now
        self.server.lists = next_list(self.network.issuing, self.second, now).pem
        before = len(self.server.log)
        self.alice.do(self.alice.engine.tick())
        self.assertNotIn(b"E2E REVOCATIONS", b"".join(self.server.log[before:]))
        self.network.clock.advance(hours=1)
        self.alice.do(self.alice.engine.tick())
        self.network.settle()
        self.assertIn(b"E2E REVOCATIONS", b"".join(self.server.log[before:]))
        self.server.lists = self.first.pem
        self.alice.connect()
        self.network.settle()
        self.assertRefused(self.alice, "older than 3")

    def test_a_list_by_nobody(self) -> None:
        other = make_issuing(make_root("Lab", self.network.clock.now), self.network.clock.now)
        self.alice.do(self.alice.engine.revoked(first_list(other, self.network.clock.now).pem))
        self.assertRefused(self.alice, "not signed by the network's authority")
        self.alice.do(self.alice.engine.revoked(b"rubbish"))
        self.assertRefused(self.alice, "not a numbered revocation list")

    def test_no_newer_list_for_long(self) -> None:
        self.network.clock.advance(days=8)
        outcome = self.network.encrypt(self.alice, "#lab", "three")
        self.assertIsInstance(outcome, Denied)
        self.assertIn("out of date", outcome.reason)
        now = self.network.clock.now
        self.alice.do(
            self.alice.engine.revoked(next_list(self.network.issuing, self.second, now).pem)
        )
        self.assertIsInstance(self.network.encrypt(self.alice, "#lab", "three"), Sending)

    def test_it_outlives_a_restart(self) -> None:
        self.alice.do(self.alice.engine.revoked(self.second.pem))
        self.alice.vault.close()
        alice = self.network.open(
            self.alice.identity, self.alice.key, self.alice.chain, self.alice.vault._path
        )
        self.server.devices["alice/laptop"] = alice
        alice.connect()
        self.network.settle()
        self.network.say(alice, "#lab", "three")
        self.assertEqual(self.carol.texts, ["one", "two"])


class ModeTests(ThreeCase):
    def test_a_mode_that_is_dropped(self) -> None:
        alice = self.alice
        self.assertFalse(alice.engine.must_encrypt("#lab"))
        alice.do(alice.engine.mode_changed("#lab", encrypted=True))
        alice.do(alice.engine.mode_changed("#lab", encrypted=False))
        self.assertEqual(alice.told(ModeDropped), [ModeDropped("#lab")])
        self.assertTrue(alice.engine.must_encrypt("#LAB"))

    def test_it_is_remembered(self) -> None:
        self.alice.do(self.alice.engine.mode_changed("#lab", encrypted=True))
        self.alice.vault.close()
        alice = self.network.open(
            self.alice.identity, self.alice.key, self.alice.chain, self.alice.vault._path
        )
        alice.do(alice.engine.mode_changed("#lab", encrypted=False))
        self.assertTrue(alice.engine.must_encrypt("#lab"))
        alice.engine.forget_encryption("#lab")
        self.assertFalse(alice.engine.must_encrypt("#lab"))

    def test_a_conversation_with_somebody_who_can(self) -> None:
        self.assertFalse(self.alice.engine.must_encrypt("bob"))
        self.alice.do(self.alice.engine.look_up("bob"))
        self.network.settle()
        self.assertTrue(self.alice.engine.must_encrypt("bob"))

    def test_one_member_cannot_make_a_room_encrypted(self) -> None:
        self.network.say(self.bob, "#lab", "x")
        self.assertEqual(self.alice.texts, ["x"])
        self.assertFalse(self.alice.engine.must_encrypt("#lab"))


class VerifiedRoomTests(ThreeCase):
    def test_only_verified_devices(self) -> None:
        self.alice.engine.demand_verified("#lab", True)
        self.alice.do(self.alice.engine.look_up("bob"))
        self.network.settle()
        self.alice.engine._peers.trust.set_verified(self.bob.identity)
        self.network.say(self.alice, "#lab", "secret")
        self.assertEqual((self.bob.texts, self.carol.texts), (["secret"], []))
        self.network.say(self.carol, "#lab", "let me in")
        self.assertEqual(self.alice.reasons, ["unverified_device"])


class HostileLineTests(ThreeCase):
    def test_anything(self) -> None:
        """Lines that no honest server sends come to nothing, and raise nothing."""
        before = len(self.alice.told(AttackRefused))
        for line in (
            b"E2E",
            b"E2E BUNDLE bob/phone 1/1",
            b"E2E DELIVER",
            b"E2E DELIVER bob 1 1/1",
            b"E2E DELIVER bob/phone x 2/2",
            b"E2E DELIVER bob/phone 1 0/0",
            b"@+securechat/p=! E2E DELIVER bob/phone 1 1/1",
            b"@+securechat/p=AAAA E2E DELIVER ../x 1 1/1",
            b"E2E KEY bob/phone 1/1",
            b"E2E OTK -5",
            b"E2E SENT nothing",
            b"E2E CHANGED",
            b"FAIL E2E",
            b"FAIL E2E X :y",
            b"FAIL E2E RATE_LIMITED bob/phone :y",
            b"BATCH -q",
            b"BATCH +a securechat/e2e #lab",
            b"@batch=a E2E BUNDLE bob/phone 1/1",
            b"BATCH -a",
            b"BATCH +a securechat/e2e",
        ):
            self.alice.do(self.alice.engine.received(parse(line)))
        self.network.settle()
        self.assertGreater(len(self.alice.told(AttackRefused)), before)
        for number in range(100):
            opening = Message("BATCH", (f"+{number}", "securechat/e2e", "#lab"))
            self.alice.do(self.alice.engine.received(opening))
        self.assertRefused(self.alice, "too many answers")

    def test_a_new_device_is_told_before_it_reads(self) -> None:
        self.network.say(self.alice, "#lab", "one")
        self.network.device("bob/second")
        outcome = self.network.encrypt(self.alice, "#lab", "two")
        self.assertIsInstance(outcome, Sending)
        self.assertEqual(self.alice.told(NewDevice), [NewDevice(Identity("bob", "second"), False)])
        self.assertEqual(self.alice.engine.devices("bob")[1][1], Level.CERTIFIED)


class ForgingMemberTests(ThreeCase):
    """A member with a modified client, whom the server helps."""

    def setUp(self) -> None:
        super().setUp()
        self.network.room("#other", "alice", "bob", "carol")
        self.network.say(self.carol, "#lab", "hello")
        self.network.say(self.alice, "#lab", "hello")
        self.outbound = self.carol.engine._rooms.outbound("room:#lab")

    def forge(self, to: str = "room:#lab", sender: str = "carol/desk", room: str = "#lab") -> str:
        content = Content(to, Identity(*sender.split("/")), "message", "forged", "", 50)
        tag = to_tag(self.outbound.short_id, self.outbound.session.encrypt(pack(content)))
        line = Message(
            "PRIVMSG", (room, "x"), "carol", {TAG: tag, "account": "carol", "msgid": "x"}
        )
        found = self.bob.hear(line)
        return found.reason.value if isinstance(found, Sealed) else found.body

    def test_an_honest_one(self) -> None:
        self.assertEqual(self.forge(), "forged")

    def test_another_device_of_the_account(self) -> None:
        self.assertEqual(self.forge(sender="carol/other"), "wrong_sender")

    def test_another_account(self) -> None:
        self.assertEqual(self.forge(sender="alice/laptop"), "wrong_sender")

    def test_another_place_inside(self) -> None:
        self.assertEqual(self.forge(to="room:#other"), "wrong_room")

    def test_another_place_inside_and_outside(self) -> None:
        self.assertEqual(self.forge(to="room:#other", room="#other"), "wrong_room")

    def test_an_index_far_ahead(self) -> None:
        for _ in range(1000):
            self.outbound.session.encrypt(b"")
        self.assertEqual(self.forge(), "malformed")

    def test_messages_between_devices_in_another_name(self) -> None:
        peers = self.carol.engine._peers
        bundle = peers.directory.bundle(self.bob.identity)
        true = {
            "v": 1,
            "type": "ping",
            "from": "carol/desk",
            "to": "bob/phone",
            "from_key": peers.own.olm.ed25519,
            "to_key": bundle.ed25519,
        }
        wrong = (
            {},
            {"from": "alice/laptop"},
            {"to": "alice/laptop"},
            {"from_key": bundle.ed25519},
            {"to_key": peers.own.olm.ed25519},
            {"v": 2},
            {"type": 5},
        )
        for number, each in enumerate(wrong):
            self.server.send(
                "carol/desk", "bob/phone", peers.pairs.encrypt(bundle, {**true, **each})
            )
            self.network.settle()
            self.assertEqual(len(self.bob.told(AttackRefused)), number, each)

    def test_a_key_that_nobody_asked_for_is_not_passed_on(self) -> None:
        """Carol passes a session off as alice's; she is no device of bob's account."""
        session = self.outbound.session.inbound()
        content = {
            "type": "forwarded_key",
            "to_place": "room:#lab",
            "session": session.id,
            "key": session.exported(session.first),
            "index": session.first,
            "sender": "alice/laptop",
        }
        bundle = self.carol.engine._peers.directory.bundle(self.bob.identity)
        self.carol.engine._peers.send(bundle, content)
        self.carol.do(self.carol.engine.tick())
        self.network.settle()
        self.assertRefused(self.bob, "passes on a key that it was not asked for")
        self.assertEqual(self.bob.engine._rooms.owners(session.id[:22]), ["carol"])
