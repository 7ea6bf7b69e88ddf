"""SEARCH: who may search where, and how it is asked for and told."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from chat.irc.message import parse
from chat.network.errors import UnavailableError
from chat.network.history import Conversation, Room
from chat.network.ids import Timestamp
from chat.network.search import Found, Search
from chat.network.settings import HistorySettings
from tests.support.world import World

CAPS = "soju.im/search batch server-time message-tags standard-replies"
T1, T2 = "2023-11-14T22:13:20.000Z", "2023-11-14T22:13:21.500Z"
MOMENT = Timestamp(1_700_000_001_500)


class SearchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        for name in ("alice", "bob"):
            self.world.add_account(name)
        self.alice = self.world.client("alice", CAPS, account="alice")
        self.alice.exchange("JOIN #room", "JOIN #other")

    def find(self, text: str) -> tuple[Search, list[str]]:
        lines = self.alice.exchange(f"SEARCH {text}")
        return self.world.searched[-1], lines

    def test_batch(self) -> None:
        """ "the server MUST reply to a successful SEARCH command using a batch" """
        self.alice.exchange("PRIVMSG #room :one", "PRIVMSG #room :two")
        self.world.found = Found(tuple(self.world.log.stored[-2:]))
        _, (start, *lines, end) = self.find("text=o;in=#room")
        self.assertEqual(start, ":irc.test BATCH +search soju.im/search")
        self.assertEqual(end, ":irc.test BATCH -search")
        shown = [parse(line.encode()) for line in lines]
        self.assertEqual([line.params for line in shown], [("#room", "one"), ("#room", "two")])
        self.assertEqual([line.tags["batch"] for line in shown], ["search"] * 2)
        self.assertEqual(shown[0].tags["msgid"], self.world.log.stored[-2].uid)

    def test_nothing_is_an_empty_batch(self) -> None:
        """ "the server SHOULD return an empty batch" """
        self.assertEqual(len(self.find("text=x")[1]), 2)

    def test_attributes(self) -> None:
        wanted, _ = self.find(rf"text=big\sword\:;from=Bob;after={T1};before={T2};limit=7;in=#ROOM")
        self.assertEqual(
            wanted,
            Search(
                (Room("#room"),),
                7,
                100_000,
                text="big word;",
                sender="Bob",
                after=Timestamp(1_700_000_000_000),
                before=MOMENT,
            ),
        )
        self.assertEqual(self.find("text=two words;limit=9999")[0].text, "two words")
        self.assertEqual(self.find("text=x;limit=9999")[0].limit, 100)

    def test_where(self) -> None:
        history = HistorySettings(keep_days=1)
        self.alice.machine.settings = evolve(self.world.settings, history=history)
        since = Timestamp(1_700_000_000_000 - 86_400_000)
        everywhere = self.find("text=x")[0]
        self.assertEqual(everywhere.places, (Room("#room", since), Room("#other", since)))
        self.assertEqual((everywhere.account, everywhere.since), ("alice", since))
        talk = self.find("text=x;in=bob")[0]
        self.assertEqual(talk.places, (Conversation("alice", "bob", since),))
        self.assertIsNone(talk.account)

    def test_only_members_search(self) -> None:
        bob = self.world.client("bob", CAPS, account="bob")
        (line,) = bob.exchange("SEARCH text=x;in=#room")
        self.assertIn(" FAIL SEARCH INVALID_PARAMS in :Only members", line)
        bob.exchange("SEARCH text=x")
        self.assertEqual([search.places for search in self.world.searched], [()])

    def test_a_guest_has_no_conversations(self) -> None:
        guest = self.world.client("guest", CAPS)
        for text in ("text=x;in=alice", "text=x"):
            self.assertEqual(len(guest.exchange(f"SEARCH {text}")), 2)
        for search in self.world.searched:
            self.assertEqual((search.places, search.account), ((), None))

    def test_invalid(self) -> None:
        """ "If the selectors were invalid, the INVALID_PARAMS error code SHOULD be returned." """
        for text, name in (
            ("form=bob", "form"),
            ("text=", "text"),
            ("text", "text"),
            ("limit=0", "limit"),
            ("limit=x", "limit"),
            ("after=yesterday", "after"),
            ("before=2023-11-14", "before"),
            (":a b=c", "*"),
        ):
            (line,) = self.alice.exchange(f"SEARCH {text}")
            self.assertIn(f" FAIL SEARCH INVALID_PARAMS {name} :", line)
        self.assertEqual(self.world.searched, [])

    def test_a_search_that_ended_too_early(self) -> None:
        self.world.found = Found((), MOMENT)
        *_, line = self.find("text=x")[1]
        tail = f"{T2} :Only a part was searched: go on with before={T2}"
        self.assertEqual(line, f":irc.test WARN SEARCH INCOMPLETE {tail}")
        *_, line = self.find(f"text=x;after={T1}")[1]
        self.assertTrue(line.endswith(f" go on with after={T2}"), line)

    def test_what_may_not_wait_for_a_client_is_to_be_searched_again(self) -> None:
        for n in range(4):
            self.world.clock.advance(1)
            self.alice.exchange(f"PRIVMSG #room :{n} {'x' * 300}")
        self.world.found = Found(tuple(self.world.log.stored[-4:]))
        limits = evolve(self.world.settings.limits, sendq=2 * 1000)
        self.alice.machine.settings = evolve(self.world.settings, limits=limits)
        for text, wanted, attribute in (
            ("text=x", ["2", "3"], "before=2023-11-14T22:13:23.000Z"),
            (f"text=x;after={T1}", ["0", "1"], "after=2023-11-14T22:13:22.000Z"),
        ):
            _, (_, *lines, _, told) = self.find(text)
            texts = [parse(line.encode()).params[1].split()[0] for line in lines]
            self.assertEqual(texts, wanted)
            self.assertTrue(told.endswith(attribute), told)

    def test_an_unavailable_database(self) -> None:
        """ "due to an internal error, the INTERNAL_ERROR error code SHOULD be returned" """
        self.world.hold_answers = True
        self.alice.exchange("SEARCH text=x")
        self.world.found = UnavailableError("away")  # type: ignore[assignment]
        self.world.answers_held.pop()()
        self.assertIn(" FAIL SEARCH INTERNAL_ERROR :", self.alice.lines()[0])
