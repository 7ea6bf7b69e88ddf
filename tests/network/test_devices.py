"""What the state keeps of devices: the fold of the log, in any order and from any checkpoint."""

from __future__ import annotations

from chat.network.certificate import Certificate
from chat.network.changes import Change, SessionsClosed
from chat.network.devices import of_account
from chat.network.entities import Client
from chat.network.events import (
    AccountChanged,
    DeviceRemoved,
    DevicesForgotten,
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


class RemovalTests(DeviceCase):
    def test_its_sessions_end_within_the_same_event(self) -> None:
        for session, certificate in (("s1", LAPTOP), ("s2", PHONE), ("s3", LAPTOP)):
            self.enter(session, certificate)
        removal = self.removal()
        self.assertEqual(
            self.apply(removal, "s2"),
            [
                Change(removal, (SessionId("s2"),)),
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
