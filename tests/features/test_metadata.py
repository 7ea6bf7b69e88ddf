"""METADATA in both drafts, each with the sentence of its specification."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.features import metadata
from chat.network.events import MetadataChanged, NodeStarted
from chat.network.records import KeptClient
from chat.network.settings import AccountSettings, Limits
from chat.network.state import Network
from chat.store.codec import decode_event, decode_record, encode_event, encode_record, record_kind
from tests.support.world import FakeClient, World

NEW = "batch draft/metadata-3"
OLD = "batch draft/metadata-2"


def bare(lines: list[str]) -> list[str]:
    """Return lines without their tags and the server's name."""
    return [line.rpartition("@batch=metadata ")[2].replace(":irc.test ", "", 1) for line in lines]


class MetadataCase(SynchronousTestCase):
    """One network, whose limits are small."""

    def setUp(self) -> None:
        self.world = World(
            limits=Limits(
                flood=False,
                metadata_keys=3,
                metadata_subscriptions=3,
                metadata_value_length=50,
            )
        )
        self.alice = self.world.client("alice", NEW)

    def told(self, client: FakeClient, *lines: str) -> list[str]:
        return bare(client.exchange(*lines))


class CapabilityTests(MetadataCase):
    def test_limits_are_told(self) -> None:
        """ "It provides any limits and information about the system that clients must
        be aware of."
        """
        limits = "before-connect,max-subs=3,max-keys=3,max-key-bytes=40,max-value-bytes=50"
        offered = " ".join(self.alice.exchange("CAP LS 302")).replace(" :", " ").split()
        for name in ("draft/metadata-2", "draft/metadata-3"):
            self.assertIn(f"{name}={limits}", offered)

    def test_not_before_it_is_negotiated(self) -> None:
        client = self.world.connect()
        self.assertEqual(self.told(client, "METADATA * LIST"), ["451 * :You have not registered"])


class SetTests(MetadataCase):
    def test_set_and_get(self) -> None:
        """ "If the request is successful, the server carries out the requested change and
        responds with one RPL_KEYVALUE event"
        """
        self.assertEqual(
            self.told(self.alice, "METADATA * SET display-name :Alice the First"),
            ["761 alice alice display-name * :Alice the First"],
        )
        self.assertEqual(
            self.alice.exchange("METADATA alice GET display-name url"),
            [
                ":irc.test BATCH +metadata metadata alice",
                "@batch=metadata :irc.test 761 alice alice display-name * :Alice the First",
                "@batch=metadata :irc.test 766 alice alice url :Key not set",
                ":irc.test BATCH -metadata",
            ],
        )

    def test_an_acknowledged_value_is_stored(self) -> None:
        client = self.account("carol", NEW)
        self.world.log.hold = True
        self.assertEqual(self.told(client, "METADATA * SET url :http://x"), [])
        self.world.log.commit()
        self.assertEqual(bare(client.lines()), ["761 carol carol url * http://x"])

    def test_remove(self) -> None:
        """ "If the Value parameter is omitted or is an empty string, the key is removed." """
        for command in ("METADATA * SET url", "METADATA * SET url :"):
            self.alice.exchange("METADATA * SET url :http://x")
            self.assertEqual(
                self.told(self.alice, command), ["766 alice alice url :Key not set"], command
            )

    def test_remove_what_is_not_set(self) -> None:
        """ "It is not an error if a client attempts to set a key to its current value or
        remove a nonexistent key" (draft/metadata-3); "the server responds with FAIL
        METADATA KEY_NOT_SET" (draft/metadata-2)
        """
        self.assertEqual(
            self.told(self.alice, "METADATA * SET url"), ["766 alice alice url :Key not set"]
        )
        old = self.world.client("old", OLD)
        self.assertEqual(
            self.told(old, "METADATA * SET url"),
            ["FAIL METADATA KEY_NOT_SET old url :The key is not set"],
        )
        self.assertEqual(self.world.log.stored, [])

    def test_an_empty_value(self) -> None:
        """ "The empty string is a valid value." (draft/metadata-2)"""
        old = self.world.client("old", OLD)
        self.assertEqual(self.told(old, "METADATA * SET url :"), ["761 old old url * :"])

    def test_refusals(self) -> None:
        """ "`INVALID_KEY <Key>`, `INVALID_PARAMS <Command>`, `INVALID_TARGET <Target>`,
        `INVALID_VALUE <Key>`, `KEY_NO_PERMISSION <Target> <Key>`" (draft/metadata-3);
        "`KEY_INVALID <InvalidKey>`, `SUBCOMMAND_INVALID <SubCommand>`, `VALUE_INVALID`"
        (draft/metadata-2)
        """
        old = self.world.client("old", OLD)
        long = "x" * 51
        for client, command, wanted in (
            (self.alice, "METADATA * SET $url x", "FAIL METADATA INVALID_KEY $url :"),
            (self.alice, "METADATA * SET URL x", "FAIL METADATA INVALID_KEY URL :"),
            (self.alice, "METADATA * SET a b c", "FAIL METADATA INVALID_PARAMS SET :"),
            (self.alice, f"METADATA * SET url {long}", "FAIL METADATA INVALID_VALUE url :"),
            (self.alice, "METADATA * SET url " + "é" * 26, "FAIL METADATA INVALID_VALUE url :"),
            (self.alice, "METADATA * SNEEZE", "FAIL METADATA INVALID_PARAMS SNEEZE :"),
            (self.alice, "METADATA nobody LIST", "FAIL METADATA INVALID_TARGET nobody :"),
            (self.alice, "METADATA #none SET a b", "FAIL METADATA INVALID_TARGET #none :"),
            (self.alice, "METADATA old SET url x", "FAIL METADATA KEY_NO_PERMISSION old url :"),
            (self.alice, "METADATA old CLEAR", "FAIL METADATA KEY_NO_PERMISSION old * :"),
            (self.alice, "METADATA * GET", "461 alice METADATA :"),
            (self.alice, "METADATA", "461 alice METADATA :"),
            (old, "METADATA * SET $url x", "FAIL METADATA KEY_INVALID $url :"),
            (old, f"METADATA * SET url {long}", "FAIL METADATA VALUE_INVALID :"),
            (old, "METADATA * SNEEZE", "FAIL METADATA SUBCOMMAND_INVALID SNEEZE :"),
        ):
            (line,) = self.told(client, command)
            self.assertTrue(line.startswith(wanted), (command, line))
        self.assertEqual(self.world.network.metadata, {})

    def test_invalid_keys_of_get_are_in_the_batch(self) -> None:
        """ "The ordering of responses within the batch MUST match the order keys were
        specified by the client."
        """
        lines = self.alice.exchange("METADATA * GET $a b")
        self.assertTrue(
            lines[1].startswith("@batch=metadata :irc.test WARN METADATA INVALID_KEY $a :"), lines
        )
        self.assertIn("766 alice alice b", lines[2])

    def test_number_of_keys(self) -> None:
        """ "LIMIT_REACHED if trying to add a new key when the maximum number of keys has
        already been set on the target"
        """
        for key in "abc":
            self.alice.exchange(f"METADATA * SET {key} x")
        (line,) = self.told(self.alice, "METADATA * SET d x")
        self.assertEqual(line, "FAIL METADATA LIMIT_REACHED SET alice 3 :At most 3 keys can be set")
        self.assertEqual(self.told(self.alice, "METADATA * SET a y"), ["761 alice alice a * y"])
        self.assertEqual(len(self.told(self.alice, "METADATA * LIST")), 5)

    def test_clear(self) -> None:
        """ "the server responds with a metadata batch containing one 766 RPL_KEYNOTSET
        message per cleared key"
        """
        self.alice.exchange("METADATA * SET a x", "METADATA * SET b y")
        wanted = [
            "BATCH +metadata metadata alice",
            "766 alice alice a :Key not set",
            "766 alice alice b :Key not set",
            "BATCH -metadata",
        ]
        self.assertEqual(self.told(self.alice, "METADATA * CLEAR"), wanted)
        self.assertEqual(self.told(self.alice, "METADATA * CLEAR"), [wanted[0], wanted[-1]])
        self.assertEqual(self.world.network.metadata, {})

    def test_operators_of_the_network_may_change_all(self) -> None:
        """ "Privileged users (e.g. network admins) may be able to set certain metadata on
        other users"
        """
        root = self.world.client("root", NEW)
        root.exchange("OPER root sesame")
        self.alice.exchange("METADATA * SET display-name :Root")
        self.assertEqual(
            self.told(root, "METADATA alice SET display-name"),
            ["766 root alice display-name :Key not set"],
        )

    def account(self, name: str, capabilities: str) -> FakeClient:
        self.world.add_account(name)
        return self.world.client(name, capabilities, account=name)


class ChannelTests(MetadataCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.world.client("bob", NEW)
        self.alice.exchange("JOIN #room")

    def test_only_operators_set(self) -> None:
        """ "Clients can set or delete metadata on themselves and on channels they
        administer."
        """
        self.bob.exchange("JOIN #room")
        self.assertEqual(
            self.told(self.bob, "METADATA #room SET url x"),
            ["FAIL METADATA KEY_NO_PERMISSION #room url :You may not do that there"],
        )
        self.assertEqual(
            self.told(self.alice, "METADATA #ROOM SET url x"), ["761 alice #room url * x"]
        )

    def test_only_who_may_enter_reads(self) -> None:
        self.alice.exchange("METADATA #room SET url x")
        self.assertIn("761 bob #room url * x", self.told(self.bob, "METADATA #room LIST"))
        refused = ["FAIL METADATA KEY_NO_PERMISSION #room * :You may not do that there"]
        self.assertEqual(self.told(self.bob, "METADATA #room SYNC"), refused)
        self.alice.exchange("MODE #room +i")
        for command in ("GET url", "LIST", "SYNC"):
            self.assertEqual(self.told(self.bob, f"METADATA #room {command}"), refused)
        self.alice.exchange("MODE #room +s")
        (line,) = self.told(self.bob, "METADATA #room LIST")
        self.assertIn("INVALID_TARGET", line)

    def test_it_goes_with_the_channel(self) -> None:
        self.alice.exchange("METADATA #room SET url x", "PART #room", "JOIN #room")
        self.assertEqual(len(self.told(self.alice, "METADATA #room LIST")), 2)

    def test_a_new_name_keeps_it(self) -> None:
        self.alice.exchange("METADATA #room SET url x", "RENAME #room #hall")
        self.assertIn("761 alice #hall url * x", self.told(self.alice, "METADATA #hall LIST"))


class SubscriptionTests(MetadataCase):
    def test_sub_and_subs(self) -> None:
        """ "RPL_METADATASUBOK for successful subscriptions or when the client is already
        subscribed to that key"
        """
        later = "774 alice *ALL 0 :Send METADATA *ALL SYNC for what is set"
        self.assertEqual(self.told(self.alice, "METADATA * SUB a b"), ["770 alice a b", later])
        self.assertEqual(self.told(self.alice, "METADATA * SUB b"), ["770 alice b"])
        self.assertEqual(
            self.alice.exchange("METADATA * SUBS"),
            [
                ":irc.test BATCH +metadata metadata-subs",
                "@batch=metadata :irc.test 772 alice a b",
                ":irc.test BATCH -metadata",
            ],
        )
        self.assertEqual(self.told(self.alice, "METADATA alice UNSUB a c"), ["771 alice a c"])
        self.assertIn("772 alice b", self.told(self.alice, "METADATA * SUBS"))
        self.told(self.alice, "METADATA * UNSUB b")
        self.assertEqual(self.world.network.subscriptions, {})

    def test_too_many(self) -> None:
        """ "The <Item> parameter of the FAIL METADATA LIMIT_REACHED reply MUST be this first
        key that the client could not subscribe to"
        """
        lines = self.told(self.alice, "METADATA * SUB a $b c d e f")
        self.assertEqual(lines[0], "770 alice a c d")
        self.assertTrue(lines[1].startswith("WARN METADATA INVALID_KEY $b :"), lines)
        self.assertTrue(lines[2].startswith("FAIL METADATA LIMIT_REACHED SUB e 3 :"), lines)
        old = self.world.client("old", OLD)
        lines = self.told(old, "METADATA * SUB a b c", "METADATA * SUB a d")
        self.assertEqual(lines[:2], ["770 old a b c", "770 old a"])
        self.assertTrue(lines[2].startswith("FAIL METADATA TOO_MANY_SUBS d :"), lines)

    def test_only_for_oneself(self) -> None:
        """ "If the <Target> parameter is not an asterisk (*) or the client's nickname, the
        server MUST fail the request with FAIL METADATA INVALID_TARGET."
        """
        self.world.client("bob")
        for command in ("SUB a", "UNSUB a", "SUBS"):
            (line,) = self.told(self.alice, f"METADATA bob {command}")
            self.assertIn("INVALID_TARGET bob", line)

    def test_they_end_with_the_session(self) -> None:
        self.alice.exchange("METADATA * SUB a", "METADATA * SET a x")
        self.alice.disconnect()
        self.assertEqual(self.world.network.subscriptions, {})
        self.assertEqual(self.world.network.metadata, {})


class NotificationTests(MetadataCase):
    def setUp(self) -> None:
        super().setUp()
        self.new = self.world.client("new", NEW)
        self.old = self.world.client("old", OLD)
        self.plain = self.world.client("plain", "batch")
        self.stranger = self.world.client("stranger", NEW)
        self.alice.exchange("METADATA * SUB color url")
        for client in (self.new, self.old, self.plain, self.stranger):
            client.exchange("METADATA * SUB color")
        for client in (self.alice, self.new, self.old, self.plain):
            client.exchange("JOIN #room")
        self.read()

    def read(self) -> None:
        for client in (self.alice, self.new, self.old, self.plain, self.stranger):
            client.lines()

    def test_of_people(self) -> None:
        """ "Servers MUST send notifications to subscribers [...] for changes made [...] to
        other clients in the channels that subscriber is joined to"
        """
        for command, numeric, message in (
            ("SET color red", "761 * alice color * red", "METADATA alice color * red"),
            ("SET url x", None, None),
            ("CLEAR", "766 * alice color :Key not set", "METADATA alice color *"),
        ):
            self.alice.exchange(f"METADATA * {command}")
            self.assertEqual(bare(self.new.lines()), [numeric] if numeric else [], command)
            self.assertEqual(bare(self.old.lines()), [message] if message else [], command)
            self.assertEqual(self.plain.lines() + self.stranger.lines(), [], command)

    def test_of_channels(self) -> None:
        """ "to channels that subscriber is joined to" """
        lines = self.told(self.alice, "METADATA #room SET color red")
        self.assertEqual(lines, ["761 alice #room color * red"])
        self.assertEqual(bare(self.new.lines()), ["761 * #room color * red"])
        self.assertEqual(bare(self.old.lines()), ["METADATA #room color * red"])
        self.assertEqual(self.stranger.lines(), [])

    def test_nothing_happens_when_nothing_changes(self) -> None:
        self.alice.exchange("METADATA * SET color red")
        self.read()
        self.alice.exchange("METADATA * SET color red")
        self.assertEqual(self.new.lines(), [])

    def test_of_the_watched(self) -> None:
        """ "to users that subscriber is currently monitoring"; "When server sends 730
        RPL_MONONLINE to a metadata-aware client, the server MUST additionally send [...] a
        metadata batch containing the monitored user's metadata"
        """
        self.alice.exchange("METADATA * SET color red")
        batch = ["BATCH +metadata metadata alice", "BATCH -metadata"]
        batch.insert(1, "761 * alice color * red")
        lines = self.told(self.stranger, "MONITOR + alice")
        self.assertEqual(lines, ["730 stranger alice!alice@127.0.0.1", *batch])
        self.alice.exchange("METADATA * SET color blue")
        self.assertEqual(bare(self.stranger.lines()), ["761 * alice color * blue"])
        self.alice.exchange("NICK alicia", "NICK alice")
        batch[1] = "761 * alice color * blue"
        self.assertEqual(bare(self.stranger.lines())[-4:], [
            "730 stranger alice!alice@127.0.0.1", *batch
        ])  # fmt: skip

    def test_who_joins_gets_all(self) -> None:
        """ "When a metadata-aware client joins a channel, the server MUST send either a
        metadata batch containing the channel's metadata as well as the metadata for all
        users on the channel"
        """
        self.alice.exchange("METADATA * SET color red", "METADATA #room SET color blue")
        self.alice.exchange("METADATA * SET url x")
        wanted = [
            "BATCH +metadata metadata #room",
            "761 * #room color * blue",
            "761 * alice color * red",
            "BATCH -metadata",
        ]
        self.assertEqual(self.told(self.stranger, "JOIN #room")[-4:], wanted)
        self.assertEqual(self.told(self.stranger, "METADATA #room SYNC"), wanted)
        self.assertEqual(self.told(self.stranger, "METADATA alice SYNC"), [
            "BATCH +metadata metadata alice", wanted[2], wanted[3]
        ])  # fmt: skip
        everything = self.told(self.stranger, "METADATA *ALL SYNC")
        self.assertEqual(everything[0], "BATCH +metadata metadata *ALL")
        self.assertEqual(sorted(everything[1:]), sorted(wanted[1:]))
        self.assertIn("METADATA alice color * red", self.told(self.old, "METADATA alice SYNC"))

    def test_members_see_what_is_set_by_who_joins(self) -> None:
        self.stranger.exchange("METADATA * SET color red")
        self.read()
        self.stranger.exchange("JOIN #room")
        self.assertEqual(bare(self.new.lines())[-1], "761 * stranger color * red")
        self.assertEqual(bare(self.old.lines())[-1], "METADATA stranger color * red")

    def test_an_auditorium_hides(self) -> None:
        self.alice.exchange("MODE #room +u")
        self.read()
        self.new.exchange("METADATA * SET color red")
        self.assertEqual(self.old.lines(), [])
        self.assertEqual(bare(self.alice.lines()), ["761 * new color * red"])
        self.assertEqual(len(self.told(self.old, "METADATA #room SYNC")), 2)

    def test_a_large_channel_is_left_for_later(self) -> None:
        """ "`RPL_METADATASYNCLATER`: the specified target has some metadata set that the
        client SHOULD request synchronization of at a later time"
        """
        self.patch(metadata, "_AT_ONCE", 1)
        self.alice.exchange("METADATA * SET color red", "METADATA #room SET color blue")
        self.assertEqual(
            self.told(self.stranger, "JOIN #room")[-1],
            "774 stranger #room 0 :Send METADATA #room SYNC for what is set",
        )
        self.assertEqual(len(self.told(self.stranger, "METADATA #room SYNC")), 4)
        self.old.exchange("METADATA * UNSUB color")
        self.assertEqual(
            self.told(self.old, "METADATA * SUB color"), ["770 old color", "774 old #room"]
        )

    def test_the_older_draft_tells_at_once(self) -> None:
        """ "When subscribing to a key, clients SHOULD receive the current value of that key
        for channels/users they are receiving updates for."
        """
        self.alice.exchange("METADATA * SET url x")
        self.assertEqual(
            self.told(self.old, "METADATA * SUB url"),
            ["770 old url", "METADATA alice url * x"],
        )

    def test_whois(self) -> None:
        """ "When a user with the capability enabled runs WHOIS on a user with metadata set, a
        subset of that metadata MAY be sent with RPL_WHOISKEYVALUE numerics."
        """
        self.alice.exchange("METADATA * SET url x")
        self.assertIn("760 stranger alice url * x", self.told(self.stranger, "WHOIS alice"))
        self.assertFalse([x for x in self.told(self.plain, "WHOIS alice") if x[:3] == "760"])

    def test_a_label_is_on_the_batch(self) -> None:
        client = self.world.client("labeller", f"{NEW} labeled-response")
        self.assertEqual(
            client.exchange("@label=x METADATA * LIST"),
            [
                "@label=x :irc.test BATCH +metadata metadata labeller",
                ":irc.test BATCH -metadata",
            ],
        )


class BeforeConnectTests(MetadataCase):
    def test_it_is_there_with_the_welcome(self) -> None:
        """ "any metadata set by the client during connection registration via
        before-connect [...] in a metadata batch with their own nick as target as part of the
        registration burst, i.e. before RPL_ENDOFMOTD or ERR_NOMOTD"
        """
        client = self.world.connect()
        client.exchange(f"CAP REQ :{NEW}")
        self.assertEqual(
            self.told(client, "METADATA * SET color red", "METADATA * SUB color"),
            ["761 * * color * red", "770 * color"],
        )
        self.assertIn("INVALID_TARGET", self.told(client, "METADATA alice LIST")[0])
        self.assertIn("761 * * color * red", self.told(client, "METADATA * SYNC"))
        lines = self.told(client, "NICK bob", "USER b 0 * :b", "CAP END")
        start = lines.index("BATCH +metadata metadata bob")
        self.assertEqual(
            lines[start + 1 :],
            ["761 * bob color * red", "BATCH -metadata", "422 bob :MOTD file is missing"],
        )
        self.assertIn("772 bob color", self.told(client, "METADATA * SUBS"))

    def test_an_empty_batch(self) -> None:
        """ "If none exists, the server MUST send an empty batch instead." """
        client = self.world.connect()
        lines = self.told(client, f"CAP REQ :{OLD}", "NICK bob", "USER b 0 * :b", "CAP END")
        start = lines.index("BATCH +metadata metadata bob")
        self.assertEqual(lines[start + 1], "BATCH -metadata")

    def test_an_account_gets_it_as_far_as_there_is_room(self) -> None:
        self.world.add_account("carol")
        first = self.world.client("carol", NEW, account="carol")
        first.exchange("METADATA * SET a 1", "METADATA * SET b 2", "METADATA * SUB a c d")
        client = self.world.connect(account="carol", device="phone")
        client.exchange(f"CAP REQ :{NEW}", "METADATA * SET a new", "METADATA * SET c 3")
        client.exchange("METADATA * SET d 4")
        client.log_in("carol")
        client.exchange("NICK carol", "USER c 0 * :c", "CAP END")
        wanted = {"a": "new", "b": "2", "c": "3"}
        self.assertEqual(self.world.network.metadata, {"carol": wanted})
        self.assertEqual(bare(first.lines())[-2:], ["761 * carol a * new", "761 * carol c * 3"])

    def test_who_never_registers_leaves_nothing(self) -> None:
        client = self.world.connect()
        client.exchange(f"CAP REQ :{NEW}", "METADATA * SET a x", "METADATA * SUB a")
        client.disconnect()
        self.assertEqual(self.world.network.metadata, {})
        self.assertEqual(self.world.network.subscriptions, {})


class DurabilityTests(MetadataCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.add_account("carol")
        self.carol = self.world.client("carol", NEW, account="carol")

    def replayed(self) -> Network:
        network = Network()
        for entry in self.world.log.stored:
            network.apply(evolve(entry, event=decode_event(*encode_event(entry.event))))
        return network

    def test_accounts_and_channels_last_and_guests_do_not(self) -> None:
        self.alice.exchange("METADATA * SET a guest")
        self.carol.exchange("METADATA * SET a 1", "METADATA * SET b 2", "METADATA * SET a")
        self.carol.exchange("JOIN #kept", "METADATA #kept SET url x")
        replayed = self.replayed()
        self.assertEqual(replayed.metadata, {"carol": {"b": "2"}})
        self.assertEqual(replayed.channels["#kept"].metadata, {"url": "x"})
        self.assertEqual(
            [entry.event.target for entry in self.world.log.stored
             if isinstance(entry.event, MetadataChanged)],
            ["carol", "carol", "carol", "#kept"],
        )  # fmt: skip

    def test_checkpoint(self) -> None:
        network = self.world.network
        self.carol.exchange("METADATA * SET a 1", "JOIN #kept", "METADATA #kept SET url x")
        self.alice.exchange("METADATA * SET a guest")
        changed, removed = network.take_touched()
        changed = [record for record in changed if not isinstance(record, KeptClient)]
        self.assertEqual(sorted(record.name for record in changed), ["#kept", "carol"])
        self.assertEqual(removed, [])
        restored = Network()
        # As the database has them.
        restored.restore(
            decode_record(record_kind(type(record)), encode_record(record)) for record in changed
        )
        self.assertEqual(restored.metadata, {"carol": {"a": "1"}})
        self.assertEqual(restored.channels["#kept"].metadata, {"url": "x"})
        old = decode_record(
            b"channel",
            b'{"name":"#old","created":1,"topic":null,"modes":{},"lists":{},"ranks":{}}',
        )
        restored.restore([old])
        self.assertEqual(restored.channels["#old"].metadata, {})
        self.carol.exchange("METADATA * CLEAR")
        changed, removed = network.take_touched()
        self.assertEqual((changed, [key.name for key in removed]), ([], ["carol"]))

    def test_all_devices_share_it(self) -> None:
        other = self.world.client("carol", NEW, account="carol")
        other.exchange("METADATA * SUB a")
        self.carol.exchange("METADATA * SET a 1")
        self.assertEqual(bare(other.lines()), ["761 * carol a * 1"])
        other.disconnect()
        self.carol.disconnect()
        again = self.world.client("carol", NEW, account="carol")
        self.assertIn("761 carol carol a * 1", self.told(again, "METADATA * LIST"))

    def test_a_guest_that_logs_in_has_what_the_account_has(self) -> None:
        self.carol.exchange("METADATA * SET a 1")
        guest = self.world.client("guest", NEW)
        self.alice.exchange("METADATA * SUB a b", "JOIN #room")
        guest.exchange("JOIN #room", "METADATA * SET b x")
        self.alice.lines()
        guest.log_in("carol")
        self.assertEqual(
            bare(self.alice.lines()), ["766 * guest b :Key not set", "761 * guest a * 1"]
        )
        self.assertEqual(list(self.world.network.metadata), ["carol"])

    def test_a_new_start_forgets_guests(self) -> None:
        self.carol.exchange("METADATA * SET a 1")
        self.alice.exchange("METADATA * SET a guest", "METADATA * SUB a")
        network = self.world.network
        network.apply(self.alice.stamp(NodeStarted("irc.test")))
        self.assertEqual(network.metadata, {"carol": {"a": "1"}})
        self.assertEqual(network.subscriptions, {})


class StrangerTests(SynchronousTestCase):
    def test_nothing_before_the_login(self) -> None:
        """Where a login is required, who has not logged in neither reads nor leaves anything."""
        world = World(AccountSettings())
        world.add_account("alice")
        stranger = world.connect(account="alice")
        stranger.exchange(f"CAP REQ :{NEW}")
        self.assertIn(" 451 ", stranger.exchange("METADATA * SET url :x")[0])
        self.assertEqual(world.network.metadata, {})
        stranger.log_in("alice")
        self.assertNotIn(" 451 ", stranger.exchange("METADATA * SET url :x")[0])
