"""The revocation lists on disk: renewed, longer, and by one program at a time."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path

from cryptography.x509 import ReasonFlags
from twisted.trial.unittest import TestCase

from chat.pki import lists as module
from chat.pki.authority import Identity, issue_device, new_key
from chat.pki.errors import PassphraseError, PkiError, RevocationError
from chat.pki.files import write_files
from chat.pki.keys import encode_key
from chat.pki.lists import lists_are_due, read_lists, renew_lists, revoke
from chat.pki.lock import locked
from chat.pki.records import Record
from chat.pki.revocation import first_list
from chat.pki.rotation import retire, rotate
from tests.pki.networks import Network, now

PHONE = Identity("alice", "phone")
REASON = ReasonFlags.key_compromise


class ListsCase(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.layout = self.network.layout
        self.now = now()


class RenewTests(ListsCase):
    def test_renewed_when_stale(self) -> None:
        self.network.revoke(99)
        later = self.now + timedelta(days=20)
        (renewed,) = renew_lists(self.layout, None, later).lists
        self.assertEqual((renewed.number, renewed.serials), (3, {99}))
        renewed.check(later)
        self.assertEqual(self.layout.revocations.read_bytes(), renewed.pem)
        self.assertEqual(stat.S_IMODE(self.layout.revocations.stat().st_mode), 0o600)

    def test_due(self) -> None:
        day = timedelta(days=1)
        self.assertFalse(lists_are_due(self.layout, self.now + 0.9 * day, day))
        self.assertTrue(lists_are_due(self.layout, self.now + day, day))

    def test_forged(self) -> None:
        twin = Network.make(Path(self.mktemp()))
        forged = first_list(twin.issuing, self.now).pem
        write_files({self.layout.revocations: forged}, replace=True)
        with self.assertRaisesRegex(RevocationError, "revocations.pem: .*not signed"):
            renew_lists(self.layout, None, self.now)
        self.assertEqual(self.layout.revocations.read_bytes(), forged)

    def test_encrypted(self) -> None:
        pem = encode_key(self.network.issuing.key, b"open")
        write_files({self.network.issuing_key: pem}, replace=True)
        for passphrase in (None, b"shut"):
            with self.assertRaises(PassphraseError):
                renew_lists(self.layout, passphrase, self.now)
        self.assertEqual(renew_lists(self.layout, b"open", self.now).lists[0].number, 2)

    def test_no_key(self) -> None:
        self.network.issuing_key.unlink()
        self.assertFalse(lists_are_due(self.layout, self.now + timedelta(days=6), timedelta(1)))
        with self.assertRaisesRegex(PkiError, "is not in .*: restore it .*rotate-issuing"):
            renew_lists(self.layout, None, self.now)

    def test_of_every_authority(self) -> None:
        rotate(self.layout, self.network.root, None, self.now)
        renewed = renew_lists(self.layout, None, self.now)
        self.assertEqual(sorted(each.number for each in renewed.lists), [2, 2])

    def test_of_a_lost_key_it_stays(self) -> None:
        lost = self.network.issuing_key
        rotate(self.layout, self.network.root, None, self.now)
        lost.unlink()
        renewed = renew_lists(self.layout, None, self.now)
        self.assertEqual(sorted(each.number for each in renewed.lists), [1, 2])
        self.assertFalse(lists_are_due(self.layout, self.now, timedelta(days=1)))

    def test_a_lost_one_is_not_made(self) -> None:
        """On an empty list nobody would be revoked."""
        self.network.certificate()
        old = self.network.issuing.certificate
        rotate(self.layout, self.network.root, None, self.now)
        kept = [each for each in read_lists(self.layout).lists if each.authority != old]
        write_files({self.layout.revocations: kept[0].pem}, replace=True)
        self.assertFalse(lists_are_due(self.layout, self.now, timedelta(days=1)))
        self.assertIsNone(renew_lists(self.layout, None, self.now).of(old))

    def test_a_missing_one_is_made(self) -> None:
        before = self.layout.revocations.read_bytes()
        rotate(self.layout, self.network.root, None, self.now)
        write_files({self.layout.revocations: before}, replace=True)
        self.assertTrue(lists_are_due(self.layout, self.now, timedelta(days=1)))
        renew_lists(self.layout, None, self.now)
        self.assertIsNotNone(read_lists(self.layout).of(self.network.issuing.certificate))


class RevokeTests(ListsCase):
    def revoke(self, *records: Record) -> module.Revoked:
        return revoke(self.layout, None, records, REASON, self.now)

    def test_those_that_are_neither_over_nor_revoked(self) -> None:
        valid, gone = self.network.certificate(), self.network.certificate(PHONE)
        over = issue_device(
            self.network.issuing, new_key().public_key(), PHONE,
            self.now - timedelta(days=2), timedelta(days=1),
        )  # fmt: skip
        self.revoke(Record.of(gone))
        done = self.revoke(*map(Record.of, (valid, gone, over)))
        self.assertEqual([record.certificate for record in done.records], [valid])
        (found,) = read_lists(self.layout).lists
        self.assertEqual(found.number, 3)
        self.assertEqual(found.serials, {valid.serial_number, gone.serial_number})

    def test_nothing_to_do(self) -> None:
        record = Record.of(self.network.certificate())
        self.revoke(record)
        self.assertEqual(self.revoke(record).records, ())
        self.assertEqual(read_lists(self.layout).lists[0].number, 2)

    def test_on_the_list_of_its_issuer(self) -> None:
        old = self.network.certificate()
        first = self.network.issuing.certificate
        rotate(self.layout, self.network.root, None, self.now)
        new = self.network.certificate(PHONE)
        self.revoke(Record.of(old), Record.of(new))
        lists = read_lists(self.layout)
        on_old, on_new = lists.of(first), lists.of(self.network.issuing.certificate)
        assert on_old is not None
        assert on_new is not None
        self.assertEqual(
            [on_old.serials, on_new.serials], [{old.serial_number}, {new.serial_number}]
        )

    def test_key_of_its_issuer_is_lost(self) -> None:
        old, key = self.network.certificate(), self.network.issuing_key
        rotate(self.layout, self.network.root, None, self.now)
        key.unlink()
        new = self.network.certificate(PHONE)
        done = self.revoke(Record.of(old), Record.of(new))
        self.assertEqual(done, module.Revoked((Record.of(new),), (Record.of(old),)))

    def test_whose_issuer_is_retired(self) -> None:
        """They do not get in, and keep nobody else from being revoked."""
        old, first = self.network.certificate(), self.network.issuing.certificate
        rotate(self.layout, self.network.root, None, self.now)
        retire(self.layout, first)
        new = self.network.certificate(PHONE)
        done = self.revoke(Record.of(old), Record.of(new))
        self.assertEqual(done, module.Revoked((Record.of(new),), ()))

    def test_the_expired_go(self) -> None:
        """A list does not grow for ever: docs of `next_list` quote the rule."""
        record = Record.of(self.network.certificate())
        self.revoke(record)
        renew_lists(self.layout, None, record.ends + timedelta(days=1))
        renewed = renew_lists(self.layout, None, record.ends + timedelta(days=2))
        self.assertEqual(renewed.lists[0].serials, set())


class LockTests(ListsCase):
    def test_two_at_a_time_lose_nothing(self) -> None:
        records = [
            Record.of(self.network.certificate(Identity("alice", f"d{number}")))
            for number in range(8)
        ]
        threads = [
            threading.Thread(target=revoke, args=(self.layout, None, [each], REASON, self.now))
            for each in records
        ]
        threads.append(threading.Thread(target=renew_lists, args=(self.layout, None, self.now)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (found,) = read_lists(self.layout).lists
        self.assertEqual(found.serials, {each.certificate.serial_number for each in records})
        self.assertEqual(found.number, 10)

    def test_patience_ends(self) -> None:
        words = "another program has been changing .* try again"
        with (
            locked(self.layout),
            self.assertRaisesRegex(PkiError, words),
            locked(self.layout, patience=0.1),
        ):
            self.fail("two hold the lock")
        with locked(self.layout, patience=0.1):
            pass

    def test_mode(self) -> None:
        with locked(self.layout):
            self.assertEqual(stat.S_IMODE(self.layout.lock.stat().st_mode), 0o600)
