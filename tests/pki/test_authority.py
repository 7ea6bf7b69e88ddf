"""What the authority puts in a certificate, as RFC 5280 wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from chat.pki.authority import (
    Authority,
    Identity,
    issue_device,
    issue_server,
    key_id,
    make_issuing,
    make_root,
    new_key,
    title,
)
from chat.pki.errors import IdentityError, PkiError

NOW = datetime(2026, 11, 21, 12, 30, 15, 999, tzinfo=UTC)
START = datetime(2026, 11, 21, 12, 25, 15, tzinfo=UTC)
ALICE = Identity("alice", "laptop")


class AuthorityCase(TestCase):
    def setUp(self) -> None:
        self.root = make_root("Lab", NOW)
        self.issuing = make_issuing(self.root, NOW)
        self.public_key = new_key().public_key()

    def assertIssuedBy(self, certificate: x509.Certificate, issuer: Authority) -> None:
        certificate.verify_directly_issued_by(issuer.certificate)
        extensions = certificate.extensions
        identifier = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        subject = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        self.assertEqual(identifier.key_identifier, subject.value.digest)
        self.assertIsNone(identifier.authority_cert_issuer)


class TierTests(AuthorityCase):
    def test_path_lengths(self) -> None:
        for authority, length in ((self.root, 1), (self.issuing, 0)):
            extensions = authority.certificate.extensions
            constraints = extensions.get_extension_for_class(x509.BasicConstraints)
            self.assertTrue(constraints.critical)
            self.assertEqual(constraints.value, x509.BasicConstraints(True, length))

    def test_usage(self) -> None:
        """Section 4.2.1.3: an authority signs certificates and lists, a leaf neither."""
        usage = self.issuing.certificate.extensions.get_extension_for_class(x509.KeyUsage)
        self.assertTrue(usage.critical)
        self.assertTrue(usage.value.key_cert_sign and usage.value.crl_sign)
        self.assertFalse(usage.value.digital_signature)
        leaf = issue_device(self.issuing, self.public_key, ALICE, NOW)
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
        self.assertTrue(usage.value.digital_signature)
        self.assertFalse(usage.value.key_cert_sign or usage.value.crl_sign)

    def test_chain(self) -> None:
        self.assertIssuedBy(self.issuing.certificate, self.root)
        self.root.certificate.verify_directly_issued_by(self.root.certificate)

    def test_lifetimes(self) -> None:
        for certificate, days in ((self.root.certificate, 3652), (self.issuing.certificate, 730)):
            self.assertEqual(certificate.not_valid_before_utc, START)
            whole = NOW.replace(microsecond=0) + timedelta(days=days)
            self.assertLessEqual(whole - certificate.not_valid_after_utc, timedelta(minutes=5))

    def test_network_name(self) -> None:
        for name in ("", "x" * 47, "a\nb", "a\0b"):
            with self.assertRaisesRegex(PkiError, "cannot name a network"):
                make_root(name, NOW)
        make_root("Büro für Übertragung, 通信 " + "x" * 10, NOW)

    def test_names(self) -> None:
        """Two issuing authorities of a network have different names, by their keys."""
        other = make_issuing(self.root, NOW).certificate
        self.assertNotEqual(other.subject, self.issuing.certificate.subject)
        for certificate in (other, self.issuing.certificate):
            identifier = key_id(certificate).hex()[:8]
            self.assertEqual(title(certificate.subject), f"Lab issuing authority {identifier}")
        self.assertEqual(title(self.root.certificate.subject), "Lab root authority")

    def test_titles_of_anybody(self) -> None:
        hostile = x509.NameAttribute(NameOID.COMMON_NAME, "a\x1b[2Jb\nc")
        self.assertEqual(title(x509.Name([hostile])), "a?[2Jb?c")


class ServerTests(AuthorityCase):
    def test_names_and_purpose(self) -> None:
        hosts = ["chat.example.org", "localhost", "192.0.2.7", "2001:db8::1", "localhost"]
        certificate = issue_server(self.issuing, self.public_key, hosts, NOW)
        self.assertIssuedBy(certificate, self.issuing)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(
            list(names),
            [
                x509.DNSName("chat.example.org"),
                x509.DNSName("localhost"),
                x509.IPAddress(ip_address("192.0.2.7")),
                x509.IPAddress(ip_address("2001:db8::1")),
            ],
        )
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual(list(usage), [ExtendedKeyUsageOID.SERVER_AUTH])
        self.assertEqual(
            certificate.not_valid_after_utc, NOW.replace(microsecond=0) + timedelta(days=90)
        )

    def test_bad_hosts(self) -> None:
        for host in ("", "*.example.org", "a b", "a:6697", "-a.org", "bücher.example", "a..b"):
            with self.assertRaisesRegex(PkiError, "no host name or address"):
                issue_server(self.issuing, self.public_key, [host], NOW)
        with self.assertRaisesRegex(PkiError, "at least one host"):
            issue_server(self.issuing, self.public_key, [], NOW)


class DeviceTests(AuthorityCase):
    def test_content(self) -> None:
        certificate = issue_device(self.issuing, self.public_key, ALICE, NOW)
        self.assertIssuedBy(certificate, self.issuing)
        self.assertEqual(certificate.public_key(), self.public_key)
        self.assertEqual(
            certificate.subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alice")])
        )
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uri = "urn:securechat:account:alice:device:laptop"
        self.assertEqual(list(names), [x509.UniformResourceIdentifier(uri)])
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        self.assertEqual(list(usage), [ExtendedKeyUsageOID.CLIENT_AUTH])
        self.assertEqual(certificate.not_valid_before_utc, START)
        self.assertEqual(
            certificate.not_valid_after_utc, NOW.replace(microsecond=0) + timedelta(days=30)
        )

    def test_never_outlives_its_issuer(self) -> None:
        end = self.issuing.certificate.not_valid_after_utc
        certificate = issue_device(
            self.issuing, self.public_key, ALICE, end - timedelta(days=3), timedelta(days=30)
        )
        self.assertEqual(certificate.not_valid_after_utc, end)

    def test_issuer_at_its_end(self) -> None:
        end = self.issuing.certificate.not_valid_after_utc
        with self.assertRaisesRegex(PkiError, "issuing authority.* ended on .* make a new"):
            issue_device(self.issuing, self.public_key, ALICE, end)

    def test_serials_differ(self) -> None:
        """Section 4.1.2.2: positive, at most 20 octets; here 159 random bits."""
        serials = {
            issue_device(self.issuing, self.public_key, ALICE, NOW).serial_number for _ in range(20)
        }
        self.assertEqual(len(serials), 20)
        self.assertTrue(all(0 < serial < 2**159 for serial in serials))


class IdentityTests(AuthorityCase):
    def _with_names(self, *names: x509.GeneralName) -> x509.Certificate:
        key = new_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(x509.Name([]))
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=1))
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(key, SHA256())

    @given(*[st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}", fullmatch=True)] * 2)
    def test_round_trip(self, account: str, device: str) -> None:
        identity = Identity(account, device)
        certificate = self._with_names(x509.UniformResourceIdentifier(identity.uri))
        self.assertEqual(Identity.from_certificate(certificate), identity)

    def test_bad_names(self) -> None:
        for name in ("", "1alice", "a b", "a/b", "a:b", "é", "a\n", "x" * 65, "../a"):
            with self.assertRaisesRegex(IdentityError, "cannot name an account"):
                Identity(name, "laptop")
            with self.assertRaisesRegex(IdentityError, "cannot name a device"):
                Identity("alice", name)

    def test_not_exactly_one(self) -> None:
        uri = x509.UniformResourceIdentifier
        for names in (
            (),
            (uri(ALICE.uri), uri("urn:securechat:account:bob:device:phone")),
            (uri(ALICE.uri), x509.DNSName("alice.example")),
            (x509.DNSName("alice"),),
            (uri("urn:securechat:account:alice"),),
            (uri(ALICE.uri + ":admin"),),
            (uri("x" + ALICE.uri),),
            (uri("urn:securechat:account:a%20b:device:laptop"),),
        ):
            with self.assertRaises(IdentityError):
                Identity.from_certificate(self._with_names(*names))
