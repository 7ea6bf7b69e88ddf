"""The test vectors of the protocol: what docs/encryption-vectors.json says is what is done.

Where the file is missing it is written; in any case every vector in it is checked.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import TestCase

from chat.e2e import passphrase
from chat.e2e.account import signed_text, verify_key
from chat.e2e.bundle import Bundle, make_bundle, verify_bundle
from chat.e2e.canonical import decode, encode, to_bytes
from chat.e2e.envelope import Content, pack, read_tag, to_tag, unpack
from chat.e2e.olm import Account, Inbound, Outbound, verify
from chat.e2e.sas import EMOJIS, commitment
from chat.e2e.trust import Known, cosigned_text
from chat.pki.authority import Identity, issue_device, make_issuing, make_root, new_key
from tests.e2e.network import START

FILE = Path(__file__).parents[2] / "docs" / "encryption-vectors.json"
ALICE = Identity("alice", "laptop")
TO = "room:#lab"
WORDS = "Correct horse  battery staple crew lamp"


def make() -> dict[str, Any]:
    """Return vectors with keys of this moment."""
    root = make_root("Lab", START)
    issuing = make_issuing(root, START)
    key, account = new_key(), Account()
    chain = [issue_device(issuing, key.public_key(), ALICE, START), issuing.certificate]
    ((name, one_time),) = account.make_one_time_keys(1).items()
    signature = account.sign(signed_text("otk", ALICE, name, one_time))
    content = Content(TO, ALICE, "message", "grüße", "m41", 7)
    outbound = Outbound()
    inbound = outbound.inbound()
    outbound.encrypt(b"index 0")
    words = passphrase.room_key(WORDS, root.certificate, TO)
    stream = passphrase.Stream.begin(words, TO, ALICE, lambda size: bytes(range(size)))
    pad = Identity("alice", "pad")
    other = Account()
    known = Known(other.curve25519, other.ed25519, 0, 0, "1", "")
    return {
        "time": int(START.timestamp()),
        "root": encode(root.certificate.public_bytes(Encoding.DER)),
        "bundle": {
            "payload": make_bundle(account, ALICE, key, chain, START).decode(),
            "device": str(ALICE),
            "curve25519": account.curve25519,
            "ed25519": account.ed25519,
        },
        "one_time_key": {
            "payload": to_bytes(
                {"id": name, "key": one_time, "kind": "otk", "sig": signature}
            ).decode(),
            "signed": encode(signed_text("otk", ALICE, name, one_time)),
        },
        "cosign": {
            "device": str(pad),
            "curve25519": other.curve25519,
            "ed25519": other.ed25519,
            "sig": account.sign(cosigned_text(pad, known)),
        },
        "room": {
            "to": TO,
            "session": outbound.id,
            "key": inbound.exported(0),
            "index": 1,
            "plaintext": pack(content).rstrip(b"\0").hex(),
            "padded": len(pack(content)),
            "tag": to_tag(outbound.id[:22], outbound.encrypt(pack(content))),
        },
        "passphrase": {
            "passphrase": WORDS,
            "to": TO,
            "key": encode(words),
            "session": passphrase.key_id(words),
            "tag": to_tag(passphrase.key_id(words), stream.encrypt(pack(content))),
        },
        "verification": {
            "id": "AAAA",
            "key": account.curve25519,
            "commitment": commitment("AAAA", account.curve25519),
            "emojis": [list(each) for each in EMOJIS],
        },
    }


class VectorTests(TestCase):
    def setUp(self) -> None:
        if not FILE.exists():
            text = json.dumps(make(), indent=1, ensure_ascii=False, sort_keys=True)
            FILE.write_text(f"{text}\n")
        self.vectors = json.loads(FILE.read_text())
        self.root = x509.load_der_x509_certificate(decode(self.vectors["root"]))
        now = datetime.fromtimestamp(self.vectors["time"], UTC)
        self.bundle: Bundle = verify_bundle(
            self.vectors["bundle"]["payload"].encode(), [self.root], now, lambda _: False
        )

    def test_bundle(self) -> None:
        vector = self.vectors["bundle"]
        self.assertEqual(str(self.bundle.device), vector["device"])
        self.assertEqual(self.bundle.curve25519, vector["curve25519"])
        self.assertEqual(self.bundle.ed25519, vector["ed25519"])

    def test_one_time_key(self) -> None:
        vector = self.vectors["one_time_key"]
        key = verify_key(vector["payload"].encode(), self.bundle)
        self.assertEqual(
            decode(vector["signed"]),
            b"securechat e2e key v1\0otk\0urn:securechat:account:alice:device:laptop\0"
            + key.id.encode()
            + b"\0"
            + key.key.encode(),
        )

    def test_cosign(self) -> None:
        vector = self.vectors["cosign"]
        known = Known(vector["curve25519"], vector["ed25519"], 0, 0, "1", "")
        text = cosigned_text(Identity(*vector["device"].split("/")), known)
        verify(self.bundle.ed25519, text, vector["sig"])

    def test_room(self) -> None:
        vector = self.vectors["room"]
        session, ciphertext = read_tag(vector["tag"])
        inbound = Inbound.imported(vector["key"])
        self.assertEqual((inbound.id, inbound.id[:22]), (vector["session"], session))
        plaintext, index = inbound.decrypt(ciphertext)
        self.assertEqual((index, len(plaintext)), (vector["index"], vector["padded"]))
        self.assertEqual(plaintext.rstrip(b"\0").hex(), vector["plaintext"])
        self.assertEqual(unpack(plaintext), Content(TO, ALICE, "message", "grüße", "m41", 7))
        self.assertEqual(pack(unpack(plaintext)), plaintext)

    def test_passphrase(self) -> None:
        vector = self.vectors["passphrase"]
        key = passphrase.room_key(vector["passphrase"], self.root, vector["to"])
        self.assertEqual(encode(key), vector["key"])
        session, message = read_tag(vector["tag"])
        self.assertEqual(session, passphrase.key_id(key))
        found = passphrase.decrypt(key, vector["to"], message)
        self.assertEqual(unpack(found.plaintext).body, "grüße")
        self.assertEqual((found.device, found.counter), (ALICE, 0))

    def test_verification(self) -> None:
        vector = self.vectors["verification"]
        self.assertEqual(commitment(vector["id"], vector["key"]), vector["commitment"])
        self.assertEqual([tuple(each) for each in vector["emojis"]], list(EMOJIS))
