"""``securechat invite`` where the server could not do what the code promises."""

from __future__ import annotations

from tests.cli.networks import NetworkCase


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
        self.fail_with("write a time like 15m", "invite", "bob", "--expires", "soon")
