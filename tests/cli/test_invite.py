"""``securechat invite`` and ``join`` where a code could lead to nothing."""

from __future__ import annotations

from chat.pki.invitation import new_invitation
from tests.cli.networks import NetworkCase
from tests.cli.programs import invoke


class InviteTests(NetworkCase):
    def test_no_issuing_key(self) -> None:
        self.network.issuing_key.unlink()
        self.fail_with("no issuing key here.*`securechat cert issue`", "invite", "bob")

    def test_no_authority_of_its_own(self) -> None:
        self.configure('directory = "keys"', 'directory = ""')
        self.fail_with("no issuing key here", "invite", "bob")

    def test_names_and_times(self) -> None:
        self.fail_with("cannot name an account", "invite", "9bob")
        self.fail_with("cannot name a device", "invite", "bob", "--device", "9")
        self.fail_with("is no address", "invite", "bob", "--address", "there:70000")
        self.fail_with("write a time like 15m", "invite", "bob", "--expires", "soon")


class JoinTests(NetworkCase):
    def test_a_code_of_a_port_that_there_is_not(self) -> None:
        code = new_invitation("alice", "localhost:0", self.network.root.certificate).code
        result = invoke("join", code)
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(result.stderr, "^securechat: 'localhost:0' is no address[^\n]*\n$")
