"""What is recorded of issued certificates, and how it is found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from twisted.trial.unittest import TestCase

from chat.pki.authority import Identity
from chat.pki.errors import PkiError
from chat.pki.files import write_files
from chat.pki.lists import read_lists
from chat.pki.records import Record, Status, find_devices, find_serial, read_records
from chat.pki.rotation import retire, rotate
from tests.pki.networks import ALICE, Network, now

PHONE = Identity("alice", "phone")
BOB = Identity("bob", "laptop")


class RecordTests(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.layout = self.network.layout
        self.issued = [self.network.certificate(who) for who in (ALICE, PHONE, BOB)]
        self.records, self.unreadable = read_records(self.layout)

    def holders(self, name: str) -> list[str]:
        return [record.holder for record in find_devices(self.records, name)]

    def test_read(self) -> None:
        holders = [record.holder for record in self.records]
        hosts = "localhost, 127.0.0.1, ::1"
        self.assertEqual(holders, ["alice/laptop", "alice/phone", "bob/laptop", hosts])
        self.assertEqual(self.unreadable, [])

    def test_unreadable(self) -> None:
        path = self.layout.issued / "junk.crt"
        write_files({path: b"junk"})
        self.assertEqual(read_records(self.layout), (self.records, [path]))

    def test_by_name(self) -> None:
        self.assertEqual(self.holders("alice"), ["alice/laptop", "alice/phone"])
        self.assertEqual(self.holders("alice/phone"), ["alice/phone"])

    def test_near_names(self) -> None:
        for name, near in (
            ("Alice", "alice"),
            ("alcie", "alice"),
            ("alice/phon", "alice/phone"),
        ):
            with self.assertRaisesRegex(PkiError, f"issued to '{name}': did you mean {near}"):
                find_devices(self.records, name)
        with self.assertRaisesRegex(PkiError, "issued to 'zoë': see securechat ca list"):
            find_devices(self.records, "zoë")

    def test_by_serial(self) -> None:
        wanted = Record.of(self.issued[1])
        for serial in (
            wanted.serial,
            wanted.serial[:12],
            wanted.serial.upper(),
            wanted.serial.lstrip("0"),
            ":".join(wanted.serial[i : i + 2] for i in range(0, 40, 2)),
        ):
            self.assertEqual(find_serial(self.records, serial), wanted)
        for serial in ("", "abc", "x" * 12, "f" * 40, "alice"):
            with self.assertRaisesRegex(PkiError, "no certificate has the serial number"):
                find_serial(self.records, serial)

    def test_by_digits_of_several(self) -> None:
        record = Record.of(self.issued[0])
        with self.assertRaisesRegex(PkiError, "2 serial numbers begin with .* give more digits"):
            find_serial([record, record], record.serial[:4])

    def test_status(self) -> None:
        record = Record.of(self.issued[0])
        lists = read_lists(self.layout)
        self.assertIs(record.status(lists, now()), Status.VALID)
        self.assertIs(record.status(None, now()), Status.UNKNOWN)
        self.assertIs(record.status(lists, record.ends), Status.EXPIRED)
        self.assertIs(record.status(lists, now() - timedelta(days=1)), Status.FUTURE)
        self.network.revoke(self.issued[0].serial_number)
        self.assertIs(record.status(read_lists(self.layout), now()), Status.REVOKED)

    def test_status_behind_a_retired_authority(self) -> None:
        old = self.network.issuing.certificate
        rotate(self.layout, self.network.root, None, now())
        retire(self.layout, old)
        record = Record.of(self.issued[0])
        self.assertIs(record.status(read_lists(self.layout), now()), Status.RETIRED)
