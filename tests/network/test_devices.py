"""What the state keeps of devices: the fold of the log, in any order and from any checkpoint."""

from __future__ import annotations

from chat.network.certificate import Certificate
from chat.network.changes import BundlesChanged, Change, MemberRevoked, SessionsClosed
from chat.network.devices import of_account, removed, revocations
from chat.network.entities import Client
from chat.network.events import (
    AccountChanged,
    CertificatesRevoked,
    DeviceRemoved,
    DevicesForgotten,
    Joined,
    SessionEnded,
    SessionRegistered,
)
from chat.network.ids import SessionId, Timestamp
from chat.network.records import AccountDevices, KnownCertificate, RecordKey
from chat.network.state import Network
from tests.network.test_state import StateCase

END = Timestamp(10**9)
LAPTOP = Certificate("aa", "AA", END, "alice", "laptop")
PHONE = Certificate("bb", "BB", END, "Alice", "phone")
WHY = "This device was removed from the account alice by alice on phone"


class DeviceCase(StateCase):
    def enter(
        self, session: str, certificate: Certificate, account: str | None = "alice"
    ) -> list[Change]:
        nick = account or "guest"
        return self.apply(
            SessionRegistered(SessionId(session), nick, nick, "host", nick, account, certificate),
            session,
        )

    def alice(self) -> Client:
        client = self.network.client("alice")
        assert client is not None
        return client

    def end(self, session: str, fingerprint: str) -> None:
        actor = self.alice().actor
        self.apply(SessionEnded(SessionId(session), "bye", actor, fingerprint))

    def removal(self) -> DeviceRemoved:
        return DeviceRemoved(self.alice().actor, "alice", "laptop", (LAPTOP,), "alice on phone")


class RecordTests(DeviceCase):
    def test_a_checkpoint_keeps_who_was_seen_when(self) -> None:
        self.enter("s1", LAPTOP)
        self.enter("s2", PHONE)
        self.end("s1", "aa")
        (record,), _ = self.network.take_touched()
        times = [Timestamp(1000), Timestamp(1000), Timestamp(3000)]
        phone = [Timestamp(2000)] * 3
        self.assertEqual(
            record,
            AccountDevices(
                "alice",
                {
                    "aa": KnownCertificate(LAPTOP, *times, "host"),
                    "bb": KnownCertificate(PHONE, *phone, "host"),
                },
            ),
        )
        restored = Network()
        restored.restore([record])
        self.assertEqual(restored.devices, self.network.devices)

    def test_the_log_behind_a_checkpoint_tells_until_when(self) -> None:
        """The sessions that the end of the server ends come behind its last checkpoint."""
        self.enter("s1", LAPTOP)
        records, _ = self.network.take_touched()
        self.end("s1", "aa")
        again = Network()
        again.restore(records)
        again.apply(self.entries[-1])
        self.assertEqual(again.devices, self.network.devices)
        self.assertEqual(again.devices["alice"]["aa"].last_seen, 2000)

    def test_nothing_is_left_of_what_is_forgotten(self) -> None:
        self.enter("s1", LAPTOP)
        self.network.take_touched()
        self.apply(DevicesForgotten("Alice", ("aa", "cc")))
        gone = ([], [RecordKey(AccountDevices, "alice")])
        self.assertEqual(self.network.take_touched(), gone)
        # Neither its session nor another one brings it back as it ends.
        self.end("s1", "aa")
        self.assertEqual(self.network.take_touched(), ([], []))

    def test_without_an_account_or_a_certificate_nothing_is_kept(self) -> None:
        self.enter("s1", LAPTOP, None)
        self.enter("s2", Certificate())
        self.assertEqual(self.network.devices, {})
        guest = self.network.client("guest")
        assert guest is not None
        self.apply(AccountChanged(guest.actor, "alice"))
        self.assertEqual([each.name for each in of_account(self.network, "alice")], ["laptop"])


def told(*sessions: str) -> Change:
    return Change(BundlesChanged("alice"), tuple(map(SessionId, sessions)), is_delivery=True)


class RemovalTests(DeviceCase):
    def test_its_sessions_end_within_the_same_event(self) -> None:
        for session, certificate in (("s1", LAPTOP), ("s2", PHONE), ("s3", LAPTOP)):
            self.enter(session, certificate)
        removal = self.removal()
        self.assertEqual(
            self.apply(removal, "s2"),
            [
                Change(removal, (SessionId("s2"),)),
                told("s1", "s2", "s3"),
                Change(SessionsClosed(WHY), (SessionId("s1"), SessionId("s3"))),
            ],
        )
        self.assertEqual(list(self.alice().sessions), ["s2"])
        self.assertEqual(set(self.network.sessions), {"s2"})

    def test_a_claim_that_comes_behind_it_is_refused(self) -> None:
        self.enter("s2", PHONE)
        self.apply(self.removal())
        refused = [Change(SessionsClosed(WHY), (SessionId("s1"),))]
        self.assertEqual(self.enter("s1", LAPTOP), refused)
        self.assertEqual(self.enter("s1", LAPTOP, None), refused)

    def test_a_login_that_comes_behind_it_ends(self) -> None:
        self.enter("s2", PHONE)
        stranger = Certificate("cc", "CC", END, "Bob", "desk")
        self.enter("s1", stranger, None)
        guest = self.network.client("guest")
        assert guest is not None
        self.apply(DeviceRemoved(self.alice().actor, "alice", "cc", (stranger,), "alice on phone"))
        self.assertIn("s1", self.network.sessions)
        closed = self.apply(AccountChanged(guest.actor, "alice"))
        self.assertIn(Change(SessionsClosed(WHY), (SessionId("s1"),)), closed)
        self.assertNotIn("s1", self.network.sessions)

    def test_it_holds_from_the_log_alone(self) -> None:
        self.enter("s2", PHONE)
        self.apply(self.removal())
        again = Network()
        for entry in self.entries:
            if entry.event.stored:
                again.apply(entry)
        self.assertEqual(again.devices["alice"]["aa"].removed_by, "alice on phone")
        (record,), _ = again.take_touched()
        self.assertEqual(record.name, "alice")


class RevocationTests(DeviceCase):
    def setUp(self) -> None:
        super().setUp()
        self.enter("s1", LAPTOP)
        self.enter("s2", PHONE)
        self.apply(Joined(self.alice().actor, "#lab"))

    def news(self, *revoked: str) -> list[CertificatesRevoked]:
        def reason_of(certificate: Certificate) -> str | None:
            return "superseded" if certificate.fingerprint in revoked else None

        return list(revocations(self.network, reason_of, Timestamp(0), "lost"))

    def test_its_rooms_are_told_before_its_sessions_end(self) -> None:
        (event,) = self.news("aa")
        self.assertEqual(
            event, CertificatesRevoked("alice", ("laptop",), (LAPTOP,), "superseded", "lost")
        )
        self.assertEqual(
            self.apply(event),
            [
                Change(MemberRevoked("#lab", event), (SessionId("s1"), SessionId("s2"))),
                told("s1", "s2"),
                Change(
                    SessionsClosed("Your certificate was revoked (superseded)"), (SessionId("s1"),)
                ),
            ],
        )
        self.assertEqual([each.name for each in of_account(self.network, "alice")], ["phone"])

    def test_it_is_news_once(self) -> None:
        (event,) = self.news("aa")
        self.apply(event)
        self.assertEqual(self.apply(event), [])
        self.assertEqual(self.news("aa"), [])
        (record,) = [each for each in self.network.take_touched()[0] if each.name == "alice"]
        self.network = Network()
        self.network.restore([record])
        self.assertEqual(self.news("aa"), [])

    def test_it_holds_from_the_log_alone(self) -> None:
        (event,) = self.news("aa")
        self.network = Network()
        self.apply(event)
        refused = self.enter("s1", LAPTOP)
        self.assertEqual(
            refused,
            [
                Change(
                    SessionsClosed("Your certificate was revoked (superseded)"), (SessionId("s1"),)
                )
            ],
        )

    def test_nobody_is_told_while_the_device_has_another_one(self) -> None:
        self.enter("s3", Certificate("cc", "CC", END, "alice", "Laptop"))
        (event,) = self.news("aa")
        self.assertEqual(event.devices, ())
        self.assertEqual(
            [type(each.fact) for each in self.apply(event)], [BundlesChanged, SessionsClosed]
        )
        self.assertEqual(self.news("aa", "cc")[0].devices, ("Laptop",))

    def test_what_its_owner_removed_is_no_news(self) -> None:
        self.apply(self.removal())
        self.assertEqual(list(removed(self.network, Timestamp(0))), [LAPTOP])
        self.assertEqual(list(removed(self.network, END)), [])
        self.assertEqual(self.news("aa"), [])

    def test_a_certificate_of_another_account_is_not_this_one_s_to_revoke(self) -> None:
        desk = Certificate("dd", "DD", END, "bob", "desk")
        self.enter("s3", desk)
        self.apply(DeviceRemoved(self.alice().actor, "alice", "dd", (desk,), "alice"))
        self.assertEqual(list(removed(self.network, Timestamp(0))), [])
