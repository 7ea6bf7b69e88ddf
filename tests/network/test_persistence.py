"""Kept clients: what the log makes of them, from wherever one begins to read it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from chat.irc.modes import ModeChange
from chat.network.bans import canonical
from chat.network.certificate import Certificate
from chat.network.changes import (
    Change,
    ClientQuit,
    Entered,
    HostChanged,
    MonitoredOnline,
    NicknameTaken,
    SessionsClosed,
    WatchedChange,
    Welcomed,
)
from chat.network.devices import of_account
from chat.network.entities import ABSENT, Client
from chat.network.events import (
    AccountRemoved,
    AwayChanged,
    ChannelRenamed,
    ClientKept,
    ClientReleased,
    DeviceRemoved,
    Event,
    Joined,
    KeptSessionRegistered,
    Kicked,
    Killed,
    MetadataChanged,
    ModesChanged,
    MonitorChanged,
    NetworkBanned,
    NickChanged,
    NodeStarted,
    Parted,
    PersistenceChanged,
    ReadMarked,
    RealnameChanged,
    SessionEnded,
    TopicChanged,
    UserModesChanged,
)
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.policy import keeps_client
from chat.network.records import (
    AccountDevices,
    AccountMetadata,
    ChannelRecord,
    KeptClient,
    NetworkBan,
    Persistence,
    ReadMarkers,
    Record,
    RecordKey,
)
from chat.network.retention import visible_room
from chat.network.settings import AccountSettings, HistorySettings
from chat.network.state import Network
from tests.network.test_state import StateCase as Base


class StateCase(Base):
    def attach(self, session: str, account: str = "alice", **more: str) -> list[Change]:
        said = {"nick": account, "username": account, "host": "h", "realname": account, **more}
        fingerprint = said.pop("certificate", "")
        event = KeptSessionRegistered(
            SessionId(session), account=account, certificate=Certificate(fingerprint), **said
        )
        return self.apply(event, session)

    def kept(self, account: str = "alice") -> Client:
        client = self.network.kept_client(account)
        assert client is not None
        return client

    def end(self, session: str) -> list[Change]:
        client = self.network.sessions[SessionId(session)]
        return self.apply(SessionEnded(SessionId(session), "gone", client.actor))


class KeptTests(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.attach("a1")
        self.alice, self.bob = self.kept(), self.client("bob")
        self.join(self.alice)
        self.join(self.bob)

    def test_the_last_session_leaves_the_client_there_and_away(self) -> None:
        changes = self.end("a1")
        away = AwayChanged(self.alice.actor, ABSENT)
        self.assertEqual(changes, [Change(away, ("bob",))])
        self.assertIs(self.network.client("alice"), self.alice)
        self.assertIn(self.alice, self.network.channels["#room"].members)
        self.assertEqual(self.network.sessions.keys(), {"bob"})

    def test_its_own_away_message_stays(self) -> None:
        self.apply(AwayChanged(self.alice.actor, "On holiday"))
        self.assertEqual(self.end("a1"), [])
        self.assertEqual(self.alice.away, "On holiday")

    def test_who_was_gone_when_it_came_back_is_not_back(self) -> None:
        self.end("a1")
        (change,) = self.apply(AwayChanged(self.alice.actor, None))
        self.assertEqual(change.fact, AwayChanged(self.alice.actor, ABSENT))

    def test_the_first_session_is_put_back_into_its_rooms(self) -> None:
        self.end("a1")
        changes = self.attach("a2", nick="another")
        back, *own = changes
        self.assertEqual(back, Change(AwayChanged(self.alice.actor, None), ("bob",)))
        self.assertEqual([type(change.fact) for change in own], [Welcomed, Joined, Entered])
        self.assertEqual({change.sessions for change in own}, {("a2",)})
        self.assertEqual(self.alice.nick, "alice")
        self.assertIsNone(self.alice.away)

    def test_it_comes_back_as_its_device_says(self) -> None:
        self.end("a1")
        changes = self.attach("a2", username="u", host="elsewhere", realname="A", away="Asleep")
        self.assertEqual(
            [change.fact for change in changes if change.sessions == ("bob",)],
            [
                HostChanged("alice!alice@h", "u", "elsewhere"),
                RealnameChanged(self.alice.actor, "A"),
                AwayChanged(self.alice.actor, "Asleep"),
            ],
        )
        self.assertEqual(self.alice.source, "alice!u@elsewhere")

    def test_a_second_session_changes_nothing_for_others(self) -> None:
        changes = self.attach("a2", username="u", host="elsewhere")
        self.assertEqual({change.sessions for change in changes}, {("a2",)})
        self.assertEqual(self.end("a1"), [])
        self.assertEqual(self.alice.source, "alice!alice@h")

    def test_watchers_see_it_online_all_the_time(self) -> None:
        self.register("w", "watcher")
        self.apply(MonitorChanged(SessionId("w"), ("alice", "carol")))
        away = AwayChanged(self.alice.actor, ABSENT)
        self.assertIn(Change(WatchedChange(away), ("w",)), self.end("a1"))
        facts = [change.fact for change in self.attach("a2")]
        self.assertNotIn(MonitoredOnline("alice!alice@h"), facts)
        facts = [change.fact for change in self.attach("c1", "carol")]
        self.assertIn(MonitoredOnline("carol!carol@h"), facts)

    def test_the_powers_of_an_operator_end_with_the_last_session(self) -> None:
        changes = tuple(ModeChange(True, letter) for letter in "oi")
        self.apply(UserModesChanged(self.alice.actor, changes))
        self.end("a1")
        self.assertEqual(self.alice.modes, {"i"})

    def test_a_start_leaves_it_without_sessions(self) -> None:
        self.assertEqual(self.apply(NodeStarted("s")), [])
        self.assertEqual(list(self.network.clients.values()), [self.alice])
        self.assertEqual(self.network.sessions, {})
        self.assertEqual(self.network.channels["#room"].members, {self.alice: "o"})
        self.assertEqual(self.alice.seen, self.entries[-1].time)

    def test_joining_again_does_not_reset_since(self) -> None:
        channel = self.network.channels["#room"]
        joined = channel.since[self.alice]
        self.join(self.alice)
        self.end("a1")
        self.attach("a2")
        self.assertEqual(channel.since[self.alice], joined)
        self.apply(Parted(self.alice.actor, "#room", ""))
        self.join(self.alice)
        self.assertGreater(channel.since[self.alice], joined)

    def test_history_from_joining_on(self) -> None:
        channel = self.network.channels["#room"]
        now = self.entries[-1].time

        def since(member: Client, days: int = 0) -> Timestamp:
            return visible_room(channel, member, HistorySettings(keep_days=days), now).since

        self.assertEqual(since(self.alice), 0)
        self.apply(ModesChanged(self.alice.actor, "#room", (ModeChange(True, "J"),)))
        self.assertEqual(since(self.alice), channel.since[self.alice])
        self.assertGreater(since(self.bob), since(self.alice))
        now = Timestamp(now + 2 * 86_400_000)
        self.assertEqual(since(self.alice, days=1), now - 86_400_000)

    def test_a_kill_removes_it_altogether(self) -> None:
        self.end("a1")
        changes = self.apply(Killed(self.bob.actor, self.alice.id, "alice", "spam"))
        self.assertIn(ClientQuit("alice!alice@h", "Killed (bob (spam))"), _facts(changes))
        self.assert_gone()
        self.attach("a2")
        self.assertEqual(self.kept().channels, {})

    def test_a_ban_removes_it_with_and_without_a_session(self) -> None:
        for mask in ("alice!*@*", "a:alice"):
            self.end("a1")
            self.apply(NetworkBanned(self.bob.actor, canonical(mask), "bad"))
            self.assert_gone()
            self.attach("a1")
            self.alice = self.kept()

    def test_the_end_of_its_account_ends_it(self) -> None:
        self.register("a2", "alice_", "alice")
        self.apply(PersistenceChanged(self.alice.actor, "alice", True))
        self.apply(ReadMarked(self.alice.actor, "#room", Timestamp(5)))
        self.apply(MetadataChanged(self.alice.actor, "alice", {"a": "1"}, account="alice"))
        self.network.take_touched()
        changes = self.apply(AccountRemoved("ALICE"))
        closed = Change(SessionsClosed("The account was removed"), ("a1", "a2"))
        self.assertIn(closed, changes)
        self.assert_gone()
        network = self.network
        self.assertEqual((network.markers, network.metadata, network.wishes), ({}, {}, {}))
        _, removed = network.take_touched()
        kinds = {AccountDevices, AccountMetadata, KeptClient, Persistence, ReadMarkers}
        self.assertEqual({key.kind for key in removed}, kinds)

    def test_released_without_a_session_it_leaves(self) -> None:
        self.end("a1")
        changes = self.apply(ClientReleased(self.alice.id, "Not seen for 90 days"))
        self.assertEqual(
            changes, [Change(ClientQuit("alice!alice@h", "Not seen for 90 days"), ("bob",))]
        )
        self.assert_gone()

    def test_released_with_a_session_it_leaves_with_that(self) -> None:
        self.assertEqual(self.apply(ClientReleased(self.alice.id, "x")), [])
        self.assertEqual(self.end("a1")[0].fact, ClientQuit("alice!alice@h", "gone"))
        self.assert_gone()

    def test_a_removed_device_ends_its_sessions_and_keeps_the_client(self) -> None:
        self.attach("a2", certificate="ab")
        self.attach("a3", certificate="ac")
        for session, fingerprint in (("a2", "ab"), ("a3", "ac")):
            _, closed = self.apply(self.removal(fingerprint))
            self.assertEqual(closed.sessions, (session,))
            self.assertIsInstance(closed.fact, SessionsClosed)
        self.end("a1")
        self.attach("a4", certificate="ad")
        _, closed, away = self.apply(self.removal("ad"))
        self.assertEqual(closed.sessions, ("a4",))
        self.assertEqual(away, Change(AwayChanged(self.alice.actor, ABSENT), ("bob",)))
        self.assertIs(self.kept(), self.alice)
        (refused,) = self.attach("a5", certificate="ad")
        self.assertEqual(refused.fact, closed.fact)
        self.assertEqual(self.alice.sessions, {})

    def test_a_new_account_of_that_name_inherits_nothing(self) -> None:
        self.attach("a2", certificate="ab")
        self.apply(self.removal("ab"))
        self.attach("a3", certificate="ac")
        self.network.take_touched()
        self.apply(AccountRemoved("ALICE"))
        changed, _ = self.network.take_touched()
        (room,) = [record for record in changed if isinstance(record, ChannelRecord)]
        self.assertEqual(room.ranks, {})
        self.attach("new", certificate="ad")
        self.join(self.kept())
        self.assertEqual(self.network.channels["#room"].members[self.kept()], "")
        fingerprints = [device.fingerprints for device in of_account(self.network, "alice")]
        self.assertEqual(fingerprints, [{"ad"}])
        # It names the account still: whoever stole it is not to have the new one's.
        (refused,) = self.attach("lost", certificate="ab")
        self.assertIsInstance(refused.fact, SessionsClosed)

    def removal(self, fingerprint: str) -> DeviceRemoved:
        certificates = (Certificate(fingerprint),)
        return DeviceRemoved(self.alice.actor, "alice", fingerprint, certificates, "bob")

    def assert_gone(self) -> None:
        self.assertIsNone(self.network.client("alice"))
        self.assertEqual(self.network.kept, {})
        self.assertNotIn("alice", [each.nick for each in self.network.channels["#room"].members])


class MissedTests(StateCase):
    """Since when a device is told that it missed something."""

    def since(self, session: str, certificate: str) -> Timestamp | None:
        (welcomed,) = [
            fact
            for fact in _facts(self.attach(session, certificate=certificate))
            if isinstance(fact, Welcomed)
        ]
        return welcomed.absent_since

    def test_each_device_by_its_own_certificate(self) -> None:
        self.assertIsNone(self.since("laptop", "aa"))
        self.assertIsNone(self.since("phone", "bb"), "it is new, and another is there")
        self.end("phone")
        phone_left = self.entries[-1].time
        self.assertIsNone(self.since("second window", "aa"))
        self.assertEqual(self.since("phone", "bb"), phone_left)
        for session in ("laptop", "second window", "phone"):
            self.end(session)
        last_left = self.entries[-1].time
        self.assertEqual(self.since("tablet", "cc"), last_left, "it is new: when any was there")
        self.apply(NodeStarted("s"))
        self.assertEqual(self.since("tablet", "cc"), self.entries[-2].time)

    def test_a_device_is_the_same_with_another_certificate(self) -> None:
        def attach(fingerprint: str) -> Timestamp | None:
            certificate = Certificate(fingerprint, account="alice", device="phone")
            session = SessionId(fingerprint)
            event = KeptSessionRegistered(session, "alice", "a", "h", "A", "alice", certificate)
            (welcomed,) = [f for f in _facts(self.apply(event)) if isinstance(f, Welcomed)]
            return welcomed.absent_since

        self.attach("laptop", certificate="aa")
        self.assertIsNone(attach("before"))
        self.end("before")
        self.assertEqual(attach("renewed"), self.entries[-2].time)

    def test_who_is_not_kept_misses_nothing(self) -> None:
        (welcomed, *_) = _facts(self.register("s1", "alice", "alice"))
        self.assertEqual(welcomed, Welcomed(self.network.clients[ClientId("s1")]))


class NicknameTests(StateCase):
    """A replay knows kept clients only: they have their nickname before any other."""

    def test_a_guest_gives_way(self) -> None:
        self.client("alice")
        changes = self.attach("a1")
        self.assertEqual(changes[0].fact, SessionsClosed("Somebody else has this nickname"))
        self.assertIs(self.network.client("alice"), self.kept())

    def test_a_guest_gives_way_to_a_change(self) -> None:
        self.attach("a1")
        self.client("carol")
        changes = self.apply(NickChanged(self.kept().actor, "carol"))
        self.assertEqual(changes[0], Change(SessionsClosed("Somebody else has this nickname"),
                                            ("carol",)))  # fmt: skip
        self.assertIs(self.network.client("carol"), self.kept())

    def test_the_earlier_of_two_that_are_kept_has_it(self) -> None:
        self.attach("a1")
        taken = Change(NicknameTaken("alice"), ("b1",))
        self.assertEqual(self.attach("b1", "bob", nick="alice"), [taken])
        self.attach("b1", "bob")
        self.assertEqual(self.apply(NickChanged(self.kept("bob").actor, "alice"), "b1"), [taken])
        self.register("c", "alice")
        self.assertEqual(self.network.nicks["alice"], self.kept())


class WishTests(StateCase):
    def test_policy(self) -> None:
        wanted = {
            "mandatory": [True, True, True],
            "opt-out": [True, True, False],
            "opt-in": [False, True, False],
            "disabled": [False, False, False],
        }
        for persistence, results in wanted.items():
            settings = AccountSettings(persistence=persistence)
            found = [keeps_client(settings, wish) for wish in (None, True, False)]
            self.assertEqual(found, results, persistence)

    def test_a_client_that_is_there_is_kept_from_now_on(self) -> None:
        self.register("a1", "alice", "alice")
        alice = self.network.clients[ClientId("a1")]
        self.join(alice)
        self.assertEqual(self.apply(ClientKept(evolve(alice.record(), sessions={}))), [])
        self.assertIs(self.kept(), alice)
        self.assertEqual(self.apply(ClientKept(evolve(alice.record(), sessions={}))), [])
        self.end("a1")
        self.assertIs(self.network.client("alice"), alice)

    def test_a_client_that_is_kept_stays_its_accounts(self) -> None:
        self.attach("a1")
        self.client("bob", "bob")
        self.register("a2", "bob2", "alice")
        self.assertEqual(self.network.sessions[SessionId("a2")], self.kept())


class ReplayTests(StateCase):
    def happen(self) -> Iterable[Event]:
        """Yield all that can happen to kept clients, and as much to others."""
        self.attach("a1", username="u")
        self.attach("b1", "bob")
        self.attach("c1", "carol", certificate="cc")
        self.register("d", "dan", "dan")
        alice, bob, carol = (self.kept(name) for name in ("alice", "bob", "carol"))
        dan = self.network.clients[ClientId("d")]
        for client in (alice, bob, carol, dan):
            yield Joined(client.actor, "#room")
            yield Joined(client.actor, "#old", is_first=client is alice)
        yield ModesChanged(alice.actor, "#old", (ModeChange(False, "P"), ModeChange(True, "m")))
        yield TopicChanged(alice.actor, "#old", "Kept for its members")
        yield ChannelRenamed(alice.actor, "#old", "#new", "")
        yield Kicked(alice.actor, "#room", bob.id, "bob", "")
        yield ModesChanged(alice.actor, "#new", (ModeChange(True, "v", "carol"),),
                           {"carol": "carol"})  # fmt: skip
        yield NickChanged(alice.actor, "Alicia")
        yield AwayChanged(alice.actor, "Out")
        yield RealnameChanged(alice.actor, "Alice A.")
        yield UserModesChanged(alice.actor, (ModeChange(True, "i"), ModeChange(True, "o")))
        yield SessionEnded(SessionId("b1"), "gone", bob.actor)
        yield KeptSessionRegistered(
            SessionId("b2"), "b", "b", "elsewhere", "B", "bob", Certificate("ab"), "Zzz"
        )
        yield KeptSessionRegistered(SessionId("b3"), "b", "b", "x", "B", "bob")
        yield SessionEnded(SessionId("b2"), "gone", bob.actor)
        yield PersistenceChanged(dan.actor, "dan", True)
        yield ClientKept(evolve(dan.record(), sessions={}))
        yield Parted(dan.actor, "#room", "")
        yield NetworkBanned(alice.actor, "c:cd", "lost")
        yield PersistenceChanged(carol.actor, "carol", False)
        yield ClientReleased(carol.id, ABSENT)
        yield SessionEnded(SessionId("c1"), "gone", carol.actor, "cc")
        lost = Certificate("cd", account="eve", device="lost")
        yield KeptSessionRegistered(SessionId("e1"), "eve", "e", "h", "E", "eve", lost)
        yield NetworkBanned(alice.actor, "c:cd", "lost")
        yield SessionEnded(SessionId("d"), "gone", dan.actor)
        for name in ("ab", "ac", "ad"):
            phone = Certificate(name, account="bob", device="phone")
            yield KeptSessionRegistered(SessionId(name), "b", "b", "x", "B", "bob", phone)
        yield SessionEnded(SessionId("b3"), "gone", bob.actor)
        yield SessionEnded(SessionId("ac"), "gone", bob.actor, "ac")
        yield DeviceRemoved(bob.actor, "bob", "phone", (phone,), "bob")
        yield KeptSessionRegistered(SessionId("b4"), "b", "b", "x", "B", "bob", phone)
        yield KeptSessionRegistered(SessionId("a2"), "a", "a", "x", "A", "alice", Certificate("aa"))
        yield KeptSessionRegistered(SessionId("f1"), "fred", "f", "h", "F", "fred", lost)
        fred = self.kept("fred")
        yield Joined(fred.actor, "#freds")
        yield AccountRemoved("fred")
        yield AccountRemoved("nobody")

    def test_from_wherever_one_begins(self) -> None:
        """The state is the fold of the log: of all of it, and behind any checkpoint."""
        checkpoints: list[tuple[int, dict[RecordKey, Record]]] = []
        saved: dict[RecordKey, Record] = {}
        for event in self.happen():
            self.apply(event)
            changed, removed = self.network.take_touched()
            saved.update((self.network.key_of(record), record) for record in changed)
            for key in removed:
                saved.pop(key, None)
            checkpoints.append((len(self.entries), dict(saved)))
        self.apply(NodeStarted("s"))
        wanted = _records(self.network)
        self.assertEqual(
            [record.name for record in wanted if isinstance(record, KeptClient)],
            ["alice", "bob", "dan"],
        )
        self.assertEqual(
            [record.name for record in wanted if isinstance(record, AccountDevices)],
            ["alice", "bob", "carol", "eve"],
        )
        for done, records in [(0, {}), *checkpoints]:
            network = Network()
            network.restore(records.values())
            for entry in self.entries[done:]:
                if entry.event.stored:
                    network.apply(entry)
            found = _records(network)
            # A session that the log does not have is not seen to end.
            self.assertEqual(_but_seen(found, "dan"), _but_seen(wanted, "dan"), done)
            members = {each.nick: rank for each, rank in network.channels["#new"].members.items()}
            self.assertEqual(members, {"Alicia": "o", "bob": "", "dan": ""})


def _records(network: Network) -> list[Record]:
    """Return all that a checkpoint would hold, in one order."""
    kinds = {
        AccountDevices: network.devices,
        ChannelRecord: network.channels,
        KeptClient: network.kept,
        NetworkBan: network.bans,
        Persistence: network.wishes,
    }
    network.touch(RecordKey(kind, name) for kind, names in kinds.items() for name in names)
    changed, _ = network.take_touched()
    return sorted(changed, key=lambda record: (type(record).__name__, record.name))


def _but_seen(records: list[Record], account: str) -> list[Record]:
    return [
        evolve(record, seen=Timestamp(0))
        if isinstance(record, KeptClient) and record.name == account
        else record
        for record in records
    ]


def _facts(changes: list[Change]) -> list[object]:
    return [change.fact for change in changes]


del Base
