"""Signing requests of devices: the key is what counts."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from chat.pki.authority import new_key
from chat.pki.errors import PkiError
from chat.pki.requests import make_device_request, requested_device_key


class DeviceRequestTests(SynchronousTestCase):
    def test_its_key(self) -> None:
        key = new_key()
        self.assertEqual(requested_device_key(make_device_request(key)), key.public_key())

    def test_what_is_refused(self) -> None:
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        for key in (
            ec.generate_private_key(ec.SECP384R1()),
            rsa.generate_private_key(65537, 2048),
        ):
            pem = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
            self.assertRaises(PkiError, requested_device_key, pem)
        good = make_device_request(new_key())
        der = bytearray(x509.load_pem_x509_csr(good).public_bytes(Encoding.DER))
        der[-1] ^= 1
        forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
        for strange in (forged, b"", b"PEM", good[:-40]):
            self.assertRaises(PkiError, requested_device_key, strange)
