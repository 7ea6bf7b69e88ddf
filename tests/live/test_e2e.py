"""The directory of end-to-end encryption on a real server, with real devices' certificates."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from twisted.trial.unittest import TestCase

from chat.features.e2e_payloads import PART, TAG
from chat.features.encrypted_rooms import PLACEHOLDER
from chat.irc.message import Message, parse
from tests.live.databases import Stored, on_mariadb, on_sqlite
from tests.live.irc import CAPABILITIES, IRC
from tests.support.mariadb import shared_server
from tests.support.servers import Server

LIMITS = "flood = false\ndatabase_timeout = 2.0\ne2e_claims_of_device = 100"
SECRET = "the pump is on"


def lines(data: bytes, command: str) -> list[str]:
    """Return the lines of a payload, with parts as large as they may be."""
    chunks = [data[start : start + PART] for start in range(0, len(data), PART)]
    return [
        f"@{TAG}={urlsafe_b64encode(each).rstrip(b'=').decode()} {command} {n}/{len(chunks)}"
        for n, each in enumerate(chunks, 1)
    ]


def payload(found: list[Message]) -> bytes:
    """Return what the parts in these lines are together."""
    values = [message.tags[TAG] for message in found]
    return b"".join(urlsafe_b64decode(value + "=" * (-len(value) % 4)) for value in values)


def upload(*ids: str) -> str:
    keys = [{"id": id_, "key": f"public {id_}", "kind": "otk", "sig": "s"} for id_ in ids]
    [line] = lines(json.dumps({"keys": keys}).encode(), "E2E OTK")
    return line


class E2ETests:
    """What holds on every database; each subclass is one."""

    stored: Stored

    def begin(self) -> None:
        self.server = Server(self.stored.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, account: str, device: str = "laptop", more: str = "securechat/e2e") -> IRC:
        files = self.stored.home.device(account, device)
        client = IRC.login(self.server.port, files, f"{CAPABILITIES} {more}")
        self.addCleanup(client.close)
        client.exchange("JOIN #room")
        return client

    def deliveries(self, client: IRC, count: int) -> list[tuple[int, str, bytes]]:
        """Return position, sender and payload of the next deliveries."""
        found = []
        while len(found) < count:
            parts = [self.part(client)]
            while len(parts) < int(parts[0].text().partition("/")[2]):
                parts.append(self.part(client))
                self.assertEqual(parts[-1].params[:3], parts[0].params[:3])
            found.append((int(parts[0].params[2]), parts[0].params[1], payload(parts)))
        return found

    def part(self, client: IRC) -> Message:
        def look(line: str) -> Message | None:
            message = parse(line.encode())
            is_it = message.command == "E2E" and message.params[0] == "DELIVER"
            return message if is_it else None

        return client.find(look, "DELIVER")

    def test_published_claimed_sent_kept_and_acknowledged(self) -> None:
        self.begin()
        alice, bob, phone = self.login("alice"), self.login("bob"), self.login("bob", "phone")
        bundle = bytes(range(256)) * 30
        bob.send(*lines(bundle, "E2E PUBLISH"), upload("A", "B"))
        bob.expect(r"\S+ E2E PUBLISHED$")
        bob.expect(r"\S+ E2E OTK 2$")
        for client in (alice, phone):
            client.expect(r"\S+ E2E CHANGED bob$")
        found = [parse(line.encode()) for line in alice.exchange("E2E QUERY #room")]
        parts = [each for each in found if each.params[:1] == ("BUNDLE",)]
        self.assertEqual({each.params[1] for each in parts}, {"bob/laptop"})
        self.assertEqual(payload(parts), bundle)
        keys = [self.claimed(client) for client in (alice, phone, alice)]
        self.assertEqual(keys, ["A", "B", "NO_KEYS"])
        # Bob is away, and so is his server for a while, as if it lost its power.
        bob.close()
        long = bytes(range(256)) * 64
        alice.send(*lines(b"one", "E2E SEND bob/laptop m1"), *lines(long, "E2E SEND bob/laptop m2"))
        alice.expect(r"\S+ E2E SENT m1$")
        alice.expect(r"\S+ E2E SENT m2$")
        self.server.kill()
        self.server.start()
        bob = self.login("bob")
        first, second = self.deliveries_of_login(bob, 2)
        self.assertEqual(
            [first[1:], second[1:]], [("alice/laptop", b"one"), ("alice/laptop", long)]
        )
        bob.exchange(f"E2E ACK {first[0]}")
        self.server.kill()
        self.server.start()
        bob = self.login("bob")
        self.assertEqual(self.deliveries_of_login(bob, 1), [second])
        bob.exchange(f"E2E ACK {second[0]}")
        bob.close()
        bob = self.login("bob")
        self.assertEqual([line for line in bob.seen if " DELIVER " in line], [])
        # The keys that were given stay given, also when they are brought again.
        self.assertIn(" E2E OTK 0", "\n".join(bob.exchange(upload("A", "B"))))
        alice = self.login("alice")
        self.assertEqual(self.claimed(alice), "NO_KEYS")

    def deliveries_of_login(self, client: IRC, count: int) -> list[tuple[int, str, bytes]]:
        """Return what came with the welcome, and nothing of what is to come."""
        behind, client._looked = len(client.seen), 0
        found = self.deliveries(client, count)
        client._looked = behind
        return found

    def claimed(self, client: IRC) -> str:
        """Return the id of the key, or the code of the refusal."""
        [line] = client.exchange("E2E CLAIM bob/laptop")
        message = parse(line.encode())
        return (
            message.params[1]
            if message.command == "FAIL"
            else str(json.loads(payload([message]))["id"])
        )

    def test_a_client_that_sends_rubbish(self) -> None:
        self.begin()
        mallory, bob = self.login("alice"), self.login("bob")
        bob.exchange(*lines(b"bundle", "E2E PUBLISH"))
        rubbish = [
            "E2E",
            "E2E :",
            "E2E \u0001 \u0002",
            "E2E PUBLISH 1/1",
            f"@{TAG}=*** E2E PUBLISH 1/1",
            *lines(b"x" * 20_000, "E2E PUBLISH"),
            *reversed(lines(b"x" * 9_000, "E2E SEND bob/laptop m1")),
            *lines(b"[[[[", "E2E OTK"),
            *lines(b"x", "E2E SEND bob/tablet m1"),
            *lines(b"x", "E2E SEND ../../etc m1"),
            "E2E CLAIM bob/tablet",
            "E2E ACK 9223372036854775808",
            "E2E ACK x",
            *(f"@{TAG}=eA E2E SEND bob/laptop n{n} 1/64" for n in range(20)),
            f"@{TAG}={'A' * 4200} E2E PUBLISH 1/1",
        ]
        answers = mallory.exchange(*rubbish)
        self.assertEqual(
            [line for line in answers if not re.search(" (FAIL E2E|461|417|JOIN|CHANGED) ", line)],
            [],
        )
        # What it says of whom it is does not count: there is no room for that.
        [line] = lines(b"from alice", "E2E SEND bob/laptop m2")
        mallory.send(line.replace(" E2E", " :bob/phone!x@y E2E"))
        [(_, sender, data)] = self.deliveries(bob, 1)
        self.assertEqual((sender, data), ("alice/laptop", b"from alice"))
        self.assertNotIn("Traceback", self.server.log())

    def test_a_removed_device_leaves_nothing(self) -> None:
        self.begin()
        laptop, phone, bob = self.login("alice"), self.login("alice", "phone"), self.login("bob")
        phone.exchange(*lines(b"bundle", "E2E PUBLISH"), upload("A"))
        bob.exchange(*lines(b"x", "E2E SEND alice/phone m1"))
        laptop.send("DEVICES REMOVE phone")
        bob.expect(r"\S+ E2E CHANGED alice$")
        self.assertEqual(len(bob.exchange("E2E QUERY alice")), 2)
        self.server.wait_for_log("The encryption keys of alice/phone are gone")
        for table in ("e2e_device", "e2e_key", "e2e_payload"):
            self.assertEqual(self.stored.query(f"SELECT COUNT(*) FROM {table}"), [(0,)])

    def test_a_room_that_holds_ciphertext_only(self) -> None:
        self.begin()
        alice, bob = self.login("alice"), self.login("bob", more="draft/chathistory")
        plain = IRC.login(self.server.port, self.stored.home.device("bob", "phone"), "")
        self.addCleanup(plain.close)
        alice.exchange("MODE #room +E")
        self.assertIn(
            " FAIL PRIVMSG E2E_REQUIRED #room :", bob.exchange(f"PRIVMSG #room :{SECRET}")[-1]
        )
        self.assertIn(" 404 bob #room :", plain.exchange(f"PRIVMSG #room :{SECRET}")[-1])
        tag = f"+securechat/e2e=1.c2Vzc2lvbg.{'A' * 64}"
        alice.exchange(f"@{tag} PRIVMSG #room :{PLACEHOLDER}")
        plain.expect(rf"alice!\S+ PRIVMSG #room :{re.escape(PLACEHOLDER)}$")
        history = [
            line for line in bob.exchange("CHATHISTORY LATEST #room * 10") if "batch=" in line
        ]
        self.assertEqual(len(history), 1)
        self.assertIn(tag, history[0])
        rows = self.stored.query("SELECT payload FROM event")
        self.assertEqual([row for row in rows if SECRET.encode() in bytes(row[0])], [])


class SQLiteE2ETests(E2ETests, TestCase):
    def setUp(self) -> None:
        self.stored = on_sqlite(limits=LIMITS)


class MariaDBE2ETests(E2ETests, TestCase):
    def setUp(self) -> None:
        mariadb = shared_server()
        mariadb.start()
        self.addCleanup(mariadb.start)
        self.stored = on_mariadb(mariadb, limits=LIMITS)
