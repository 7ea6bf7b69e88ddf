"""E2E: the directory, and what devices send through it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.features.e2e_payloads import PART, TAG
from chat.irc.message import Message, parse
from chat.network.errors import UnavailableError
from chat.network.events import AccountRemoved, CertificatesRevoked
from chat.network.settings import AccountSettings, Limits
from tests.support.directory import REVOCATIONS
from tests.support.world import FakeClient, World

CAPABILITIES = "securechat/e2e batch standard-replies"
START = 1_700_000_000_000
WELCOME = ":irc.test E2E OTK 0"


def tagged(data: bytes, line: str) -> str:
    """Return a line with a part of a payload."""
    return f"@{TAG}={urlsafe_b64encode(data).rstrip(b'=').decode()} {line}"


def parts(data: bytes, command: str) -> list[str]:
    """Return the lines of a payload, with parts as large as they may be."""
    chunks = [data[start : start + PART] for start in range(0, len(data), PART)]
    return [tagged(each, f"{command} {n}/{len(chunks)}") for n, each in enumerate(chunks, 1)]


def one_time(*ids: str, kind: str = "otk") -> str:
    """Return an upload of keys."""
    keys = [{"id": id_, "key": f"public {id_}", "kind": kind, "sig": "s"} for id_ in ids]
    return tagged(json.dumps({"keys": keys}).encode(), "E2E OTK 1/1")


def stored(id_: str, kind: str = "otk") -> bytes:
    """Return the key as it is given."""
    return f'{{"id":"{id_}","key":"public {id_}","kind":"{kind}","sig":"s"}}'.encode()


class E2ECase(SynchronousTestCase):
    limits = Limits(flood=False)
    accounts = AccountSettings()

    def setUp(self) -> None:
        self.world = World(self.accounts, self.limits)
        for account in ("alice", "bob", "carol"):
            self.world.add_account(account)

    def tearDown(self) -> None:
        self.world.database.close()

    def enter(
        self, account: str, device: str = "laptop", capabilities: str = CAPABILITIES, **peer: object
    ) -> FakeClient:
        client = self.world.device(account, device, **peer)  # type: ignore[arg-type]
        client.enter(account, capabilities)
        self.assertIn("001", client.commands())
        return client

    def ready(self, account: str, device: str = "laptop", room: str = "#room") -> FakeClient:
        """Return a client in the room, with a bundle, whose lines have been read."""
        client = self.enter(account, device)
        client.send(f"JOIN {room}", tagged(b"bundle", "E2E PUBLISH 1/1"))
        client.lines()
        return client


class PublishTests(E2ECase):
    def test_asked_for_it_is_told_as_it_was_published(self) -> None:
        alice, bob = self.enter("alice"), self.enter("bob")
        self.assertEqual(
            alice.exchange(tagged(b'{"v":1}', "E2E PUBLISH 1/1")), [":irc.test E2E PUBLISHED"]
        )
        self.assertEqual(
            bob.exchange("E2E QUERY ALICE"),
            [
                ":irc.test BATCH +e2e securechat/e2e ALICE",
                f"@{TAG}=eyJ2IjoxfQ;batch=e2e :irc.test E2E BUNDLE alice/laptop 1/1",
                ":irc.test BATCH -e2e",
            ],
        )

    def test_a_large_one_comes_and_goes_in_parts(self) -> None:
        alice = self.enter("alice")
        data = bytes(range(256)) * 64  # 16 kB, the most
        *first, last = parts(data, "E2E PUBLISH")
        self.assertEqual(alice.exchange(*first), [])
        self.assertEqual(alice.exchange(last), [":irc.test E2E PUBLISHED"])
        _, *lines, _ = alice.exchange("E2E QUERY alice")
        found = [parse(line.encode()) for line in lines]
        self.assertEqual([line.text() for line in found], [f"{n}/6" for n in range(1, 7)])
        self.assertEqual(joined(found), data)

    def test_of_a_room_everybody_s(self) -> None:
        alice, bob = self.ready("alice"), self.ready("bob")
        self.ready("alice", "phone")
        self.ready("carol", room="#other")
        names = [line.split(" E2E BUNDLE ")[1] for line in bob.exchange("E2E QUERY #ROOM")[1:-1]]
        self.assertEqual(names, ["alice/laptop 1/1", "alice/phone 1/1", "bob/laptop 1/1"])
        self.assertEqual(
            alice.exchange("E2E QUERY #other", "E2E QUERY #nowhere"),
            [
                ":irc.test FAIL E2E UNKNOWN_TARGET QUERY #other :You are not on that channel",
                ":irc.test FAIL E2E UNKNOWN_TARGET QUERY #nowhere :You are not on that channel",
            ],
        )

    def test_who_has_none_is_an_empty_batch(self) -> None:
        self.assertEqual(
            self.enter("alice").exchange("E2E QUERY nobody"),
            [":irc.test BATCH +e2e securechat/e2e nobody", ":irc.test BATCH -e2e"],
        )

    def test_those_who_share_a_room_are_told_once_for_each_other_bundle(self) -> None:
        alice, bob, phone = self.ready("alice"), self.ready("bob"), self.ready("alice", "phone")
        carol = self.ready("carol", room="#other")
        deaf = self.enter("bob", "old", "batch")
        for client in (alice, bob, phone, carol, deaf):
            client.lines()
        publish = tagged(b"another", "E2E PUBLISH 1/1")
        self.assertEqual(alice.exchange(publish), [":irc.test E2E PUBLISHED"])
        told = [":irc.test E2E CHANGED alice"]
        self.assertEqual([bob.lines(), phone.lines()], [told, told])
        self.assertEqual(alice.exchange(publish), [":irc.test E2E PUBLISHED"])
        self.assertEqual([c.lines() for c in (bob, phone, carol, deaf)], [[]] * 4)

    def test_too_many_for_one_answer_are_asked_for_one_by_one(self) -> None:
        self.world.settings = evolve(self.world.settings, limits=evolve(self.limits, sendq=40))
        alice = self.ready("alice")
        self.ready("bob")
        self.assertEqual(
            alice.exchange("E2E QUERY #room")[-1],
            ":irc.test FAIL E2E TOO_LARGE QUERY #room :These are too many bundles at once:"
            " ask for one account after the other",
        )
        self.assertEqual(len(alice.exchange("E2E QUERY bob")), 3)


class DeviceTests(E2ECase):
    accounts = AccountSettings(login="optional", identity="any", password="optional")

    def test_only_a_device_of_the_account_takes_part(self) -> None:
        """The sender is from the certificate, whatever the login says."""
        guest = self.world.client("guest", CAPABILITIES)
        other = self.world.device("alice", "laptop")
        other.enter("bob", CAPABILITIES)
        other.lines()
        for client, text in (
            (guest, "Your certificate names no device"),
            (other, "Your certificate is of another account than you are logged in to"),
        ):
            for line in (tagged(b"x", "E2E PUBLISH 1/1"), "E2E ACK 1", "E2E QUERY alice"):
                word = line.split("E2E ")[1].split()[0]
                self.assertEqual(
                    client.exchange(line), [f":irc.test FAIL E2E NO_DEVICE {word} :{text}"]
                )

    def test_who_did_not_negotiate_it_is_told_to(self) -> None:
        self.assertEqual(
            self.world.device("alice", "laptop").world.client("x").exchange("E2E QUERY alice"),
            [":irc.test FAIL E2E INVALID QUERY :Negotiate securechat/e2e first"],
        )

    def test_nonsense(self) -> None:
        alice = self.enter("alice")
        alice.lines()
        for line, context in (
            ("E2E DANCE", "DANCE"),
            ("E2E QUERY", "QUERY"),
            ("E2E CLAIM a b", "CLAIM"),
            ("E2E SEND bob/laptop 1/1", "SEND"),
            ("E2E :", None),
        ):
            [answer] = alice.exchange(line)
            if context is not None:
                wanted = f":irc.test FAIL E2E INVALID {context} :HELP E2E tells how it is used"
                self.assertEqual(answer, wanted)
        [answer] = alice.exchange("E2E ACK -1")
        self.assertIn("FAIL E2E INVALID ACK -1 :", answer)
        [answer] = alice.exchange("E2E ACK 99999999999999999999")
        self.assertIn("FAIL E2E INVALID ACK ", answer)

    def test_denied_tags_take_the_capability_away(self) -> None:
        for denied in ("securechat/p", "securechat/e2e", "*"):
            self.world.settings = evolve(self.world.settings, denied_client_tags=(denied,))
            listed = self.world.connect().exchange("CAP LS 302")
            self.assertNotIn("securechat/e2e", " ".join(listed))
            alice = self.world.client("dave")
            alice.send("JOIN #room")
            alice.lines()
            self.assertIn(" 472 dave E ", alice.exchange("MODE #room +E")[0])
            alice.disconnect()


class PartTests(E2ECase):
    def setUp(self) -> None:
        super().setUp()
        self.alice = self.ready("alice")

    def refusal(self, *lines: str) -> str:
        answers = self.alice.exchange(*lines)
        self.assertTrue(answers, lines)
        return answers[-1].removeprefix(":irc.test FAIL E2E ").partition(" :")[0]

    def test_out_of_order(self) -> None:
        one, two, three = parts(b"x" * (3 * PART), "E2E PUBLISH")
        self.assertEqual(self.refusal(one, three), "INVALID PUBLISH")
        self.assertEqual(self.refusal(two), "INVALID PUBLISH")  # the beginning is forgotten
        self.assertEqual(self.refusal(one, one, two, two), "INVALID PUBLISH")
        self.assertEqual(self.alice.exchange(one, two, three), [":irc.test E2E PUBLISHED"])

    def test_another_number_of_parts(self) -> None:
        one, *_ = parts(b"x" * (3 * PART), "E2E PUBLISH")
        self.assertEqual(self.refusal(one, tagged(b"y", "E2E PUBLISH 2/2")), "INVALID PUBLISH")

    def test_no_part(self) -> None:
        for word in ("0/1", "2/1", "1", "1/", "a/b", "1/1/1", "-1/1", "1/999999"):
            self.assertEqual(self.refusal(tagged(b"x", f"E2E PUBLISH {word}")), "INVALID PUBLISH")
        for value in ("", "=", "ab=", "a", "a+b/", "\u00e9"):
            self.assertEqual(self.refusal(f"@{TAG}={value} E2E PUBLISH 1/1"), "INVALID PUBLISH")
        self.assertEqual(self.refusal("E2E PUBLISH 1/1"), "INVALID PUBLISH")

    def test_too_large(self) -> None:
        large = parts(b"x" * 16_385, "E2E PUBLISH")
        self.assertEqual(self.refusal(*large), "TOO_LARGE PUBLISH")
        part = tagged(b"x" * (PART + 1), "E2E PUBLISH 1/1")
        self.assertEqual(self.refusal(part), "TOO_LARGE PUBLISH")
        self.assertEqual(self.refusal(tagged(b"x", "E2E PUBLISH 1/65")), "TOO_LARGE PUBLISH")
        line = f"@{TAG}={'A' * 4096} E2E PUBLISH 1/1"
        self.assertIn(" 417 ", self.alice.exchange(line)[0])

    def test_others_may_come_between_but_not_many(self) -> None:
        self.ready("bob")
        one, two = parts(b"y" * (2 * PART), "E2E PUBLISH")
        other = parts(b"z" * (2 * PART), "E2E SEND bob/laptop m1")
        answers = self.alice.exchange(one, other[0], two, other[1])
        self.assertEqual(answers, [":irc.test E2E PUBLISHED", ":irc.test E2E SENT m1"])
        lines = [parts(b"z" * (2 * PART), f"E2E SEND bob/laptop n{n}")[0] for n in range(5)]
        self.assertEqual(self.refusal(*lines), "INVALID SEND bob/laptop n4")


class KeyTests(E2ECase):
    limits = Limits(flood=False, e2e_claims=1000, e2e_claims_of_device=1000)

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.bob = self.ready("alice"), self.ready("bob")
        self.alice.lines()

    def claim(self, client: FakeClient | None = None) -> bytes | str:
        """Return the key, or the code of the refusal."""
        [line] = (client or self.bob).exchange("E2E CLAIM alice/laptop")
        message = parse(line.encode())
        if message.command == "FAIL":
            return message.params[1]
        self.assertEqual(message.params, ("KEY", "alice/laptop", "1/1"))
        return joined([message])

    def test_each_is_given_once_and_then_the_fallback_key(self) -> None:
        self.assertEqual(self.claim(), "NO_KEYS")
        self.assertEqual(self.alice.exchange(one_time("A", "B")), [":irc.test E2E OTK 2"])
        self.assertEqual(
            self.alice.exchange(one_time("F", kind="fallback")), [":irc.test E2E OTK 2"]
        )
        given = [self.claim() for _ in range(4)]
        fallback = stored("F", "fallback")
        self.assertEqual(given, [stored("A"), stored("B"), fallback, fallback])

    def test_what_is_uploaded_again_is_not_given_again(self) -> None:
        self.alice.send(one_time("A", "B"))
        self.claim()
        self.assertEqual(self.alice.exchange(one_time("A", "B")), [":irc.test E2E OTK 1"])
        self.assertEqual([self.claim(), self.claim()], [stored("B"), "NO_KEYS"])

    def test_a_new_fallback_key_takes_the_place_of_the_old_one(self) -> None:
        self.alice.send(one_time("F", kind="fallback"), one_time("G", kind="fallback"))
        self.assertEqual(self.claim(), stored("G", "fallback"))

    def test_the_newest_hundred_are_kept(self) -> None:
        """A device that was set up anew under its name has keys of its own."""
        for start in (0, 60):
            self.alice.send(*parts(upload(range(start, start + 60)), "E2E OTK"))
        self.assertEqual(self.alice.lines()[-1], ":irc.test E2E OTK 100")
        self.assertEqual(self.claim(), stored("k20"))
        self.alice.send(*parts(upload(range(20)), "E2E OTK"))
        self.assertEqual(self.alice.lines()[-1], ":irc.test E2E OTK 99")  # they had made way

    def test_told_when_few_are_left(self) -> None:
        self.alice.send(*parts(upload(range(21)), "E2E OTK"))
        self.alice.lines()
        for _ in range(4):
            self.claim()
        self.assertEqual(self.alice.lines(), [":irc.test E2E OTK 19"])

    def test_told_at_log_in(self) -> None:
        self.alice.exchange(one_time("A", "B"))
        self.alice.disconnect()
        self.assertEqual(self.enter("alice").lines()[-1], ":irc.test E2E OTK 2")

    def test_who_shares_no_room_may_too(self) -> None:
        """Conversations are between any two."""
        self.alice.send(one_time("A"))
        carol = self.ready("carol", room="#other")
        self.assertEqual(self.claim(carol), stored("A"))

    def test_of_an_absent_account_too(self) -> None:
        self.alice.send(one_time("A"))
        self.alice.disconnect()
        self.assertEqual(self.claim(), stored("A"))

    def test_unknown_devices(self) -> None:
        for name in ("alice/phone", "alice", "alice/", "/x", "a/b/c", "nobody/laptop"):
            [line] = self.bob.exchange(f"E2E CLAIM {name}")
            self.assertIn(f"FAIL E2E UNKNOWN_DEVICE CLAIM {name} :", line)

    def test_the_revocation_lists(self) -> None:
        lines = [parse(line.encode()) for line in self.alice.exchange("E2E REVOCATIONS")]
        self.assertEqual({line.params[0] for line in lines}, {"REVOCATIONS"})
        self.assertEqual([line.params[1] for line in lines], ["1/2", "2/2"])
        self.assertEqual(joined(lines), REVOCATIONS)

    def test_lists_that_are_too_long(self) -> None:
        limits = evolve(self.limits, sendq=8192)
        self.alice.machine.settings = evolve(self.world.settings, limits=limits)
        [line] = self.alice.exchange("E2E REVOCATIONS")
        self.assertIn("FAIL E2E TOO_LARGE REVOCATIONS :", line)

    def test_what_is_no_key(self) -> None:
        good = {"id": "A", "key": "k", "kind": "otk", "sig": "s"}
        for keys, code in (
            ("[]", "INVALID"),
            ('{"keys":{}}', "INVALID"),
            ("{", "INVALID"),
            ("[" * 5000, "INVALID"),
            (json.dumps({"keys": [good, good]}), "INVALID"),
            (json.dumps({"keys": [{**good, "more": "x"}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "kind": "other"}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "kind": []}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "id": 7}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "sig": ""}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "id": "\ud800"}]}), "INVALID"),
            (json.dumps({"keys": [{**good, "id": "x" * 65}]}), "TOO_LARGE"),
            (json.dumps({"keys": [{**good, "sig": "x" * 1024}]}), "TOO_LARGE"),
            (
                json.dumps({"keys": [{**good, "id": i, "kind": "fallback"} for i in "AB"]}),
                "INVALID",
            ),
        ):
            answers = self.alice.exchange(*parts(keys.encode(), "E2E OTK"))
            self.assertIn(f":irc.test FAIL E2E {code} OTK :", answers[-1])
        self.assertEqual(self.alice.exchange(one_time("A")), [":irc.test E2E OTK 1"])

    def test_without_a_bundle_there_is_nothing_to_keep_them_with(self) -> None:
        carol = self.enter("carol")
        carol.lines()
        self.assertEqual(
            carol.exchange(one_time("A")),
            [":irc.test FAIL E2E UNKNOWN_DEVICE OTK carol/laptop :Publish a bundle first"],
        )


class ClaimLimitTests(E2ECase):
    limits = Limits(flood=False, e2e_claims=3)

    def test_nobody_can_be_drained(self) -> None:
        alice, bob = self.ready("alice"), self.ready("bob")
        for name in ("one", "two", "three"):
            self.ready("alice", name)
        alice.send(one_time("A", "B", "C"))
        [line] = bob.exchange("E2E CLAIM alice/laptop")
        self.assertIn(" E2E KEY alice/laptop 1/1", line)
        limited = (
            ":irc.test FAIL E2E RATE_LIMITED CLAIM alice/laptop"
            " :You may claim 3 keys a minute, 1 of one device"
        )
        self.assertEqual(bob.exchange("E2E CLAIM Alice/LAPTOP")[0].lower(), limited.lower())
        phone = self.ready("bob", "phone")
        self.assertIn(" E2E KEY ", phone.exchange("E2E CLAIM alice/laptop")[0])
        for name, code in (("one", "NO_KEYS"), ("two", "NO_KEYS"), ("three", "RATE_LIMITED")):
            self.assertIn(f" {code} ", bob.exchange(f"E2E CLAIM alice/{name}")[0])
        self.world.clock.advance(60)
        self.assertIn(" E2E KEY ", bob.exchange("E2E CLAIM alice/laptop")[0])


class SendTests(E2ECase):
    limits = Limits(flood=False, e2e_queue=6, e2e_queue_of_sender=4)

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.bob = self.ready("alice"), self.ready("bob")
        self.alice.lines()

    def send_to_bob(self, data: bytes, id_: str, client: FakeClient | None = None) -> list[str]:
        return (client or self.alice).exchange(tagged(data, f"E2E SEND bob/laptop {id_} 1/1"))

    def test_delivered_and_kept_until_acknowledged(self) -> None:
        self.assertEqual(self.send_to_bob(b"hi", "m1"), [":irc.test E2E SENT m1"])
        delivered = f"@{TAG}=aGk :alice E2E DELIVER alice/laptop {START + 1} 1/1"
        self.assertEqual(self.bob.lines(), [delivered])
        self.bob.disconnect()
        bob = self.enter("bob")
        self.assertEqual(bob.lines()[-2:], [WELCOME, delivered])
        self.assertEqual(bob.exchange(f"E2E ACK {START + 1}"), [])
        bob.disconnect()
        self.assertEqual(self.enter("bob").lines()[-1], WELCOME)

    def test_who_is_absent_gets_it_in_order(self) -> None:
        self.bob.disconnect()
        for n in range(4):
            self.send_to_bob(b"%d" % n, f"m{n}")
        bob = self.enter("bob")
        self.assertEqual(deliveries(bob), [(START + 1 + n, b"%d" % n) for n in range(4)])
        bob.exchange(f"E2E ACK {START + 2}")
        bob.disconnect()
        self.assertEqual(deliveries(self.enter("bob")), [(START + 3, b"2"), (START + 4, b"3")])

    def test_each_session_of_a_device_gets_it_and_no_other(self) -> None:
        twin, phone = self.enter("bob"), self.ready("bob", "phone")
        self.send_to_bob(b"x", "m1")
        self.assertEqual(deliveries(twin), [(START + 1, b"x")])
        self.assertEqual(deliveries(self.bob), [(START + 1, b"x")])
        self.assertEqual(deliveries(phone), [])

    def test_to_another_device_of_one_s_own_and_to_oneself(self) -> None:
        phone = self.ready("bob", "phone")
        self.assertEqual(self.send_to_bob(b"x", "m1", phone), [":irc.test E2E SENT m1"])
        self.assertEqual(deliveries(self.bob), [(START + 1, b"x")])
        answers = self.send_to_bob(b"y", "m2", self.bob)
        self.assertEqual(answers[0], ":irc.test E2E SENT m2")
        self.assertIn(f" E2E DELIVER bob/laptop {START + 2} 1/1", answers[1])

    def test_sent_again_it_waits_once(self) -> None:
        self.bob.disconnect()
        for _ in range(3):
            self.assertEqual(self.send_to_bob(b"x", "m1"), [":irc.test E2E SENT m1"])
        [line] = self.send_to_bob(b"y", "m1")
        self.assertIn("FAIL E2E INVALID SEND bob/laptop m1 :", line)
        self.assertEqual(deliveries(self.enter("bob")), [(START + 1, b"x")])

    def test_no_more_than_the_queue_holds_and_of_one_sender_its_share(self) -> None:
        self.bob.disconnect()
        carol = self.ready("carol")
        answers = [self.send_to_bob(b"x", f"m{n}")[0] for n in range(5)]
        full = (
            ":irc.test FAIL E2E QUEUE_FULL SEND bob/laptop {}"
            " :Too much waits for that device: try again when it was here"
        )
        self.assertEqual(answers[3:], [":irc.test E2E SENT m3", full.format("m4")])
        answers = [self.send_to_bob(b"x", f"n{n}", carol)[0] for n in range(3)]
        self.assertEqual(answers[1:], [":irc.test E2E SENT n1", full.format("n2")])
        self.world.clock.advance(7 * 86_400 + 1)
        self.assertEqual(self.send_to_bob(b"x", "m5"), [":irc.test E2E SENT m5"])

    def test_after_a_week_nobody_waits_for_it(self) -> None:
        self.bob.disconnect()
        self.send_to_bob(b"x", "m1")
        self.world.clock.advance(7 * 86_400 + 1)
        self.assertEqual(deliveries(self.enter("bob")), [])

    def test_unknown_devices_and_bad_ids(self) -> None:
        for name in ("bob/phone", "nobody/laptop", "bob"):
            [line] = self.alice.exchange(tagged(b"x", f"E2E SEND {name} m1 1/1"))
            self.assertIn(f"FAIL E2E UNKNOWN_DEVICE SEND {name} m1 :", line)
        [line] = self.send_to_bob(b"x", "x" * 65)
        self.assertIn("FAIL E2E INVALID SEND bob/laptop ", line)

    def test_the_database_away(self) -> None:
        self.world.database.away = UnavailableError("gone")
        text = "The server's database does not answer: try again later"
        for line, context in (
            (tagged(b"x", "E2E SEND bob/laptop m1 1/1"), "SEND bob/laptop m1"),
            ("E2E CLAIM bob/laptop", "CLAIM bob/laptop"),
            ("E2E QUERY bob", "QUERY bob"),
            (tagged(b"x", "E2E PUBLISH 1/1"), "PUBLISH"),
            ("E2E ACK 1", "ACK 1"),
            ("E2E FETCH", "FETCH"),
        ):
            self.assertEqual(
                self.alice.exchange(line), [f":irc.test FAIL E2E INTERNAL_ERROR {context} :{text}"]
            )
        self.world.database.away = None
        self.assertEqual(self.send_to_bob(b"x", "m1"), [":irc.test E2E SENT m1"])

    def test_a_capability_that_is_negotiated_later(self) -> None:
        self.bob.disconnect()
        self.send_to_bob(b"x", "m1")
        bob = self.enter("bob", capabilities="batch")
        self.assertEqual(deliveries(bob), [])
        bob.send("CAP REQ securechat/e2e", "E2E FETCH")
        self.assertEqual(deliveries(bob), [(START + 1, b"x")])
        bob.send("E2E FETCH")
        self.assertEqual(deliveries(bob), [])


class PressureTests(E2ECase):
    limits = Limits(flood=False, sendq=40_000)

    def test_no_more_waits_for_a_client_than_it_has_acknowledged(self) -> None:
        alice, bob = self.ready("alice"), self.ready("bob")
        bob.disconnect()
        for n in range(120):
            alice.send(tagged(b"%04d" % n * 100, f"E2E SEND bob/laptop m{n} 1/1"))
        bob = self.enter("bob")
        came: list[int] = []
        while found := deliveries(bob):
            size = sum(len(data) for _, data in found)
            self.assertLessEqual(size, 10_000)
            came += [position for position, _ in found]
            if len(came) < 120:
                alice.send(tagged(b"more", f"E2E SEND bob/laptop n{len(came)} 1/1"))
            bob.send(f"E2E ACK {came[-1]}")
        self.assertEqual(came, [*range(START + 1, came[-1] + 1)])
        self.assertGreaterEqual(len(came), 120)


class FloodTests(E2ECase):
    limits = Limits(flood_burst=20, flood_rate=2.0)

    def test_a_room_s_key_goes_to_a_hundred_devices_at_once(self) -> None:
        alice = self.ready("alice")
        self.ready("bob")
        self.world.clock.advance(60)
        alice.lines()
        for n in range(100):
            alice.send(tagged(b"x", f"E2E SEND bob/laptop m{n} 1/1"))
        self.assertEqual(sum(" SENT " in line for line in alice.lines()), 100)
        alice.send("E2E QUERY #room", "E2E QUERY #room")
        self.assertEqual([line for line in alice.lines() if "BATCH" in line], [])
        self.world.clock.advance(2)
        self.assertEqual(len([line for line in alice.lines() if "BATCH +" in line]), 1)


class GoneTests(E2ECase):
    limits = Limits(flood=False, e2e_claims_of_device=1000)

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.phone = self.ready("alice"), self.ready("alice", "phone")
        self.bob = self.ready("bob")
        self.phone.send(one_time("A"))
        self.bob.send(tagged(b"x", "E2E SEND alice/phone m1 1/1"))
        for client in (self.alice, self.phone, self.bob):
            client.lines()

    def assert_gone(self) -> None:
        self.assertIn("UNKNOWN_DEVICE", self.bob.exchange("E2E CLAIM alice/phone")[0])
        line = tagged(b"x", "E2E SEND alice/phone m2 1/1")
        self.assertIn("UNKNOWN_DEVICE", self.bob.exchange(line)[0])
        names = [line for line in self.bob.exchange("E2E QUERY #room") if "alice/phone" in line]
        self.assertEqual(names, [])

    def sweep(self) -> None:
        swept = self.world.directory.sweep(self.alice.now())
        with self.assertRaises(StopIteration):
            swept.send(None)

    def test_a_removed_device(self) -> None:
        answers = self.alice.exchange("DEVICES REMOVE phone")
        changed = ":irc.test E2E CHANGED alice"
        self.assertIn(changed, answers)
        self.assertEqual(self.bob.lines(), [changed])
        self.assert_gone()
        self.sweep()
        self.assert_gone()
        self.assertEqual(len(self.alice.exchange("E2E QUERY alice")), 3)

    def test_one_that_comes_back_has_nothing_of_before(self) -> None:
        for swept in (False, True):
            self.alice.send("DEVICES REMOVE phone")
            if swept:
                self.sweep()
            self.world.clock.advance(60)
            back = self.enter("alice", "phone", certificate=f"new {swept}")
            self.assertEqual(deliveries(back), [])
            back.send(tagged(b"anew", "E2E PUBLISH 1/1"))
            self.bob.lines()
            self.assertIn("NO_KEYS", self.bob.exchange("E2E CLAIM alice/phone")[0])
            back.lines()
            self.bob.send(tagged(b"y", f"E2E SEND alice/phone again{swept} 1/1"))
            [(position, _)] = deliveries(back)
            self.assertGreater(position, START + 1)
            self.world.clock.advance(60)

    def test_a_revoked_certificate(self) -> None:
        certificate = self.phone.machine.session.peer.certificate
        event = CertificatesRevoked("alice", ("phone",), (certificate,), "stolen")
        self.world.log.append((self.alice.stamp(event),), lambda failed: None)
        self.assertIn(":irc.test E2E CHANGED alice", self.bob.lines())
        self.assertIn(":irc.test E2E CHANGED alice", self.alice.lines())
        self.assert_gone()

    def test_a_removed_account(self) -> None:
        del self.world.accounts["alice"]
        entry = self.bob.stamp(AccountRemoved("alice"))
        self.world.log.append((entry,), lambda failed: None)
        self.assertIn(":irc.test E2E CHANGED alice", self.bob.lines())
        self.sweep()
        self.assertEqual(len(self.bob.exchange("E2E QUERY alice")), 2)

    def test_one_that_ended_long_ago(self) -> None:
        self.world.clock.advance(119 * 86_400)
        self.sweep()
        self.assertEqual(len(self.bob.exchange("E2E QUERY alice")), 4)
        self.world.clock.advance(2 * 86_400)
        self.sweep()
        self.assertEqual(len(self.bob.exchange("E2E QUERY alice")), 2)


def upload(numbers: range) -> bytes:
    keys = [{"id": f"k{n}", "key": f"public k{n}", "kind": "otk", "sig": "s"} for n in numbers]
    return json.dumps({"keys": keys}).encode()


def joined(lines: list[Message]) -> bytes:
    """Return the payload that the lines carry."""
    values = [line.tags[TAG] for line in lines]
    return b"".join(urlsafe_b64decode(value + "=" * (-len(value) % 4)) for value in values)


def deliveries(client: FakeClient) -> list[tuple[int, bytes]]:
    """Return positions and payloads of what was delivered since the last look."""
    found: dict[int, list[Message]] = {}
    for line in client.lines():
        message = parse(line.encode())
        if message.command == "E2E" and message.params[0] == "DELIVER":
            found.setdefault(int(message.params[2]), []).append(message)
    return [(position, joined(lines)) for position, lines in found.items()]
