"""Devices that talk: who reads what, from when on, and what arrives after a week."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.e2e import wire
from chat.e2e.effects import (
    AttackRefused,
    Denied,
    NewDevice,
    Plain,
    Readable,
    Ready,
    Undelivered,
    Waiting,
)
from chat.e2e.envelope import PLACEHOLDER, TAG
from chat.e2e.errors import E2eError
from chat.e2e.trust import Level
from chat.pki.authority import Identity
from tests.e2e.network import Network


class NetworkCase(TestCase):
    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir(parents=True)
        self.network = Network(directory)
        self.server = self.network.server

    def three(self) -> None:
        self.alice = self.network.device("alice/laptop")
        self.bob = self.network.device("bob/phone")
        self.carol = self.network.device("carol/desk")
        self.network.room("#lab", "alice", "bob", "carol")

    def sessions(self) -> list[str]:
        """The sessions of all messages that were sent, in order."""
        return [each.tags[TAG].split(".")[1] for each in self.server.history]


class RoomTests(NetworkCase):
    def test_everybody_reads(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "the launch code is 1234")
        self.network.say(self.bob, "#Lab".lower(), "noted")
        for device in (self.alice, self.bob, self.carol):
            self.assertEqual(device.texts, ["the launch code is 1234", "noted"])
            self.assertEqual(device.told(AttackRefused), [])
        self.assertEqual(self.bob.heard[0].sender, Identity("alice", "laptop"))

    def test_the_wire_has_no_plaintext(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "the launch code is 1234")
        self.assertNotIn(b"launch", b"\n".join(self.server.log))
        (line,) = self.server.history
        self.assertEqual(line.params, ("#lab", PLACEHOLDER))

    def test_kinds_and_references(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "hello")
        outcome = self.network.encrypt(self.bob, "#lab", "x")
        self.assertEqual(outcome.lines[-1].command, "PRIVMSG")
        reaction = self.bob.engine.encrypt("#lab", "react", "👍", "m1")
        self.assertEqual(
            (reaction.lines[0].command, reaction.lines[0].params), ("TAGMSG", ("#lab",))
        )
        self.server.take(self.bob, reaction.lines[0])
        self.network.settle()
        said = self.carol.heard[-1]
        self.assertEqual((said.kind, said.body, said.ref), ("react", "👍", "m1"))
        self.assertRaises(E2eError, self.bob.engine.encrypt, "#lab", "edict", "x")

    def test_long_texts_go_in_parts(self) -> None:
        self.three()
        text = "wörter \U0001f600 " * 600
        self.network.say(self.alice, "#lab", text)
        parts = [each for each in self.bob.heard if isinstance(each, Plain)]
        self.assertEqual("".join(each.body for each in parts), text)
        self.assertEqual(
            [each.part for each in parts], [(n, len(parts)) for n in range(1, len(parts) + 1)]
        )
        self.assertRaises(E2eError, self.alice.engine.encrypt, "#lab", "message", "x" * 60_000)

    def test_nothing_before_all_is_known(self) -> None:
        alice = self.network.device("alice/laptop")
        self.network.device("bob/phone")
        unknown = alice.engine.encrypt("#lab", "message", "secret")
        self.assertIsInstance(unknown, Denied)
        self.network.room("#lab", "alice", "bob")
        devices = alice.engine.encrypt("#lab", "message", "secret")
        self.assertEqual(devices.missing, "devices")
        for line in devices.lines:
            self.server.take(alice, line)
        self.network.settle()
        self.assertEqual(alice.told(Ready), [Ready("#lab")])
        keys = alice.engine.encrypt("#lab", "message", "secret")
        self.assertEqual((keys.missing, keys.lines), ("keys", (wire.line("CLAIM", "bob/phone"),)))
        self.assertNotIn(TAG, str([*devices.lines, *keys.lines]))

    def test_newcomers_get_the_present_index(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "before")
        dave = self.network.device("dave/tablet")
        self.network.room("#lab", "alice", "bob", "carol", "dave")
        self.network.say(self.alice, "#lab", "after")
        self.assertEqual(dave.texts, ["after"])
        self.assertEqual(len(set(self.sessions())), 1)
        found = dave.hear(self.server.history[0], historic=True)
        self.assertEqual(found.reason.value, "unknown_session")
        self.network.settle()
        self.assertEqual(dave.told(Readable), [Readable("alice", "room:#lab", self.sessions()[0])])
        self.assertEqual(
            dave.hear(self.server.history[0], historic=True).reason.value, "unknown_session"
        )

    def test_the_past_is_given_to_verified_devices_of_who_was_there(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "before")
        pad = self.network.device("bob/pad")
        (line,) = self.server.history
        pad.hear(line, historic=True)
        self.network.settle()
        self.assertEqual(pad.hear(line, historic=True).reason.value, "unknown_session")
        self.alice.do(self.alice.engine.look_up("bob"))
        self.network.settle()
        self.alice.engine._peers.trust.set_verified(pad.identity)
        self.alice.connect()
        pad.connect()
        self.network.settle()
        pad.hear(line, historic=True)
        self.network.settle()
        self.assertEqual(pad.hear(line, historic=True).body, "before")

    def test_newcomers_get_the_session_where_the_room_shares_it(self) -> None:
        self.three()
        self.alice.engine.share_history("#lab", True)
        self.network.say(self.alice, "#lab", "before")
        dave = self.network.device("dave/tablet")
        self.network.room("#lab", "alice", "bob", "carol", "dave")
        self.network.say(self.alice, "#lab", "after")
        self.assertEqual(dave.hear(self.server.history[0], historic=True).body, "before")

    def test_two_devices_of_one_account(self) -> None:
        self.three()
        phone = self.network.device("alice/phone")
        self.assertEqual(self.alice.told(NewDevice), [NewDevice(phone.identity, own=True)])
        self.network.say(self.alice, "#lab", "from the laptop")
        self.network.say(phone, "#lab", "from the phone")
        for device in (self.alice, phone, self.bob):
            self.assertEqual(device.texts, ["from the laptop", "from the phone"])

    def test_history_again(self) -> None:
        self.three()
        self.network.say(self.alice, "#lab", "once")
        for _ in range(2):
            again = self.bob.hear(self.server.history[0], historic=True)
            self.assertEqual(again.body, "once")

    def test_many_devices_are_claimed_within_the_limit(self) -> None:
        alice = self.network.device("alice/laptop")
        crew = [self.network.device(f"crew{number}/d") for number in range(53)]
        self.network.room("#lab", "alice", *(each.account for each in crew))
        self.network.say(alice, "#lab", "to as many as the server lets")
        claims = sum(line.startswith(b"E2E CLAIM crew") for line in self.server.log)
        self.assertEqual(claims, 50)
        self.assertEqual([each.texts for each in crew[50:]], [crew[0].texts] * 3, "they ask")
        self.network.clock.advance(seconds=61)
        alice.do(alice.engine.tick())
        self.network.settle()
        claims = sum(line.startswith(b"E2E CLAIM crew") for line in self.server.log)
        self.assertEqual(claims, 53)
        self.assertEqual(sum(len(each.told(AttackRefused)) for each in crew), 0)


class RotationTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.three()
        self.network.say(self.alice, "#lab", "one")

    def assertRotates(self, rotates: bool = True) -> None:
        self.network.say(self.alice, "#lab", "next")
        self.assertEqual(self.sessions()[-1] != self.sessions()[-2], rotates)

    def test_no_reason(self) -> None:
        self.network.clock.advance(hours=23)
        self.assertRotates(False)

    def test_a_day(self) -> None:
        self.network.clock.advance(hours=24)
        self.assertRotates()

    def test_a_clock_that_goes_back(self) -> None:
        self.network.clock.advance(minutes=-2)
        self.assertRotates()

    def test_hundred_messages(self) -> None:
        for number in range(99):
            self.network.say(self.alice, "#lab", str(number))
        self.assertEqual(len(set(self.sessions())), 1)
        self.assertRotates()

    def test_who_leaves_reads_no_more(self) -> None:
        self.network.room("#lab", "alice", "bob")
        self.assertRotates()
        (secret,) = self.server.history[-1:]
        self.assertEqual(self.carol.hear(secret).reason.value, "unknown_session")
        self.network.settle()
        self.assertEqual(self.carol.hear(secret).reason.value, "unknown_session")
        self.assertEqual(self.bob.texts, ["one", "next"])

    def test_who_leaves_and_comes_back(self) -> None:
        self.network.room("#lab", "alice", "bob")
        self.network.room("#lab", "alice", "bob", "carol")
        self.assertRotates()

    def test_a_removed_device(self) -> None:
        del self.server.bundles["carol/desk"]
        self.server.changed("carol")
        self.network.settle()
        self.assertRotates()
        self.assertEqual(self.carol.reasons, ["unknown_session"])

    def test_a_blocked_device(self) -> None:
        self.alice.do(self.alice.engine.block(self.carol.identity))
        self.assertRotates()
        self.assertEqual(self.carol.reasons, ["unknown_session"])

    def test_a_certificate_that_ends(self) -> None:
        self.network.clock.advance(days=31)
        outcome = self.network.encrypt(self.alice, "#lab", "next")
        self.server.take(self.alice, outcome.lines[-1])
        self.network.settle()
        self.assertEqual(self.bob.reasons, ["unknown_session"])

    def test_a_new_device_needs_no_new_session(self) -> None:
        pad = self.network.device("bob/pad")
        self.assertRotates(False)
        self.assertEqual(pad.texts, ["next"])
        self.assertEqual(self.alice.told(NewDevice), [NewDevice(pad.identity, own=False)])


class PairTests(NetworkCase):
    def test_between_two(self) -> None:
        self.three()
        pad = self.network.device("alice/pad")
        self.network.say(self.alice, "bob", "only you")
        self.network.say(self.bob, "alice", "and you")
        for device in (self.alice, pad, self.bob):
            self.assertEqual(device.texts, ["only you", "and you"])
        self.assertEqual(self.carol.heard, [])
        self.assertTrue(self.bob.engine.must_encrypt("alice"))

    def test_both_begin_at_once(self) -> None:
        self.three()
        for device, peer in ((self.alice, "bob"), (self.bob, "alice")):
            for _ in range(2):
                outcome = device.engine.encrypt(peer, "message", "x")
                if isinstance(outcome, Waiting):
                    for line in outcome.lines:
                        self.server.take(device, line)
        self.network.settle()
        self.network.say(self.alice, "bob", "a")
        self.network.say(self.bob, "alice", "b")
        self.network.say(self.alice, "bob", "c")
        self.assertEqual(self.bob.texts, ["a", "b", "c"])
        self.assertEqual(self.alice.told(AttackRefused) + self.bob.told(AttackRefused), [])

    def test_nobody_to_read_it(self) -> None:
        self.three()
        outcome = self.network.encrypt(self.alice, "dave", "hello")
        self.assertEqual(outcome, Denied("dave has no device that may read it"))
        self.assertFalse(self.alice.engine.must_encrypt("dave"))

    def test_no_fall_back_once_it_was_encrypted(self) -> None:
        self.three()
        self.network.say(self.alice, "bob", "hello")
        del self.server.bundles["bob/phone"]
        self.server.changed("bob")
        self.network.settle()
        self.assertIsInstance(self.network.encrypt(self.alice, "bob", "still?"), Denied)
        self.assertTrue(self.alice.engine.must_encrypt("bob"))


class DeliveryTests(NetworkCase):
    def test_away_for_a_week(self) -> None:
        self.three()
        self.network.say(self.bob, "#lab", "hi")
        self.carol.disconnect()
        for day in range(7):
            self.network.say(self.alice, "#lab", f"day {day}")
            self.network.clock.advance(days=1)
        self.carol.connect()
        self.network.settle()
        for line in self.server.history[1:]:
            self.carol.hear(line, historic=True)
        self.assertEqual(self.carol.texts[1:], [f"day {day}" for day in range(7)])
        self.assertEqual(self.server.queues["carol/desk"], [])
        self.assertEqual(self.carol.told(AttackRefused), [])

    def test_a_lost_acknowledgement(self) -> None:
        self.three()
        self.server.lose = {"ACK"}
        self.network.say(self.alice, "#lab", "hi")
        self.assertEqual(len(self.server.queues["bob/phone"]), 1)
        self.server.lose = set()
        self.bob.connect()
        self.network.settle()
        self.assertEqual(self.server.queues["bob/phone"], [])
        self.assertEqual(self.bob.told(AttackRefused), [])

    def test_a_line_that_the_server_never_got_is_sent_again(self) -> None:
        self.three()
        self.bob.disconnect()
        outcome = self.network.encrypt(self.alice, "#lab", "hi")
        self.server.take(self.alice, outcome.lines[-1])  # and not the keys before it
        self.network.settle()
        self.alice.connect()
        self.network.settle()
        self.assertEqual(len(self.server.queues["bob/phone"]), 1)
        self.bob.connect()
        self.network.settle()
        self.assertEqual(self.bob.hear(self.server.history[0], historic=True).body, "hi")
        self.alice.connect()
        self.network.settle()
        self.assertEqual(self.server.queues["bob/phone"], [])

    def test_keys_before_the_server_tells_of_the_device(self) -> None:
        """What came is kept back until the sender's bundle is there, and then read."""
        self.three()
        self.bob.deaf_to = {"BATCH"}
        self.network.say(self.alice, "#lab", "hi")
        self.assertEqual(self.bob.reasons, ["unknown_session"])
        self.assertEqual(len(self.server.queues["bob/phone"]), 1)
        self.bob.deaf_to = set()
        self.bob.connect()
        self.network.settle()
        self.assertEqual(self.server.queues["bob/phone"], [])
        self.assertEqual(self.bob.hear(self.server.history[0], historic=True).body, "hi")

    def test_a_full_queue_and_a_key_asked_for_later(self) -> None:
        self.three()
        self.server.refuse["SEND"] = "QUEUE_FULL"
        self.network.say(self.alice, "#lab", "hi")
        self.assertEqual(
            sorted(each.device for each in self.alice.told(Undelivered)),
            ["bob/phone", "carol/desk"],
        )
        self.assertEqual(self.bob.reasons, ["unknown_session"])
        self.server.refuse.clear()
        self.bob.connect()
        self.network.settle()
        self.bob.hear(self.server.history[0], historic=True)
        self.network.settle()
        self.assertEqual(len(self.bob.told(Readable)), 1)
        self.assertEqual(self.bob.hear(self.server.history[0], historic=True).body, "hi")

    def test_a_device_without_keys_does_not_hold_the_others_up(self) -> None:
        self.three()
        self.server.keys["carol/desk"] = []
        del self.server.fallback["carol/desk"]
        self.network.say(self.alice, "#lab", "hi")
        self.assertEqual(self.bob.texts, ["hi"])
        self.assertEqual(self.alice.told(Undelivered)[0], Undelivered("carol/desk", "NO_KEYS"))

    def test_a_limit_of_the_server(self) -> None:
        """Who cannot be asked for yet does not hold the others up, and reads when it is over."""
        self.three()
        self.server.refuse["CLAIM"] = "RATE_LIMITED"
        self.network.say(self.alice, "#lab", "hi")
        self.assertEqual(len(self.alice.told(Undelivered)), 2)
        self.server.refuse.clear()
        self.bob.disconnect()
        self.alice.do(self.alice.engine.tick())
        self.network.settle()
        self.assertEqual(self.server.given, [])
        self.network.clock.advance(seconds=61)
        self.alice.do(self.alice.engine.tick())
        self.network.settle()
        self.assertEqual(len(self.server.given), 2)
        self.assertEqual(len(self.server.queues["bob/phone"]), 1)
        self.assertEqual(self.carol.texts, ["hi"])

    def test_the_fallback_key(self) -> None:
        self.three()
        self.server.keys["bob/phone"] = []
        self.network.say(self.alice, "#lab", "a")
        self.network.say(self.carol, "#lab", "b")
        self.assertEqual(self.bob.texts, ["a", "b"])

    def test_one_time_keys_are_filled_up(self) -> None:
        self.three()
        self.assertEqual(len(self.server.keys["bob/phone"]), 50)
        self.server.keys["bob/phone"] = self.server.keys["bob/phone"][:10]
        self.bob.connect()
        self.network.settle()
        ids = [each["id"] for each in self.server.keys["bob/phone"]]
        self.assertEqual((len(ids), len(set(ids))), (50, 50))
        before = self.server.fallback["bob/phone"]["id"]
        self.network.clock.advance(days=8)
        self.bob.connect()
        self.network.settle()
        self.assertNotEqual(self.server.fallback["bob/phone"]["id"], before)

    def test_an_own_verified_device_passes_keys_on(self) -> None:
        self.three()
        self.network.say(self.bob, "#lab", "long ago")
        pad = self.network.device("alice/pad")
        self.network.settle()
        self.assertEqual(self.alice.engine.devices("alice")[-1][1], Level.CERTIFIED)
        self.alice.do(self.alice.engine.cosign(pad.identity))
        pad.do(pad.engine.look_up("alice"))
        self.network.settle()
        pad.engine._peers.trust.set_verified(self.alice.identity)
        self.assertEqual(
            pad.hear(self.server.history[0], historic=True).reason.value, "unknown_session"
        )
        self.network.settle()
        again = pad.hear(self.server.history[0], historic=True)
        self.assertEqual((again.body, again.via), ("long ago", "alice/laptop"))


class RaceTests(NetworkCase):
    def test_somebody_leaves_while_keys_are_fetched(self) -> None:
        self.three()
        waiting = self.alice.engine.encrypt("#lab", "message", "secret")
        self.assertIsInstance(waiting, Waiting)
        for line in waiting.lines:
            self.server.take(self.alice, line)
        self.network.settle()
        self.network.room("#lab", "alice", "bob")
        self.network.say(self.alice, "#lab", "secret")
        sent = [line for line in self.server.log if b"SEND carol/desk" in line]
        self.assertEqual((sent, self.bob.texts), ([], ["secret"]))

    def test_somebody_comes_whom_the_sender_has_not_seen(self) -> None:
        """The server forwards to who has just come; the key is not for them."""
        self.three()
        dave = self.network.device("dave/tablet")
        self.network.say(self.bob, "#lab", "hi")
        self.server.rooms["#lab"].add("dave")
        self.network.say(self.alice, "#lab", "not for dave")
        self.assertEqual((dave.texts, dave.reasons), ([], ["unknown_session"]))

    def test_a_device_is_removed_while_its_key_is_fetched(self) -> None:
        self.three()
        waiting = self.alice.engine.encrypt("#lab", "message", "secret")
        for line in waiting.lines:
            self.server.take(self.alice, line)
        self.network.settle()
        claims = self.alice.engine.encrypt("#lab", "message", "secret")
        del self.server.bundles["carol/desk"]
        self.server.changed("carol")
        for line in claims.lines:
            self.server.take(self.alice, line)
        self.network.settle()
        self.network.say(self.alice, "#lab", "secret")
        sent = [line for line in self.server.log if b"SEND carol/desk" in line]
        self.assertEqual((sent, self.bob.texts), ([], ["secret"]))

    def test_more_lost_than_a_session_bears(self) -> None:
        """Olm gives up after 2,000 lost messages: both find together again by themselves."""
        self.three()
        self.network.say(self.bob, "#lab", "hi")
        self.network.say(self.alice, "#lab", "hi")
        peers = self.alice.engine._peers
        bundle = peers.directory.bundle(self.bob.identity)
        self.assertEqual(len(peers.pairs._sessions(bundle)), 1)
        for _ in range(2001):
            peers.pairs._sessions(bundle)[0].encrypt(b"lost")
        self.network.clock.advance(hours=25)
        self.network.say(self.alice, "#lab", "in a new session")
        self.assertEqual(len(self.bob.told(AttackRefused)), 1)
        self.assertEqual(self.bob.texts[-1], "in a new session")
        self.network.clock.advance(hours=25)
        self.network.say(self.alice, "#lab", "and on")
        self.assertEqual(self.bob.texts[-1], "and on")
        self.assertEqual(len(self.bob.told(AttackRefused)), 1)
