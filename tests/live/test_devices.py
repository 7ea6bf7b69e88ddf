"""Two devices of one account on a real server: one removes the other."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.live.irc import CAPABILITIES, IRC
from tests.support.servers import Server, make_home

CERT = "soju.im/client-cert"
WHY = "This device was removed from the account alice by alice on laptop"


class DeviceTests(TestCase):
    def setUp(self) -> None:
        self.home = make_home()
        self.server = Server(self.home)
        self.addCleanup(self.server.cleanup)
        self.server.start()

    def login(self, device: str) -> IRC:
        files = self.home.device("alice", device)
        client = IRC.login(self.server.port, files, f"{CAPABILITIES} {CERT}")
        self.addCleanup(client.close)
        return client

    def lock(self) -> None:
        """Take the issuing key away: what the server cannot revoke, the login refuses."""
        for path in self.home.authority.layout.issuing_keys:
            path.rename(path.with_suffix(".away"))

    def assert_refused(self, device: str) -> None:
        client = IRC(self.server.port, self.home.device("alice", device))
        self.addCleanup(client.close)
        client.send("CAP REQ :sasl")
        client.authenticate()
        client.expect(rf"\S+ 904 \* :SASL authentication failed: {WHY}$")
        client.send("NICK alice", "USER alice 0 * :Alice", "CAP END")
        client.expect(rf"\S+ FAIL \* DEVICE_REMOVED :{WHY}: it needs a new certificate$")
        client.expect(rf"ERROR :{WHY}$")
        client.read_to_end()

    def listed(self, client: IRC) -> list[str]:
        lines = [line.partition(" :")[2] for line in client.exchange("DEVICES") if " 371 " in line]
        return [line.partition(", first seen")[0] for line in lines]

    def test_a_removed_device_is_cut_off_and_stays_out(self) -> None:
        laptop, phone = self.login("laptop"), self.login("phone")
        self.lock()
        first, second = self.listed(laptop)
        self.assertRegex(first, r"^laptop \(this device\): connected, certificate [0-9a-f]{16} exp")
        self.assertRegex(second, r"^phone: connected, certificate [0-9a-f]{16} expires \w+day 20")
        laptop.send("DEVICES REMOVE phone")
        laptop.expect(r"\S+ NOTE DEVICES DEVICE_REMOVED phone :")
        phone.expect(rf"ERROR :{WHY}$")
        phone.read_to_end()
        self.assert_refused("phone")
        self.assertEqual(self.listed(laptop), [first])
        for end in (self.server.kill, self.server.stop):
            end()
            self.server.start()
            self.assert_refused("phone")
            self.assertEqual(self.listed(self.login("laptop")), [first])

    def test_who_was_seen_when_lasts_over_a_stop(self) -> None:
        laptop, phone = self.login("laptop"), self.login("phone")
        phone.send("QUIT")
        phone.read_to_end()
        before = self.listed(laptop)
        self.assertIn("phone: last seen ", before[1])
        self.server.stop()
        self.server.start()
        self.assertEqual(self.listed(self.login("laptop")), before)

    def test_a_program_does_the_same(self) -> None:
        laptop, phone = self.login("laptop"), self.login("phone")
        self.lock()
        laptop.send("CLIENTCERT LIST")
        laptop.expect(rf"\S+ BATCH \+\S+ {CERT}$")
        fingerprint = r"([0-9A-F]{128})"
        laptop.expect(rf"\S+ CLIENTCERT LIST {fingerprint} name=laptop time=\S+Z ip=127.0.0.1 ")
        found = laptop.expect(rf"\S+ CLIENTCERT LIST {fingerprint} name=phone ")
        laptop.expect(r"\S+ BATCH -\S+$")
        laptop.send(f"CLIENTCERT DELETE {found[1]}")
        laptop.expect(rf"\S+ CLIENTCERT DELETE {found[1]}$")
        phone.expect(rf"ERROR :{WHY}$")
        self.assert_refused("phone")

    def test_a_new_certificate_brings_it_back(self) -> None:
        laptop, phone = self.login("laptop"), self.login("phone")
        laptop.send("DEVICES REMOVE phone")
        phone.read_to_end()
        files = self.home.device("alice", "phone")
        files.directory.rename(files.directory.with_name("old"))
        self.assertIn("phone (this device)", self.listed(self.login("phone"))[1])
