"""What history costs: each statement that it runs is bounded by an index, on both databases."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.task import Clock

from chat.network.events import Joined, MessageSent, SessionEnded
from chat.network.history import MESSAGES, PLAYBACK, Around, Conversation, Room, Span
from chat.network.ids import EventId, SessionId, Timestamp
from chat.network.retention import Retention
from chat.network.search import Search
from chat.store.checkpoints import Checkpoints
from chat.store.database import Cursor, Database
from chat.store.event_table import append_rows, encode_row
from chat.store.history import History
from chat.store.log import EventLog
from chat.store.pruning import Pruner
from chat.store.search import Searcher
from tests.store.databases import (
    ALICE,
    MariaDBCase,
    SQLiteCase,
    StoreTestCase,
    coroutine_test,
    entry,
)

#: Rows that one statement for a page of 100 may read.
ENOUGH = 110
#: Rows in the tests' table: enough that a plan which reads all of them would not be chosen.
ROWS = 12_000


class PlanCase(StoreTestCase):
    """A table with many rows; every statement is explained before it runs."""

    def explain(self, cursor: Any, sql: str, parameters: Sequence[Any]) -> list[str]:
        """Return what of the plan is not bounded by an index."""
        raise NotImplementedError

    def rows_read(self, cursor: Any) -> int:
        """Return how many rows of indexes and tables the session has read, where that is told."""
        return 0

    async def filled(self) -> Database:
        """Return a database where one room has few messages among very many joins."""
        database = await self.new_database()
        said = MessageSent(ALICE, "PRIVMSG", "x", "hello")
        rows = []
        for n in range(ROWS // 6):
            sender = evolve(ALICE, account=f"alice{n % 20}")
            rows += [
                encode_row(evolve(entry(event), uid=EventId(f"{kind}{n}"), time=Timestamp(n)))
                for kind, event in (
                    ("room", evolve(said, channel=f"#room{n % 30}")),
                    ("talk", evolve(said, actor=sender, account=f"bob{n % 3}")),
                    ("join", Joined(ALICE, "#busy")),
                    ("part", Joined(ALICE, "#busy")),
                    (
                        "busy",
                        evolve(said, channel="#busy") if n % 200 == 0 else Joined(ALICE, "#x"),
                    ),
                    ("end", SessionEnded(SessionId("s"), "bye")),
                )
            ]
        await database.run_write(append_rows, rows)
        await database.run_write(lambda cursor: cursor.execute(self.analyze))
        return database

    analyze: str

    async def assert_bounded(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Check that every statement that ``ask`` leads to is bounded, and that there are some."""
        execute, found = Cursor.execute, []

        def explained(cursor: Cursor, sql: str, parameters: Sequence[Any] = ()) -> None:
            if not sql.startswith("SELECT"):
                execute(cursor, sql, parameters)
                return
            unbounded = self.explain(cursor._cursor, sql, parameters)
            before = self.rows_read(cursor._cursor)
            execute(cursor, sql, parameters)
            read = self.rows_read(cursor._cursor) - before
            if read > ENOUGH:
                unbounded.append(f"{read} rows read")
            found.append((sql, unbounded))

        patch = self.patch(Cursor, "execute", explained)
        await ask()
        patch.restore()
        self.assertTrue(found)
        for sql, unbounded in found:
            self.assertEqual(unbounded, [], sql)


class PlanTests(PlanCase):
    @coroutine_test
    async def test_pages(self) -> None:
        history = History(await self.filled())
        early, late = EventId("room300"), EventId("room1500")
        then, later = Timestamp(300), Timestamp(1500)
        parts = (
            Span(100, from_end=True),
            Span(100, after=early, from_end=True),
            Span(100, after=then, from_end=True),
            Span(100, before=late, from_end=True),
            Span(100, before=later, from_end=True),
            Span(100, after=early),
            Span(100, after=then),
            Span(100, after=early, before=late),
            Span(100, after=then, before=later),
            Around(100, early),
            Around(100, then),
        )
        for place in (
            Room("#room3"),
            Room("#room3", since=Timestamp(50)),
            Room("#busy"),
            Conversation("alice3", "bob0"),
            Conversation("alice3", "bob0", since=Timestamp(50)),
        ):
            for layers in (MESSAGES, PLAYBACK):
                for part in parts:
                    await self.assert_bounded(lambda: history.read(place, part, layers))  # noqa: B023

    @coroutine_test
    async def test_targets(self) -> None:
        history = History(await self.filled())
        rooms = [Room("#room3"), Room("#busy", since=Timestamp(50))]
        moments = Timestamp(0), Timestamp(0), Timestamp(9999)
        await self.assert_bounded(lambda: history.targets("bob0", rooms, *moments, 50))
        recent = await history.targets("bob0", rooms, *moments, 50)
        self.assertEqual(len(recent), 22)

    @coroutine_test
    async def test_search(self) -> None:
        searcher = Searcher(await self.filled(), Clock(), first_page=100)
        rooms = (Room("#room3"), Room("#busy", since=Timestamp(50)))
        for after, before in ((None, None), (None, Timestamp(900)), (Timestamp(100), None)):
            search = Search(rooms, 9, 100, "bob0", Timestamp(50), after=after, before=before)
            await self.assert_bounded(lambda: searcher.search(search))  # noqa: B023

    @coroutine_test
    async def test_pruning(self) -> None:
        database = await self.filled()
        await Checkpoints(database).save(200, [], [])
        log = EventLog(database, Clock())
        pruner = Pruner(database, log, reactor, step=100)
        now, day = Timestamp(200_000_000), 86_400
        rooms = {"#room3": Retention(0, 2 * day), "#Busy": Retention(50, 0)}
        await self.assert_bounded(lambda: pruner.run(Retention(80, 2 * day), rooms, now))

    @coroutine_test
    async def test_find(self) -> None:
        history = History(await self.filled())
        await self.assert_bounded(lambda: history.find(EventId("room300")))


class SQLitePlans(SQLiteCase):
    #: A network's database has no statistics: the plans must be good without.
    analyze = "SELECT 1"

    def explain(self, cursor: Any, sql: str, parameters: Sequence[Any]) -> list[str]:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", tuple(parameters))
        steps = [detail for *_, detail in cursor.fetchall()]
        return [
            step
            for step in steps
            # The conditions that bound a search stand in the plan, like "(channel=? AND layer=?".
            if not re.match(r"SEARCH event USING (COVERING )?INDEX \w+ \(\w+=\?", step)
            # A leap to the next place.
            and not re.search(r"COVERING INDEX \w+ \((channel|lesser)>\?\)", step)
            and step not in ("SCAN log_position", "SCAN checkpoint")
        ]


class MariaDBPlans(MariaDBCase):
    analyze = "ANALYZE TABLE event"

    def explain(self, cursor: Any, sql: str, parameters: Sequence[Any]) -> list[str]:
        sql = sql.replace("?", "%s")
        cursor.execute(f"EXPLAIN {sql}", tuple(parameters))
        wrong = []
        for row in cursor.fetchall():
            # id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra
            table, access, key, extra = row[2], row[3], row[5], row[9].decode()
            is_one_row = table in (b"log_position", b"checkpoint")
            # No table: the answer is in the constants, nothing is read.
            is_indexed = table is None or access == b"const" or key not in (None, b"PRIMARY")
            is_indexed = is_indexed and access in (None, b"const", b"ref", b"range")
            if "filesort" in extra or "temporary" in extra or not (is_indexed or is_one_row):
                wrong.append(str(row))
        return wrong

    def rows_read(self, cursor: Any) -> int:
        second = cursor.connection.cursor()
        second.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(
            int(value)
            for name, value in second.fetchall()
            # The table of the status itself is read by the last of them.
            if name != b"Handler_read_rnd_next"
        )


class SQLitePlanTests(SQLitePlans, PlanTests):
    pass


class MariaDBPlanTests(MariaDBPlans, PlanTests):
    pass


del PlanTests
