"""The revocation list: signed, numbered, in date."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import TestCase

from chat.pki.authority import make_issuing, whole_seconds
from chat.pki.errors import RevocationError
from chat.pki.revocation import (
    Revocation,
    RevocationList,
    RevocationLists,
    first_list,
    in_words,
    next_list,
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

    def test_entries_of_the_expired_go(self) -> None:
        """Section 3.3: "An entry MUST NOT be removed from the CRL until it appears on one
        regularly scheduled CRL issued beyond the revoked certificate's validity period."
        """
        end = self.now + timedelta(hours=1)
        day = timedelta(days=1)
        lists = [next_list(self.issuing, self.first, self.now, [Revocation(5, self.now)])]
        for days in (0, 1, 2, 3):
            later = end + days * day - timedelta(minutes=1)
            lists.append(next_list(self.issuing, lists[-1], later, ends={5: end}))
        self.assertEqual([each.serials for each in lists], [{5}, {5}, {5}, set(), set()])

    def test_entries_of_unknown_end_stay(self) -> None:
        second = next_list(self.issuing, self.first, self.now, [Revocation(5, self.now)])
        later = self.now + timedelta(days=4000)
        self.assertEqual(next_list(self.issuing, second, later, ends={6: self.now}).serials, {5})


class SeveralTests(RevocationCase):
    """One list of each authority in one file."""

    def setUp(self) -> None:
        super().setUp()
        self.other = make_issuing(self.network.root, self.now)
        self.authorities = [self.issuing.certificate, self.other.certificate]

    def parse(self, *lists: RevocationList) -> RevocationLists:
        pem = b"".join(each.pem for each in lists)
        return RevocationLists.parse(pem, self.authorities)

    def test_each_counts_for_its_issuer(self) -> None:
        """Section 4.1.2.2: issuer name and serial number identify a certificate."""
        device = self.network.certificate()
        revocation = Revocation(device.serial_number, self.now)
        foreign = next_list(self.other, first_list(self.other, self.now), self.now, [revocation])
        self.assertFalse(self.parse(self.first, foreign).revokes(device))
        own = next_list(self.issuing, self.first, self.now, [revocation])
        self.assertTrue(self.parse(foreign, own).revokes(device))

    def test_the_higher_number_counts(self) -> None:
        second = next_list(self.issuing, self.first, self.now)
        for lists in ((self.first, second), (second, self.first)):
            self.assertEqual([each.number for each in self.parse(*lists).lists], [2])

    def test_a_foreign_one_spoils_all(self) -> None:
        twin = Network.make(Path(self.mktemp()))
        with self.assertRaisesRegex(RevocationError, "not signed by the network's authority"):
            self.parse(self.first, first_list(twin.issuing, self.now))

    def test_a_stale_one_locks_out_its_own_only(self) -> None:
        stale = first_list(self.other, self.now - timedelta(days=8))
        self.parse(self.first, stale).check(self.now)
        with self.assertRaisesRegex(RevocationError, "ended on"):
            self.parse(stale).check(self.now)

    def test_none_gets_worse(self) -> None:
        other = first_list(self.other, self.now)
        in_force = self.parse(self.first, other)
        stale = next_list(self.other, other, self.now - timedelta(days=8))
        with self.assertRaisesRegex(RevocationError, "ended on"):
            self.parse(self.first, stale).check(self.now, in_force)
        newer = self.parse(next_list(self.issuing, self.first, self.now), other)
        with self.assertRaisesRegex(RevocationError, "number 1, older than 2"):
            in_force.check(self.now, newer)
        self.parse(self.first).check(self.now, in_force)

    def test_none_gets_lost_while_its_authority_is_trusted(self) -> None:
        """A file that is not whole is not taken for one authority less."""
        own, other = self.issuing.certificate, self.other.certificate
        in_force = self.parse(self.first, first_list(self.other, self.now))
        with self.assertRaisesRegex(RevocationError, "which is trusted and had one, is missing"):
            self.parse(self.first).check(self.now, in_force, [own, other])
        self.parse(self.first).check(self.now, in_force, [own])
        later = self.now + timedelta(days=8)
        self.parse(first_list(self.issuing, later)).check(later, in_force, [own, other])

    def test_why_somebody_is_on_it(self) -> None:
        revocations = [
            Revocation(5, self.now, x509.ReasonFlags.key_compromise),
            Revocation(6, self.now),
        ]
        lists = self.parse(next_list(self.issuing, self.first, self.now, revocations))
        name = self.issuing.certificate.subject.rfc4514_string()
        found = [lists.reason(name, serial) for serial in (5, 6, 7)]
        self.assertEqual(found, [revocations[0].reason, revocations[1].reason, None])
        self.assertEqual([in_words(reason) for reason in found[:2]], ["key compromise", ""])
        self.assertIsNone(lists.reason("CN=another", 5))
