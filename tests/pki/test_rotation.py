"""A new issuing authority in place of the old one, also where it is interrupted."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import TestCase

from chat.pki import rotation, server_certificate
from chat.pki.authority import certify_issuing, issue_device, make_issuing, make_root, new_key
from chat.pki.bundles import DeviceFiles, to_pem
from chat.pki.errors import ExistsError, PkiError
from chat.pki.files import read_certificates, read_server_key, write_files
from chat.pki.layout import Layout
from chat.pki.lists import issuing_authorities, lists_are_due, read_lists, renew_lists
from chat.pki.requests import make_request
from chat.pki.rotation import (
    install,
    move_root,
    pending_keys,
    request_issuing,
    retire,
    rotate,
    sign_request,
)
from chat.pki.server_certificate import renew_server
from tests.pki.networks import ALICE, Network, now
from tests.server.tls_peers import meet, server


class Killed(BaseException):
    """The process ended here."""


class RotationCase(TestCase):
    def setUp(self) -> None:
        self.network = Network.make(Path(self.mktemp()))
        self.layout = self.network.layout
        self.first = self.network.issuing.certificate
        self.device = self.network.device()

    def assertLetIn(self, device: DeviceFiles) -> None:
        """A server that starts now lets the device in, and shows a chain to the root."""
        meeting = meet(server(self.layout), device)
        self.assertEqual(meeting.server.identity, "alice/laptop", meeting.refusal)
        own, issuing, *_ = read_certificates(self.layout.server_certificate)
        own.verify_directly_issued_by(issuing)
        issuing.verify_directly_issued_by(self.network.root.certificate)

    def assertSurvives(self, change: Callable[[], object]) -> None:
        """Ended before any of its writes the network works, and the change can be made."""
        count = 0
        while self._killed_at(count, change):
            self.assertLetIn(self.device)
            self.assertLetIn(self.network.device())
            count += 1
        self.assertGreater(count, 1)
        self.assertLetIn(self.device)
        self.assertLetIn(self.network.device())

    def _killed_at(self, count: int, change: Callable[[], object]) -> bool:
        written = 0

        def write(contents: Any, **options: Any) -> list[Path]:
            nonlocal written
            if written == count:
                raise Killed
            written += 1
            return write_files(contents, **options)

        patches = [
            self.patch(module, "write_files", write) for module in (rotation, server_certificate)
        ]
        try:
            change()
        except Killed:
            return True
        finally:
            for patch in patches:
                patch.restore()
        return False


class RotateTests(RotationCase):
    def test_old_and_new_get_in(self) -> None:
        installed = rotate(self.layout, self.network.root, None, now())
        self.assertEqual(self.network.issuing.certificate, installed.issuing)
        self.assertNotEqual(installed.issuing.subject, self.first.subject)
        self.assertLetIn(self.device)
        self.assertLetIn(self.network.device())
        own, issuing = read_certificates(self.layout.server_certificate)
        self.assertEqual((own, issuing), (installed.server, installed.issuing))
        for path in self.layout.directory.glob("*"):
            if path.is_file():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_each_list_is_in_force(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        fresh = self.network.device()
        for device in (self.device, fresh):
            certificate, *_ = read_certificates(device.path(".crt"))
            self.network.revoke(certificate.serial_number)
            refusal = meet(server(self.layout), device).refusal
            self.assertEqual(refusal, "the certificate of alice/laptop is revoked")

    def test_interrupted(self) -> None:
        self.assertSurvives(lambda: rotate(self.layout, self.network.root, None, now()))

    def test_everything_is_over(self) -> None:
        """Nobody looked after the network for three years."""
        self.network = Network.make(Path(self.mktemp()), at=now() - timedelta(days=1100))
        self.layout = self.network.layout
        with self.assertRaisesRegex(PkiError, "renew-server"):
            server(self.layout)
        rotate(self.layout, self.network.root, None, now())
        self.assertLetIn(self.network.device())
        (old,) = (
            each for each in issuing_authorities(self.layout) if now() > each.not_valid_after_utc
        )
        self.assertFalse(lists_are_due(self.layout, now(), timedelta(days=1)))
        self.assertEqual(
            [each.number for each in renew_lists(self.layout, None, now()).lists], [2, 1]
        )
        retire(self.layout, old)
        self.assertLetIn(self.network.device())

    def test_without_the_lists(self) -> None:
        """The way out when they are lost: who was revoked does not get in again."""
        self.layout.revocations.unlink()
        rotate(self.layout, self.network.root, None, now())
        renew_lists(self.layout, None, now())
        refusal = meet(server(self.layout), self.device).refusal
        self.assertEqual(refusal, "there is no revocation list of its certificate's authority")
        self.assertLetIn(self.network.device())

    def test_without_the_old_key(self) -> None:
        """The way out when the issuing key is lost."""
        self.network.issuing_key.unlink()
        rotate(self.layout, self.network.root, None, now())
        self.assertLetIn(self.device)
        self.assertLetIn(self.network.device())


class OfflineTests(RotationCase):
    def setUp(self) -> None:
        super().setUp()
        self.stick = Path(self.mktemp()).absolute()
        self.request, self.answer = self.stick / "issuing.csr", self.stick / "issuing.crt"
        move_root(self.layout, self.stick)
        self.root = self._root()

    def _root(self) -> rotation.Authority:
        return Network(Layout(self.stick)).root

    def go_round(self) -> x509.Certificate:
        request_issuing(self.layout, None, self.request)
        return sign_request(self.root, self.request, self.answer, now())

    def assertLetIn(self, device: DeviceFiles) -> None:
        meeting = meet(server(self.layout), device)
        self.assertEqual(meeting.server.identity, "alice/laptop", meeting.refusal)

    def test_round_trip(self) -> None:
        certificate = self.go_round()
        self.assertLetIn(self.network.device())
        install(self.layout, certificate, None, now())
        self.assertEqual(self.network.issuing.certificate, certificate)
        self.assertLetIn(self.device)
        self.assertLetIn(self.network.device())
        self.assertEqual(pending_keys(self.layout), [])

    def test_the_key_stays(self) -> None:
        key = request_issuing(self.layout, b"open", self.request)
        self.assertEqual(pending_keys(self.layout), [key])
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertNotIn(b"PRIVATE", self.request.read_bytes())

    def test_only_the_public_key_counts(self) -> None:
        key = new_key()
        hostile = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(
                x509.Name(
                    [
                        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Testnet"),
                        x509.NameAttribute(x509.NameOID.COMMON_NAME, "Testnet root authority"),
                    ]
                )
            )
            .add_extension(x509.BasicConstraints(True, 5), critical=True)
            .sign(key, SHA256())
        )
        write_files({self.request: hostile.public_bytes(Encoding.PEM)})
        certificate = sign_request(self.root, self.request, self.answer, now())
        self.assertEqual(certificate.public_key(), key.public_key())
        self.assertIn("issuing authority", certificate.subject.rfc4514_string())
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        self.assertEqual(constraints.value, x509.BasicConstraints(True, 0))

    def test_bad_requests(self) -> None:
        root = self.root.certificate
        good = make_request(new_key(), root)
        other = make_root("Other", now()).certificate
        p384 = ec.generate_private_key(ec.SECP384R1())
        forged = bytearray(x509.load_pem_x509_csr(good).public_bytes(Encoding.DER))
        forged[-1] ^= 1
        forged_pem = x509.load_der_x509_csr(bytes(forged)).public_bytes(Encoding.PEM)
        for pem, words in (
            (b"junk", "is no signing request: make one with securechat ca request"),
            (make_request(new_key(), other), "is of the network 'Other', the root of 'Testnet'"),
            (make_request(p384, root), "another kind of key than ECDSA P-256"),
            (forged_pem, "is not signed with the key that it is about|no signing request"),
        ):
            write_files({self.request: pem}, replace=True)
            with self.assertRaisesRegex(PkiError, words):
                sign_request(self.root, self.request, self.answer, now())
            self.assertFalse(self.answer.exists())

    def test_nothing_is_overwritten(self) -> None:
        write_files({self.request: b"precious"})
        with self.assertRaisesRegex(ExistsError, "nothing was written"):
            request_issuing(self.layout, None, self.request)
        self.assertEqual(pending_keys(self.layout), [])

    def test_interrupted(self) -> None:
        certificate = self.go_round()
        self.assertSurvives(lambda: install(self.layout, certificate, None, now()))
        self.assertEqual(self.network.issuing.certificate, certificate)

    def test_again(self) -> None:
        certificate = self.go_round()
        install(self.layout, certificate, None, now())
        before = {path: path.read_bytes() for path in self.layout.directory.glob("*.*")}
        install(self.layout, certificate, None, now())
        self.assertEqual({path: path.read_bytes() for path in before}, before)

    def test_wrong_certificates(self) -> None:
        twin = make_root("Testnet", now())
        answer = self.go_round()
        device, *_ = read_certificates(self.device.path(".crt"))
        leaf = issue_device(self.root, new_key().public_key(), ALICE, now())
        for certificate, words in (
            (certify_issuing(twin, answer.public_key(), now()), "was not signed by .*root.crt"),
            (device, "was not signed by .*root.crt"),
            (leaf, "is not an authority's"),
            (make_issuing(self.root, now()).certificate, "is not there: .* not the answer"),
            (make_issuing(self.root, now() - timedelta(days=800)).certificate, "ended on"),
            (make_issuing(self.root, now() - timedelta(days=3)).certificate, "is older than"),
            (make_issuing(self.root, now() + timedelta(days=1)).certificate, "not valid before"),
        ):
            with self.assertRaisesRegex(PkiError, words):
                install(self.layout, certificate, None, now())
        self.assertEqual(self.network.issuing.certificate, self.first)


class RetireTests(RotationCase):
    def setUp(self) -> None:
        super().setUp()
        self.old_key = self.network.issuing_key
        rotate(self.layout, self.network.root, None, now())

    def test_retired(self) -> None:
        fresh = self.network.device()
        retire(self.layout, self.first)
        self.assertLetIn(fresh)
        # Its certificate comes with the chain to the root: the list is what is missing.
        refusal = meet(server(self.layout), self.device).refusal
        self.assertEqual(refusal, "there is no revocation list of its certificate's authority")
        self.assertFalse(self.old_key.exists())
        self.assertEqual(issuing_authorities(self.layout), [self.network.issuing.certificate])
        self.assertEqual(len(read_lists(self.layout).lists), 1)

    def test_interrupted(self) -> None:
        count = 0
        while self._killed_at(count, lambda: retire(self.layout, self.first)):
            self.assertLetIn(self.network.device())
            count += 1
        self.assertEqual(count, 2)
        self.assertLetIn(self.network.device())

    def test_the_one_in_use(self) -> None:
        with self.assertRaisesRegex(PkiError, "in use: make another one first"):
            retire(self.layout, self.network.issuing.certificate)

    def test_the_one_behind_the_server(self) -> None:
        rotate(self.layout, self.network.root, None, now())
        (second,) = (
            each
            for each in issuing_authorities(self.layout)
            if each not in (self.first, self.network.issuing.certificate)
        )
        renew_server(self.layout, rotation.read_authority(
            second, self.layout.key_of(second), None), now())  # fmt: skip
        with self.assertRaisesRegex(PkiError, "renew-server first"):
            retire(self.layout, second)


class MoveRootTests(RotationCase):
    def setUp(self) -> None:
        super().setUp()
        self.stick = Path(self.mktemp()).absolute()
        self.pem = self.layout.root_key.read_bytes()

    def test_moved(self) -> None:
        move_root(self.layout, self.stick)
        self.assertFalse(self.layout.root_key.exists())
        there = Layout(self.stick)
        self.assertEqual(there.root_key.read_bytes(), self.pem)
        self.assertEqual(stat.S_IMODE(there.root_key.stat().st_mode), 0o600)
        with self.assertRaisesRegex(PkiError, "is elsewhere already"):
            move_root(self.layout, self.stick)
        self.assertEqual(
            there.root_certificate.read_bytes(), self.layout.root_certificate.read_bytes()
        )

    def test_after_an_interruption(self) -> None:
        write_files({self.stick / "root.key": self.pem})
        move_root(self.layout, self.stick)
        self.assertFalse(self.layout.root_key.exists())

    def test_another_key_is_there(self) -> None:
        write_files({self.stick / "root.key": b"another network's"})
        with self.assertRaises(ExistsError):
            move_root(self.layout, self.stick)
        self.assertEqual(self.layout.root_key.read_bytes(), self.pem)

    def test_to_where_it_is(self) -> None:
        with self.assertRaisesRegex(PkiError, "name another place"):
            move_root(self.layout, self.layout.directory)
        self.assertEqual(self.layout.root_key.read_bytes(), self.pem)


class RenewServerTests(RotationCase):
    def renew(self, **options: Any) -> x509.Certificate:
        return renew_server(self.layout, self.network.issuing, now(), **options)

    def hosts(self) -> list[str]:
        return server_certificate.host_names(read_certificates(self.layout.server_certificate)[0])

    def test_as_before(self) -> None:
        before, *_ = read_certificates(self.layout.server_certificate)
        certificate = self.renew()
        self.assertEqual(self.hosts(), ["localhost", "127.0.0.1", "::1"])
        self.assertEqual(certificate.public_key(), before.public_key())
        self.assertEqual(self.layout.record(certificate).read_bytes(), to_pem(certificate))
        self.assertLetIn(self.device)

    def test_hosts(self) -> None:
        self.renew(hosts=["chat.lab.example", "192.0.2.7"])
        self.assertEqual(self.hosts(), ["chat.lab.example", "192.0.2.7"])

    def test_new_key(self) -> None:
        before, *_ = read_certificates(self.layout.server_certificate)
        certificate = self.renew(replace_key=True)
        self.assertNotEqual(certificate.public_key(), before.public_key())
        self.assertEqual(self.layout.server_key.read_bytes().count(b"BEGIN"), 1)
        self.assertLetIn(self.device)

    def test_interrupted(self) -> None:
        self.assertSurvives(lambda: self.renew(replace_key=True))
        own, *_ = read_certificates(self.layout.server_certificate)
        self.assertEqual(
            read_server_key(self.layout.server_key, own).public_key(), own.public_key()
        )
        self.assertEqual(self.layout.server_key.read_bytes().count(b"BEGIN"), 1)

    def test_lost(self) -> None:
        self.layout.server_key.unlink()
        with self.assertRaisesRegex(PkiError, "restore it, or make one with --new-key"):
            self.renew()
        self.renew(replace_key=True)
        self.layout.server_certificate.unlink()
        with self.assertRaisesRegex(PkiError, "to renew: give --host"):
            self.renew(replace_key=True)
        self.renew(replace_key=True, hosts=["localhost"])
        self.assertLetIn(self.device)
