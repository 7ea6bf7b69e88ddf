"""``securechat revoke``."""

from __future__ import annotations

from chat.pki.authority import Identity
from chat.pki.lists import read_lists
from tests.cli.networks import NetworkCase
from tests.pki.networks import ALICE
from tests.server.tls_peers import meet, server

PHONE = Identity("alice", "phone")


class RevokeTests(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.laptop = self.network.device(ALICE)
        self.phone = self.network.device(PHONE)

    def revoked(self) -> set[int]:
        return {serial for each in read_lists(self.layout).lists for serial in each.serials}

    def test_a_device(self) -> None:
        output = self.succeed("revoke", "alice/phone", "--reason", "key-compromise")
        self.assertRegex(output, r"Revoked alice/phone, [0-9a-f]{12}, until \d{4}-")
        self.assertIn("within a second", output)
        tls = server(self.layout)
        self.assertEqual(meet(tls, self.phone).refusal, "the certificate of alice/phone is revoked")
        self.assertEqual(meet(tls, self.laptop).server.identity, "alice/laptop")
        self.assertIn("reason: key compromise", self.succeed("ca", "show", "alice/phone"))

    def test_an_account(self) -> None:
        self.assertIn("2 more on the list", self.succeed("revoke", "alice"))
        self.assertEqual(len(self.revoked()), 2)

    def test_again(self) -> None:
        self.succeed("revoke", "alice")
        before = self.layout.revocations.read_bytes()
        output = self.succeed("revoke", "alice")
        self.assertEqual(output, "Nothing to do: none of the 2 found gets in any more\n")
        self.assertEqual(self.layout.revocations.read_bytes(), before)

    def test_one_certificate(self) -> None:
        second = self.network.certificate(PHONE)
        self.succeed("revoke", "alice/phone", "--serial", f"{second.serial_number:040x}"[:12])
        self.assertEqual(self.revoked(), {second.serial_number})
        self.fail_with(
            "no certificate has the serial number 123456", "revoke", "--serial", "123456"
        )
        self.fail_with("whose certificates", "revoke")

    def test_what_cannot_be_listed(self) -> None:
        """The others are revoked all the same, and the exit code tells."""
        key = self.network.issuing_key
        self.succeed("ca", "rotate-issuing")
        key.unlink()
        new = self.network.certificate(Identity("alice", "tablet"))
        result = self.call("revoke", "alice")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("Revoked alice/tablet", result.stdout)
        self.assertRegex(result.stderr, "^securechat: 2 certificates still get in, .* --force\n$")
        self.assertEqual(self.revoked(), {new.serial_number})

    def test_nobody(self) -> None:
        self.fail_with("issued to 'Alice': did you mean alice", "revoke", "Alice")
        self.fail_with("did you mean alice/phone", "revoke", "alice/fone")
        self.assertEqual(self.revoked(), set())

    def test_passphrase(self) -> None:
        file = self.encrypt()
        self.fail_with("is encrypted .* --passphrase-file FILE", "revoke", "alice")
        self.succeed("revoke", "alice", "--passphrase-file", file)
