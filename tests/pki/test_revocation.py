"""The revocation list: signed, numbered, in date."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import TestCase

from chat.pki.authority import whole_seconds
from chat.pki.errors import PassphraseError, RevocationError
from chat.pki.files import write_files
from chat.pki.keys import encode_key
from chat.pki.revocation import (
    Revocation,
    RevocationList,
    first_list,
    next_list,
    renew_revocations,
)
from tests.pki.networks import Network, now


class RevocationCase(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.issuing = self.network.issuing
        self.now = now()
        self.first = first_list(self.issuing, self.now)


class ListTests(RevocationCase):
    def test_first(self) -> None:
        self.assertEqual((self.first.number, self.first.serials), (1, frozenset()))
        self.assertEqual(self.first.ends, whole_seconds(self.now + timedelta(days=7)))
        self.assertEqual(self.first.issued, whole_seconds(self.now - timedelta(minutes=5)))
        self.first.check(self.now)

    def test_next(self) -> None:
        """Section 5.2.3: the number increases; what is on a list stays on it."""
        reason = x509.ReasonFlags.key_compromise
        second = next_list(self.issuing, self.first, self.now, [Revocation(5, self.now, reason)])
        third = next_list(
            self.issuing, second, self.now, [Revocation(6, self.now), Revocation(5, self.now)]
        )
        self.assertEqual([second.number, third.number], [2, 3])
        self.assertEqual([second.serials, third.serials], [{5}, {5, 6}])
        entry = third.crl.get_revoked_certificate_by_serial_number(5)
        assert entry is not None
        self.assertEqual(
            entry.extensions.get_extension_for_class(x509.CRLReason).value.reason, reason
        )

    def test_check(self) -> None:
        second = next_list(self.issuing, self.first, self.now)
        second.check(self.now, self.first)
        second.check(self.now, second)
        with self.assertRaisesRegex(RevocationError, "number 1, older than 2"):
            self.first.check(self.now, second)
        with self.assertRaisesRegex(RevocationError, "ended on .*: run"):
            self.first.check(self.first.ends)
        with self.assertRaisesRegex(RevocationError, "from the future"):
            self.first.check(self.now - timedelta(minutes=6))

    def test_half_life(self) -> None:
        self.assertFalse(self.first.half_life_passed(self.now + timedelta(days=3)))
        self.assertTrue(self.first.half_life_passed(self.now + timedelta(days=3, hours=12)))

    def test_foreign(self) -> None:
        twin = Network.make(Path(self.mktemp()))
        authorities = [self.network.root.certificate, self.issuing.certificate]
        RevocationList.parse(self.first.pem, authorities)
        with self.assertRaisesRegex(RevocationError, "not signed by the network's authority"):
            RevocationList.parse(first_list(twin.issuing, self.now).pem, authorities)

    def test_not_a_list(self) -> None:
        unnumbered = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuing.certificate.subject)
            .last_update(self.now)
            .next_update(self.now)
            .sign(self.issuing.key, SHA256())
            .public_bytes(Encoding.PEM)
        )
        for pem in (b"", b"junk", self.first.pem[:200], unnumbered):
            with self.assertRaisesRegex(RevocationError, "not a numbered revocation list"):
                RevocationList.parse(pem, [self.issuing.certificate])


class RenewTests(RevocationCase):
    def test_renewed_when_stale(self) -> None:
        layout = self.network.layout
        self.network.revoke(99)
        later = self.now + timedelta(days=20)
        renewed = renew_revocations(layout.directory, None, later)
        self.assertEqual((renewed.number, renewed.serials), (3, {99}))
        renewed.check(later)
        self.assertEqual(layout.revocations.read_bytes(), renewed.pem)
        self.assertEqual(stat.S_IMODE(layout.revocations.stat().st_mode), 0o600)

    def test_forged(self) -> None:
        layout = self.network.layout
        twin = Network.make(Path(self.mktemp()))
        forged = first_list(twin.issuing, self.now).pem
        write_files({layout.revocations: forged}, replace=True)
        with self.assertRaisesRegex(RevocationError, "revocations.pem: .*not signed"):
            renew_revocations(layout.directory, None, self.now)
        self.assertEqual(layout.revocations.read_bytes(), forged)

    def test_encrypted(self) -> None:
        layout = self.network.layout
        key = self.issuing.key
        write_files({layout.issuing_key: encode_key(key, b"open")}, replace=True)
        for passphrase in (None, b"shut"):
            with self.assertRaises(PassphraseError):
                renew_revocations(layout.directory, passphrase, self.now)
        self.assertEqual(renew_revocations(layout.directory, b"open", self.now).number, 2)
