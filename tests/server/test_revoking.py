"""Revoking from within the network: REVOKE, and devices that their owners removed."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import ReasonFlags
from twisted.internet.defer import Deferred

from chat.features.feature import RevokeCertificates
from chat.network.certificate import Certificate
from chat.network.events import Actor, DeviceRemoved, Entry
from chat.network.ids import ClientId, EventId, Timestamp
from chat.network.policy import RefusedError
from chat.network.state import Network
from chat.pki.authority import Identity
from chat.pki.lists import read_lists
from chat.server.authority import IssuingAuthority
from chat.server.config import load
from chat.server.revoking import Revoking
from tests.cli.networks import NetworkCase
from tests.pki.networks import now

PHONE = Identity("alice", "phone")


class RevokingCase(NetworkCase):
    def setUp(self) -> None:
        super().setUp()
        self.state = Network()
        self.notes: list[str] = []
        config = load(self.config)
        self.revoking = Revoking(
            self.state,
            IssuingAuthority(lambda: config),
            lambda: read_lists(self.layout),
            self.notes.append,
        )

    def reason(self, certificate: x509.Certificate) -> ReasonFlags | None:
        name = certificate.issuer.rfc4514_string()
        return read_lists(self.layout).reason(name, certificate.serial_number)

    def lock(self) -> None:
        self.key = self.network.issuing_key
        self.key.rename(self.directory / "away")

    def unlock(self) -> None:
        (self.directory / "away").rename(self.key)


class CommandTests(RevokingCase):
    async def ask(self, name: str, reason: str = "") -> tuple[str, ...]:
        return await self.revoking.ask(RevokeCertificates(name, reason))

    async def refuse(self, name: str) -> str:
        """Return the code of the refusal, and its words."""
        try:
            await self.ask(name)
        except RefusedError as refused:
            reply = refused.reply
            return f"{reply.code} {reply.text}"  # type: ignore[union-attr]
        raise AssertionError("nothing was refused")

    async def test_reason_and_note(self) -> None:
        for words, reason, note in (
            ("", ReasonFlags.unspecified, ""),
            ("Key-Compromise", ReasonFlags.key_compromise, ""),
            ("cessation she left", ReasonFlags.cessation_of_operation, "she left"),
            ("lost in the train", ReasonFlags.unspecified, "lost in the train"),
        ):
            certificate = self.network.certificate(PHONE)
            self.assertEqual(await self.ask("alice/phone", words), ("alice/phone",))
            self.assertEqual(self.reason(certificate), reason)
            self.assertEqual(self.notes.pop(), note)

    async def test_refusals(self) -> None:
        self.assertRegex(await self.refuse("alice"), "^NO_SUCH_CERTIFICATE no certificate was")
        self.network.certificate(PHONE)
        await self.ask("alice")
        self.assertRegex(await self.refuse("alice"), "^NOTHING_TO_DO None of the 1")
        self.lock()
        self.assertRegex(await self.refuse("alice"), "^CANNOT_SIGN ")

    async def test_a_key_that_cannot_be_opened(self) -> None:
        certificate = self.network.certificate(PHONE)
        self.encrypt()
        refused = await self.refuse("alice")
        self.assertRegex(refused, "^CANNOT_SIGN .* run securechat revoke where the key")
        self.assertIsNone(self.reason(certificate))
        self.assertEqual(self.notes, [])


class RemovalTests(RevokingCase):
    def setUp(self) -> None:
        super().setUp()
        self.used, self.unused, self.laptop = (
            self.network.certificate(PHONE),
            self.network.certificate(PHONE),
            self.network.certificate(),
        )

    def remove(self, account: str, request: tuple[str, ...] = ()) -> Deferred[None]:
        """Let ``account`` remove the device that has the certificate in use."""
        end = Timestamp(int(self.used.not_valid_after_utc.timestamp() * 1000))
        known = Certificate(
            self.used.fingerprint(SHA256()).hex(),
            "",
            end,
            "alice",
            "phone",
            self.used.issuer.rfc4514_string(),
            f"{self.used.serial_number:x}",
        )
        actor = Actor(ClientId("c"), "x!y@z", account)
        event = DeviceRemoved(actor, account, "phone", (known,), "x", request)
        self.state.apply(Entry(EventId("e"), Timestamp(1), event))
        return Deferred.fromCoroutine(self.revoking.removed(event))

    def revoked(self) -> list[bool]:
        lists = read_lists(self.layout)
        return [lists.revokes(each) for each in (self.used, self.unused, self.laptop)]

    async def test_all_of_a_device(self) -> None:
        await self.remove("alice")
        self.assertEqual(self.revoked(), [True, True, False])
        self.assertEqual(self.reason(self.used), ReasonFlags.cessation_of_operation)

    async def test_one_certificate(self) -> None:
        await self.remove("alice", ("DELETE",))
        self.assertEqual(self.revoked(), [True, False, False])

    async def test_not_by_another_account(self) -> None:
        await self.remove("bob")
        await self.revoking.catch_up()
        self.assertEqual(self.revoked(), [False, False, False])

    async def test_not_what_is_issued_afterwards(self) -> None:
        issued = self.network.device(PHONE, at=now() + timedelta(hours=1))
        await self.remove("alice")
        certificate = x509.load_pem_x509_certificate(issued.path(".crt").read_bytes())
        self.assertIsNone(self.reason(certificate))

    async def test_later_where_it_cannot_be_at_once(self) -> None:
        self.lock()
        await self.remove("alice")
        self.assertEqual(self.revoked(), [False, False, False])
        self.unlock()
        await self.revoking.catch_up()
        self.assertEqual(self.revoked(), [True, False, False])
        self.assertEqual(self.notes, [""])
        await self.revoking.catch_up()
        self.assertEqual(self.notes, [""])
