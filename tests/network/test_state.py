from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.modes import ModeChange
from chat.network.changes import (
    Change,
    ClientQuit,
    Entered,
    NicknameTaken,
    SessionsClosed,
    Welcomed,
)
from chat.network.entities import Client
from chat.network.events import (
    AcceptChanged,
    Actor,
    Entry,
    Event,
    Joined,
    Kicked,
    Killed,
    MessageSent,
    ModesChanged,
    NickChanged,
    NodeStarted,
    Parted,
    SessionEnded,
    SessionRegistered,
    TopicChanged,
    UserModesChanged,
)
from chat.network.ids import ClientId, EventId, SessionId, Timestamp
from chat.network.records import ChannelRecord, RecordKey
from chat.network.state import Network


class StateCase(SynchronousTestCase):
    """Applies events one after the other."""

    def setUp(self) -> None:
        self.network = Network()
        self.entries: list[Entry] = []

    def apply(self, event: Event, origin: str | None = None) -> list[Change]:
        entry = Entry(
            EventId(f"e{len(self.entries)}"),
            Timestamp(1000 * (len(self.entries) + 1)),
            event,
            SessionId(origin) if origin else None,
        )
        self.entries.append(entry)
        return self.network.apply(entry)

    def register(self, session: str, nick: str, account: str | None = None) -> list[Change]:
        return self.apply(
            SessionRegistered(SessionId(session), nick, nick, "h", nick, account), session
        )

    def client(self, nick: str, account: str | None = None) -> Client:
        self.register(nick, nick, account)
        client = self.network.client(nick)
        assert client is not None
        return client

    def join(self, client: Client, channel: str = "#room") -> list[Change]:
        return self.apply(Joined(client.actor, channel))


class SessionTests(StateCase):
    def test_welcome(self) -> None:
        changes = self.register("s1", "alice")
        client = self.network.client("ALICE")
        assert client is not None
        self.assertEqual(changes, [Change(Welcomed(client), (SessionId("s1"),))])

    def test_earlier_claim_has_the_nickname(self) -> None:
        self.register("s1", "alice")
        self.assertEqual(
            self.register("s2", "Alice"), [Change(NicknameTaken("Alice"), (SessionId("s2"),))]
        )
        self.assertEqual(list(self.network.sessions), ["s1"])

    def test_sessions_of_an_account_share_its_client(self) -> None:
        self.register("s1", "alice", "alice")
        client = self.network.clients[ClientId("s1")]
        self.join(client)
        changes = self.register("s2", "alice", "alice")
        self.assertEqual(list(client.sessions), ["s1", "s2"])
        self.assertEqual([type(change.fact) for change in changes], [Welcomed, Joined, Entered])
        self.assertEqual({change.sessions for change in changes}, {("s2",)})

    def test_without_an_account_nothing_is_shared(self) -> None:
        self.register("s1", "alice", "alice")
        self.assertIsInstance(self.register("s2", "alice")[0].fact, NicknameTaken)

    def test_user_modes_are_counted(self) -> None:
        alice, bob = self.client("alice"), self.client("bob")
        for client in (alice, alice, bob):
            self.apply(UserModesChanged(client.actor, (ModeChange(True, "i"),)))
        self.apply(UserModesChanged(bob.actor, (ModeChange(True, "o"), ModeChange(False, "w"))))
        self.assertEqual(+self.network.user_modes, {"i": 2, "o": 1})
        self.apply(UserModesChanged(alice.actor, (ModeChange(False, "i"),)))
        self.assertEqual(+self.network.user_modes, {"i": 1, "o": 1})
        self.apply(SessionEnded(SessionId("bob"), "gone"))
        self.assertEqual(+self.network.user_modes, {})

    def test_last_session_takes_the_client_along(self) -> None:
        self.register("s1", "alice", "alice")
        self.register("s2", "alice", "alice")
        bob = self.client("bob")
        self.join(self.network.clients[ClientId("s1")])
        self.join(bob)
        self.assertEqual(self.apply(SessionEnded(SessionId("s1"), "gone")), [])
        changes = self.apply(SessionEnded(SessionId("s2"), "gone"))
        self.assertEqual(changes, [Change(ClientQuit("alice!alice@h", "gone"), ("bob",))])
        self.assertIsNone(self.network.client("alice"))
        self.assertEqual(self.apply(SessionEnded(SessionId("s2"), "gone")), [])

    def test_who_leaves_is_accepted_no_more(self) -> None:
        alice, bob, carol = map(self.client, ("alice", "bob", "carol"))
        self.apply(AcceptChanged(alice.actor, added=(bob.id, alice.id, ClientId("nobody"))))
        self.apply(AcceptChanged(bob.actor, added=(alice.id,)))
        self.apply(MessageSent(carol.actor, "PRIVMSG", "bob", "hello", client=bob.id))
        self.assertEqual(alice.accepted, {bob.id, alice.id})
        self.apply(AcceptChanged(bob.actor, removed=(alice.id,)))
        self.assertEqual((bob.accepted, bob.accepted_by), (set(), {alice.id, carol.id}))
        self.apply(SessionEnded(SessionId("bob"), "gone"))
        self.assertEqual((alice.accepted, carol.accepted), ({alice.id}, set()))
        self.apply(SessionEnded(SessionId("alice"), "gone"))
        self.assertEqual(list(self.network.clients), [carol.id])

    def test_who_leaves_is_looked_for_among_those_it_knew_only(self) -> None:
        class Unwalked(dict[ClientId, Client]):
            def __iter__(self) -> Iterator[ClientId]:
                raise AssertionError("all clients were walked")

            keys = values = items = __iter__  # type: ignore[assignment]

        self.join(self.client("alice"))
        self.client("bob")
        self.network.clients = Unwalked(self.network.clients)
        self.apply(SessionEnded(SessionId("alice"), "gone"))
        self.assertEqual(len(self.network.clients), 1)

    def test_kill(self) -> None:
        alice, bob = self.client("alice"), self.client("bob")
        self.join(alice)
        self.join(bob)
        changes = self.apply(Killed(bob.actor, alice.id, "alice", "spam"))
        self.assertEqual(
            changes,
            [
                Change(SessionsClosed("Killed (bob (spam))"), ("alice",)),
                Change(ClientQuit("alice!alice@h", "Killed (bob (spam))"), ("bob",)),
            ],
        )
        self.assertNotIn("alice", self.network.sessions)

    def test_nick(self) -> None:
        alice, bob = self.client("alice"), self.client("bob")
        changes = self.apply(NickChanged(alice.actor, "Bob"), "alice")
        self.assertEqual(changes, [Change(NicknameTaken("Bob"), ("alice",))])
        self.apply(NickChanged(alice.actor, "ALICE"))
        self.assertEqual(alice.nick, "ALICE")
        self.apply(NickChanged(alice.actor, "carol"))
        self.assertIs(self.network.client("carol"), alice)
        self.assertIsNone(self.network.client("alice"))
        self.assertIs(self.network.client("bob"), bob)

    def test_a_new_start_ends_all_sessions(self) -> None:
        alice, bob = self.client("alice", "alice"), self.client("bob")
        self.join(alice, "#kept")
        self.join(bob, "#temporary")
        self.assertEqual(self.apply(NodeStarted("s")), [])
        self.assertEqual(list(self.network.channels), ["#kept"])
        self.assertEqual(self.network.channels["#kept"].members, {})
        self.assertEqual((self.network.clients, self.network.sessions), ({}, {}))


class ChannelTests(StateCase):
    def test_first_member_is_operator(self) -> None:
        alice, bob = self.client("alice"), self.client("bob")
        changes = self.join(alice)
        channel = self.network.channels["#room"]
        self.assertEqual(
            changes,
            [
                Change(Joined(alice.actor, "#room"), ("alice",)),
                Change(Entered(alice, channel), ("alice",)),
            ],
        )
        self.join(bob, "#ROOM")
        self.assertEqual(channel.members, {alice: "o", bob: ""})
        self.assertEqual(self.join(bob), [])

    def test_a_channel_without_an_owner_ends_with_its_members(self) -> None:
        alice = self.client("alice")
        self.join(alice)
        self.apply(Parted(alice.actor, "#room", ""))
        self.assertEqual(self.network.channels, {})

    def test_an_accounts_channel_and_rank_last(self) -> None:
        alice, bob = self.client("alice", "alice"), self.client("bob", "bob")
        self.join(alice)
        self.join(bob)
        change = ModeChange(True, "o", "bob")
        self.apply(ModesChanged(alice.actor, "#room", (change,), {"bob": "bob"}))
        self.apply(Parted(alice.actor, "#room", ""))
        self.apply(Parted(bob.actor, "#room", ""))
        self.join(self.client("carol", "carol"))
        self.join(bob)
        members = self.network.channels["#room"].members
        self.assertEqual(
            {member.nick: rank for member, rank in members.items()}, {"carol": "", "bob": "o"}
        )
        change = ModeChange(False, "o", "bob")
        self.apply(ModesChanged(alice.actor, "#room", (change,), {"bob": "bob"}))
        self.assertEqual(members[bob], "")
        self.assertEqual(self.network.channels["#room"].ranks, {"alice": "o"})

    def test_without_permanence_an_empty_channel_ends(self) -> None:
        alice = self.client("alice", "alice")
        self.join(alice)
        self.apply(ModesChanged(alice.actor, "#room", (ModeChange(False, "P"),)))
        self.apply(Parted(alice.actor, "#room", ""))
        self.assertEqual(self.network.channels, {})

    def test_stale_events_do_nothing(self) -> None:
        alice, bob = self.client("alice"), self.client("bob")
        nobody = Actor(ClientId("gone"), "gone!g@h")
        for event in (
            Parted(alice.actor, "#room", ""),
            Kicked(alice.actor, "#room", bob.id, "bob", ""),
            TopicChanged(alice.actor, "#room", "x"),
            ModesChanged(alice.actor, "#room", (ModeChange(True, "t"),)),
            MessageSent(alice.actor, "PRIVMSG", "#room", "x", channel="#room"),
            Joined(nobody, "#room"),
            NickChanged(nobody, "x"),
            Killed(alice.actor, ClientId("gone"), "gone", ""),
        ):
            self.assertEqual(self.apply(event), [], event)
        self.assertEqual(self.network.channels, {})

    def test_message_to_ranks(self) -> None:
        alice, bob, carol = self.client("alice"), self.client("bob"), self.client("carol")
        for client in (alice, bob, carol):
            self.join(client)
        self.apply(ModesChanged(alice.actor, "#room", (ModeChange(True, "v", "bob"),)))
        to_voiced = MessageSent(carol.actor, "PRIVMSG", "+#room", "x", channel="#room", rank="v")
        self.assertEqual(self.apply(to_voiced)[0].sessions, ("alice", "bob", "carol"))
        to_operators = evolve(to_voiced, rank="o")
        self.assertEqual(self.apply(to_operators)[0].sessions, ("alice", "carol"))

    def test_direct_message_reaches_all_sessions_of_both(self) -> None:
        self.register("a1", "alice", "alice")
        self.register("a2", "alice", "alice")
        bob = self.client("bob")
        alice = self.network.clients[ClientId("a1")]
        sent = MessageSent(alice.actor, "PRIVMSG", "bob", "x", client=bob.id)
        self.assertEqual(set(self.apply(sent)[0].sessions), {"a1", "a2", "bob"})
        to_self = MessageSent(alice.actor, "PRIVMSG", "alice", "x", client=alice.id)
        changes = self.apply(to_self, "a1")
        self.assertEqual([change.sessions for change in changes], [("a1", "a2"), ("a1",)])


class CheckpointTests(StateCase):
    def test_only_what_changed(self) -> None:
        alice, bob = self.client("alice", "alice"), self.client("bob")
        self.join(alice, "#kept")
        self.join(bob, "#temporary")
        changed, removed = self.network.take_touched()
        self.assertEqual([record.name for record in changed], ["#kept"])
        self.assertEqual(removed, [RecordKey(ChannelRecord, "#temporary")])
        self.assertEqual(self.network.take_touched(), ([], []))
        self.apply(MessageSent(alice.actor, "PRIVMSG", "#kept", "x", channel="#kept"))
        self.assertEqual(self.network.take_touched(), ([], []))
        self.apply(TopicChanged(alice.actor, "#kept", "new"))
        (record,), _ = self.network.take_touched()
        assert isinstance(record, ChannelRecord)
        assert record.topic is not None
        self.assertEqual(record.topic.text, "new")

    def test_checkpoint_and_rest_equal_the_whole(self) -> None:
        """The state is the fold of the log, from wherever one begins."""
        alice, bob = self.client("alice", "alice"), self.client("bob", "bob")
        self.join(alice)
        self.join(bob)
        half = len(self.entries)
        records = [channel.record() for channel in self.network.channels.values()]
        for changes in (
            (ModeChange(True, "b", "x!*@*"), ModeChange(True, "k", "key")),
            (ModeChange(True, "o", "bob"), ModeChange(True, "l", "5")),
            (ModeChange(False, "t"), ModeChange(True, "v", "alice")),
        ):
            accounts = {"bob": "bob", "alice": "alice"}
            self.apply(ModesChanged(alice.actor, "#room", changes, accounts))
        self.apply(TopicChanged(bob.actor, "#room", "topic"))
        self.join(bob, "#second")
        self.apply(NodeStarted("s"))

        stored = [entry for entry in self.entries if entry.event.stored]
        whole, rest = Network(), Network()
        for entry in stored:
            whole.apply(entry)
        rest.restore(records)
        for entry in self.entries[half:]:
            if entry.event.stored:
                rest.apply(entry)
        wanted = {name: channel.record() for name, channel in self.network.channels.items()}
        for network in (whole, rest):
            found = {name: channel.record() for name, channel in network.channels.items()}
            self.assertEqual(found, wanted)
