"""KLINE, DLINE, UNKLINE, UNDLINE: bans from the network, and OPER by role."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from chat.network.bans import canonical, is_too_wide
from chat.network.records import NetworkBan
from chat.network.state import Network
from tests.support.world import FakeClient, World


class BanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.world.add_account("boss", role="operator")
        self.world.add_account("mallory")
        self.boss = self.world.client("boss", account="boss")
        self.boss.exchange("OPER")

    def attempt(self, nick: str, **peer: str) -> FakeClient:
        client = self.world.connect(**peer)
        client.send(f"NICK {nick}", f"USER {nick} 0 * :x")
        return client

    def test_by_role(self) -> None:
        """An account whose role is operator needs no second password."""
        self.assertEqual(self.boss.machine.session.role, "operator")
        self.assertEqual(self.boss.exchange("MODE boss"), [":irc.test 221 boss +o"])
        guest = self.world.client("guest")
        self.assertEqual(guest.exchange("OPER")[0].split()[1], "461")
        self.assertEqual(guest.exchange("KLINE x!*@*")[0].split()[1], "481")

    def test_rehash(self) -> None:
        self.assertIn(" 382 ", self.boss.exchange("REHASH")[0])
        self.world.rehash_problem = "securechat.toml: found nothing"
        (refused,) = self.boss.exchange("REHASH")
        self.assertIn("FAIL REHASH CONFIG_BAD :securechat.toml: found", refused)
        self.assertIn(" 481 ", self.world.client("guest").exchange("REHASH")[0])

    def test_who_is_here_is_closed_and_stays_out(self) -> None:
        spammer = self.world.client("spammer")
        friend = self.world.client("friend")
        for client in (spammer, friend):
            client.send("JOIN #room")
        friend.lines()
        (note,) = self.boss.exchange("KLINE spammer!*@* :no spam")
        self.assertIn(" NOTE KLINE BANNED spammer!*@* :Banned: no spam", note)
        self.assertEqual(spammer.lines()[-1], "ERROR :Banned: no spam")
        self.assertIn(":spammer!spammer@127.0.0.1 QUIT :Banned: no spam", friend.lines())
        again = self.attempt("Spammer")
        self.assertEqual(again.commands(), ["465", "ERROR"])
        self.boss.send("UNKLINE spammer!*@*")
        self.assertIn("001", self.attempt("spammer").commands())

    def test_by_account_address_and_certificate(self) -> None:
        for mask, peer in (
            ("c:ABC123", {"fingerprint": "abc123"}),
            ("192.0.2.0/24", {"host": "192.0.2.77"}),
        ):
            self.boss.send(f"DLINE {mask} :out")
            client = self.world.connect(**peer)
            client.send("NICK x", "USER x 0 * :x")
            self.assertEqual(client.commands(), ["465", "ERROR"], mask)
        self.boss.send("KLINE a:mallory")
        mallory = self.world.connect()
        mallory.log_in("mallory")
        mallory.lines()
        mallory.send("NICK innocent", "USER x 0 * :x")
        self.assertEqual(mallory.commands(), ["465", "ERROR"])

    def test_expiry_and_list(self) -> None:
        self.boss.send("KLINE 1h30m bad!*@* :for a while")
        self.assertEqual(
            self.boss.exchange("STATS k")[0], ":irc.test 216 boss K bad!*@* * * :for a while"
        )
        lines = self.boss.exchange("KLINE")
        self.assertIn("BAN bad!*@* :by boss until Tuesday 2023-11-14 23:43:20 UTC", lines[0])
        self.world.clock.advance(3600 + 1801)
        self.assertIn("001", self.attempt("bad").commands())
        self.assertEqual(len(self.boss.exchange("KLINE")), 1)

    def test_refused(self) -> None:
        for line, code in (
            ("KLINE *!*@*", "INVALID_MASK"),
            ("DLINE 0.0.0.0/0", "INVALID_MASK"),
            ("UNKLINE never!*@*", "NO_SUCH_BAN"),
        ):
            self.assertIn(f" {code} ", self.boss.exchange(line)[0])

    def test_persisted(self) -> None:
        self.boss.send("KLINE bad!*@* :x", "KLINE worse!*@* :x", "UNKLINE bad!*@*")
        replayed = Network()
        for entry in self.world.log.stored:
            replayed.apply(entry)
        self.assertEqual(list(replayed.bans), ["worse!*@*"])
        touched, gone = self.world.network.take_touched()
        records = [record for record in touched if isinstance(record, NetworkBan)]
        self.assertEqual([record.name for record in records], ["worse!*@*"])
        self.assertEqual([key.name for key in gone], ["bad!*@*"])
        restored = Network()
        restored.restore(records)
        self.assertEqual(restored.bans, replayed.bans)

    def test_masks(self) -> None:
        self.assertEqual(canonical("192.0.2.7/24"), "192.0.2.0/24")
        self.assertEqual(canonical("bob"), "bob!*@*")
        for mask in ("*!*@*", "a:*", "::/0", "?*!*@*", "a:"):
            self.assertTrue(is_too_wide(mask), mask)
        for mask in ("bob!*@*", "a:bob", "10.0.0.0/8", "*!*@10.*"):
            self.assertFalse(is_too_wide(mask), mask)
