"""The console's local store: real files, a real thread."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from attrs import evolve
from twisted.internet.defer import Deferred

from chat.client.events import (
    Gap,
    JoinedRoom,
    LeftRoom,
    Manner,
    Reacted,
    ReadUpTo,
    Redacted,
    Said,
)
from chat.client.history import Mark
from chat.console.archive import archive as archive_module
from chat.console.archive.reader import KeptMessage
from chat.irc.casemap import CASEMAPPINGS
from tests.console.archive.archives import T0, ArchiveCase, numbers, said, saids


class KeepingTest(ArchiveCase):
    async def test_a_message_is_as_it_was(self) -> None:
        event = Said(
            "#Lab", "bob", "waves\nback", Manner.ACTION, True, T0, "name", "m1",
            reply_to="m0", account=None,
        )  # fmt: skip
        self.note(event)
        await self.again()
        expected = evolve(event, name="", replayed=True)
        self.assertEqual(self.archive.latest("#lAB", 5), [KeptMessage(expected, (), None, False)])

    async def test_the_last_ones_oldest_first(self) -> None:
        self.note(*saids(3, 1, 2), said(9, room="#other"))
        self.assertEqual(numbers(await self.latest(limit=2)), ["2", "3"])

    async def test_a_message_is_kept_once(self) -> None:
        self.note(said(1), said(1), said(1, room="#other"))
        self.assertEqual(numbers(await self.latest()), ["1"])
        self.assertEqual(numbers(self.archive.latest("#other", 5)), ["1"])

    async def test_without_an_id_it_is_known_by_what_was_said_when(self) -> None:
        self.note(*[said(1, "one", msgid=""), said(1, "two", msgid="")] * 2)
        self.assertEqual([each.said.text for each in await self.latest()], ["one", "two"])

    async def test_without_a_time_it_is_of_now(self) -> None:
        before = datetime.now(UTC)
        self.note(evolve(said(1), time=None))
        [kept] = await self.latest()
        time = kept.said.time
        assert time is not None
        self.assertTrue(before - timedelta(seconds=1) <= time <= datetime.now(UTC))

    async def test_what_has_no_utf8_is_left_out(self) -> None:
        self.note(said(1), said(2, "\udcff"), said(3))
        self.assertEqual(numbers(await self.latest()), ["1", "3"])
        self.assertEqual(self.failures, [])

    async def test_reactions(self) -> None:
        plus = Reacted("#lab", "alice", "+1", "m1", False, True, T0)
        self.note(plus, said(1), plus, evolve(plus, nick="bob"), evolve(plus, reaction="-1"))
        self.note(evolve(plus, removed=True))
        [kept] = await self.latest()
        self.assertEqual(kept.reactions, (("bob", "+1"), ("alice", "-1")))

    async def test_what_is_taken_back_is_gone_from_the_disk(self) -> None:
        # Text that does not fit into a page: other pages are freed with it.
        self.note(said(1, "very secret " * 2000), said(2))
        await self.written()
        self.note(Redacted("#lab", "carol", "m1", "why", T0))
        kept = (await self.latest())[0]
        self.assertEqual(kept.said.text, "")
        self.assertEqual(kept.redacted, Redacted("#lab", "carol", "m1", "why", T0, "bob"))
        for path in self.path.parent.iterdir():
            self.assertNotIn(b"very secret", path.read_bytes(), path)
        self.assertEqual(await self.archive.search("secret", None, 5), [])

    async def test_what_was_taken_back_before_it_came(self) -> None:
        self.note(Redacted("#lab", "carol", "m1", "", T0), said(1, "secret"))
        self.assertEqual([each.said.text for each in await self.latest()], [""])

    async def test_rooms(self) -> None:
        self.note(
            JoinedRoom("#Lab", "alice", True), JoinedRoom("#b", "bob", False),
            JoinedRoom("#left", "alice", True), LeftRoom("#left", "alice", True),
            said(3, room="bob"), ReadUpTo("bob", T0), ReadUpTo("bob", T0 - timedelta(1)),
            ReadUpTo("bob", None), ReadUpTo("nobody", T0),
        )  # fmt: skip
        self.archive.set_room("#lab", pinned=True, key="sesame")
        self.archive.set_room("zoe", muted=True, read=T0)
        await self.again()
        lab, bob, zoe = self.archive.rooms()
        self.assertEqual(
            (lab.name, lab.joined, lab.key, lab.pinned), ("#Lab", True, "sesame", True)
        )
        self.assertNotIn("sesame", repr(lab))
        self.assertEqual((bob.read, bob.latest, bob.muted), (T0, T0 + timedelta(seconds=3), False))
        self.assertEqual((zoe.name, zoe.muted, zoe.read, zoe.latest), ("zoe", True, T0, None))

    async def test_ignored(self) -> None:
        self.archive.ignore("Mallory", True)
        self.archive.ignore("bob", True)
        self.archive.ignore("BOB", False)
        await self.again()
        self.assertEqual(self.archive.ignored(), frozenset({"mallory"}))

    async def test_a_client_goes_on_from_here(self) -> None:
        self.note(*saids(1, 2), said(3, room="Bob"), said(4, msgid=""))
        self.archive.heard(T0 + timedelta(seconds=9))
        self.archive.heard(T0)
        await self.again()
        memory = self.archive.memory()
        self.assertEqual(memory.heard, T0 + timedelta(seconds=9))
        at = [T0 + timedelta(seconds=number) for number in (3, 4)]
        self.assertEqual(memory.marks, {"bob": Mark("m3", at[0]), "#lab": Mark("", at[1])})
        self.assertEqual(list(memory.told), [("#lab", "m1"), ("#lab", "m2"), ("bob", "m3")])

    async def test_a_client_goes_on_however_the_server_compares_names(self) -> None:
        self.note(said(1, room="#Чат"), said(2, room="#a["), said(3, room="#a{"))
        await self.written()
        memory = self.archive.memory()
        for fold in CASEMAPPINGS.values():
            self.assertEqual(memory.marks[fold("#Чат")].msgid, "m1")
            self.assertIn((fold("#Чат"), "m1"), memory.told)
        marks = [memory.marks[name].msgid for name in ("#a[", "#a{")]
        self.assertEqual(marks, ["m2", "m3"])

    async def test_a_new_archive_remembers_nothing(self) -> None:
        self.assertEqual((self.archive.memory().heard, self.archive.rooms()), (None, []))

    async def test_a_cleared_room_is_empty_and_the_others_are_not(self) -> None:
        self.note(said(1), said(2, room="#b"), Reacted("#lab", "a", "+1", "m1", False, True, T0))
        self.archive.clear("#LAB")
        self.note(said(1, "again"))
        [kept] = await self.latest()
        self.assertEqual((kept.said.text, kept.reactions), ("again", ()))
        self.assertEqual(numbers(self.archive.latest("#b", 5)), ["2"])


class PagesTest(ArchiveCase):
    async def before(self, number: int, limit: int = 3, *, across: bool = False) -> object:
        page = await self.archive.before("#lab", said(number), limit, across=across)
        return numbers(page.messages), page.is_gap, page.is_end

    async def test_older_ones_page_by_page(self) -> None:
        self.note(*saids(*range(1, 8)))
        self.assertEqual(await self.before(7), (["4", "5", "6"], False, False))
        self.assertEqual(await self.before(4), (["1", "2", "3"], False, True))
        self.assertEqual(await self.before(1), ([], False, True))

    async def test_messages_of_one_moment(self) -> None:
        self.note(*(evolve(said(number), time=T0) for number in range(6)))
        kept = await self.latest()
        page = await self.archive.before("#lab", kept[-1].said, 3)
        self.assertEqual(numbers(page.messages), ["2", "3", "4"])

    async def test_messages_of_one_moment_on_two_pages_of_the_server(self) -> None:
        moment = [evolve(said(number), time=T0) for number in range(6)]
        self.note(moment[5])
        self.archive.filled("#lab", moment[5], moment[3:5], is_end=False)
        self.archive.filled("#lab", moment[3], moment[:3], is_end=True)
        self.assertEqual(numbers(await self.latest()), ["0", "1", "2", "3", "4", "5"])

    async def test_a_page_ends_at_a_gap(self) -> None:
        self.note(*saids(1, 2), Gap("#lab"), *saids(5, 6, 7))
        self.assertEqual(await self.before(7), (["|5", "6"], True, False))
        self.assertEqual(await self.before(5), ([], True, False))
        self.assertEqual(await self.before(5, across=True), (["1", "2"], False, True))
        self.assertEqual(numbers(await self.latest()), ["1", "2", "|5", "6", "7"])

    async def test_the_servers_page_meets_what_is_kept(self) -> None:
        self.note(*saids(1, 2), Gap("#lab"), said(5))
        self.archive.filled("#lab", said(5), saids(2, 3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "2", "3", "4", "5"])

    async def test_the_servers_page_moves_the_gap_back(self) -> None:
        self.note(*saids(1, 2), Gap("#lab"), said(7))
        self.archive.filled("#lab", said(7), saids(5, 6), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "2", "|5", "6", "7"])
        self.archive.filled("#lab", said(5), saids(2, 3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "2", "3", "4", "5", "6", "7"])

    async def test_a_page_that_ends_at_a_gap_leaves_that(self) -> None:
        self.note(said(1), Gap("#lab"), said(3), Gap("#lab"), said(5))
        self.archive.filled("#lab", said(5), saids(3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "|3", "4", "5"])

    async def test_a_page_over_several_gaps(self) -> None:
        self.note(said(1), Gap("#lab"), said(3), Gap("#lab"), said(5))
        self.archive.filled("#lab", said(5), saids(2, 3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "|2", "3", "4", "5"])

    async def test_the_server_has_nothing_older(self) -> None:
        self.note(said(1), Gap("#lab"), said(4))
        self.archive.filled("#lab", said(4), [said(3)], is_end=True)
        self.assertEqual(numbers(await self.latest()), ["1", "3", "4"])
        self.note(Gap("#lab"), said(6))
        self.archive.filled("#lab", said(6), [], is_end=False)
        self.assertEqual(numbers(await self.latest()), ["1", "3", "4", "|6"])
        self.archive.filled("#lab", said(6), [], is_end=True)
        self.assertEqual(numbers(await self.latest()), ["1", "3", "4", "6"])

    async def test_the_first_page_of_a_room(self) -> None:
        self.archive.filled("#lab", None, saids(3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["3", "4"])
        self.archive.filled("#lab", None, saids(7, 8), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["3", "4", "|7", "8"])

    async def test_a_page_before_what_was_cleared_is_not_kept(self) -> None:
        self.note(said(5))
        self.archive.clear("#lab")
        self.note(said(9))
        self.archive.filled("#lab", said(5), saids(3, 4), is_end=False)
        self.assertEqual(numbers(await self.latest()), ["9"])

    async def test_a_page_brings_reactions_and_redactions(self) -> None:
        self.note(said(5))
        plus = Reacted("#lab", "carol", "+1", "m3", False, False, T0)
        page = [said(3), plus, said(4, "secret"), Redacted("#lab", "bob", "m4", "", T0)]
        self.archive.filled("#lab", said(5), page, is_end=False)
        three, four, _ = await self.latest()
        self.assertEqual((three.reactions, four.said.text), ((("carol", "+1"),), ""))


class SearchTest(ArchiveCase):
    async def search(self, words: str, room: str | None = None, limit: int = 9) -> list[str]:
        return numbers(await self.archive.search(words, room, limit))

    async def test_all_the_words_newest_first(self) -> None:
        self.note(said(1, "red green"), said(2, "green"), said(3, "GREEN red", room="#b"))
        self.assertEqual(await self.search("red green"), ["3", "1"])
        self.assertEqual(await self.search("Red", "#LAB"), ["1"])
        self.assertEqual(await self.search("green", limit=2), ["3", "2"])
        self.assertEqual(await self.search("red", "#unknown"), [])
        self.assertEqual(await self.search("  "), [])

    async def test_neither_case_nor_accents_nor_formatting_matter(self) -> None:
        self.note(said(1, "Über die STRASSE"), said(2, "Ёлка ΑΘΉΝΑΣ"), said(3, "b\x02ol\x02d"))
        for words, found in (
            ("uber straße", "1"), ("ЕЛКА", "2"), ("αθηνας", "2"), ("BOLD", "3"),
        ):  # fmt: skip
            self.assertEqual(await self.search(words), [found], words)

    async def test_wildcards_are_letters(self) -> None:
        self.note(said(1, "abc"), said(2, "100% _"))
        self.assertEqual(await self.search("%"), ["2"])
        self.assertEqual(await self.search("a_c"), [])

    async def test_further_than_is_searched_at_once(self) -> None:
        self.patch(sys.modules["chat.console.archive.reader"], "STRETCH", 4)
        self.note(*(said(number, "even" if number % 2 == 0 else "odd") for number in range(20)))
        self.assertEqual(await self.search("even", limit=5), ["18", "16", "14", "12", "10"])
        self.assertEqual(len(await self.search("odd", "#lab", limit=50)), 10)


class FullDiskTest(ArchiveCase):
    def setUp(self) -> None:
        super().setUp()
        self.told: Deferred[str] = Deferred()
        self.archive._worker._failed = self.failed
        self.patch(sys.modules["chat.console.archive.worker"], "RETRY", 0.01)

    def failed(self, cause: str) -> None:
        self.failures.append(cause)
        self.told.callback(cause)

    async def limit(self, pages: int) -> None:
        statement = f"PRAGMA max_page_count = {pages}"
        await self.archive._worker.read(lambda connection: connection.execute(statement).fetchall())

    async def test_the_chat_goes_on_and_what_waited_is_written_later(self) -> None:
        await self.limit(1)
        self.note(*(said(number, "word " * 100) for number in range(600)))
        cause = await self.told
        self.assertIn("full: free space on the disk", cause)
        self.assertEqual(numbers(self.archive.latest("#lab", 5)), [])
        await self.limit(1_000_000)
        while self.archive._worker.waiting:
            await self.written()
        self.assertEqual(len(self.archive.latest("#lab", 1000)), 600)
        self.assertEqual(self.failures, [cause])

    async def test_closing_ends_though_nothing_can_be_written(self) -> None:
        await self.limit(1)
        self.note(*(said(number, "word " * 100) for number in range(600)))
        await self.archive.close()
        self.assertEqual(len(self.failures), 1)

    async def test_where_too_much_waits_is_a_gap(self) -> None:
        self.patch(archive_module, "MOST_WAITING", 3)
        self.note(*saids(1, 2, 3, 4, 5))
        self.archive.heard(T0)
        self.archive.set_room("#lab", pinned=True)
        await self.written()
        self.note(said(6))
        self.assertEqual(numbers(await self.latest()), ["1", "2", "3", "|6"])
        self.assertEqual(self.archive.memory().heard, None)
        self.assertTrue(self.archive.rooms()[0].pinned)
