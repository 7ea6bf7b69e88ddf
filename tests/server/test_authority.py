"""The server keeps its lists fresh by itself, where it can open the keys."""

from __future__ import annotations

import os
from datetime import timedelta

from chat.pki.errors import PassphraseError
from chat.pki.lists import read_lists
from chat.pki.rotation import rotate
from chat.server.authority import renew_if_due
from chat.server.config import load
from tests.cli.networks import NetworkCase
from tests.pki.networks import now

DAY = timedelta(days=1)


class RenewTests(NetworkCase):
    def renew(self, age: timedelta = DAY) -> bool:
        return renew_if_due(load(self.config), now() + age)

    def numbers(self) -> list[int]:
        return sorted(each.number for each in read_lists(self.layout).lists)

    def test_daily(self) -> None:
        self.assertFalse(self.renew(0.9 * DAY))
        self.assertTrue(self.renew())
        self.assertEqual(self.numbers(), [2])

    def test_of_each_authority(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        self.assertTrue(self.renew())
        self.assertEqual(self.numbers(), [2, 2])

    def test_passphrase(self) -> None:
        file = self.encrypt()
        with self.assertRaisesRegex(PassphraseError, "is encrypted"):
            self.renew()
        self.patch(os, "environ", {**os.environ, "CREDENTIALS_DIRECTORY": str(self.directory)})
        self.configure(
            '# passphrase_file = "passphrase.txt"', 'passphrase_file = "credential:mine"'
        )
        with self.assertRaisesRegex(PassphraseError, "no credential mine"):
            self.renew()
        file.rename(file.with_name("mine"))
        self.assertTrue(self.renew())
