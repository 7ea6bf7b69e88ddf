from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import Clock

from chat.network.events import Entry, MessageSent, SessionEnded
from chat.network.ids import EventId, SessionId
from chat.network.settings import Performance
from chat.store import sqlite as sqlite_module
from chat.store.database import Database, PooledConnection
from chat.store.interfaces import IEventLog, UnavailableError, UnusableError
from chat.store.log import EventLog
from chat.store.migrations import prepare
from tests.store.databases import (
    ALICE,
    BOB,
    MariaDBCase,
    SQLiteCase,
    StoreTestCase,
    away,
    coroutine_test,
    entry,
    texts,
)


class Commits:
    """Stands in the way of commits: holds them, or makes them fail before or after."""

    def __init__(self, test: StoreTestCase, errors: Callable[[], Exception]) -> None:
        self.held = 0
        self.fail_before = 0
        self.fail_after = 0
        self._free = threading.Event()
        self._free.set()
        self._errors = errors
        original = PooledConnection.commit

        def commit(connection: PooledConnection) -> None:
            if not connection._pool.writes:
                return original(connection)
            self.held += 1
            assert self._free.wait(30)
            self.held -= 1
            if self.fail_before:
                self.fail_before -= 1
                raise errors()
            original(connection)
            if self.fail_after:
                self.fail_after -= 1
                raise errors()
            return None

        test.patch(PooledConnection, "commit", commit)
        test.addCleanup(self.release)

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()


class LogTests(StoreTestCase):
    """The log with a real database; a `Clock` where time matters."""

    def lost(self) -> Exception:
        """Return an error of the driver that says the database is away."""
        raise NotImplementedError

    async def open_log(self, database: Database | None = None, **options: Any) -> EventLog:
        """Return a log whose subscriber appends to ``self.applied``."""
        self.clock = Clock()
        self.applied: list[Entry] = []
        self.calls: list[list[str]] = []
        log = EventLog(database or await self.new_database(), self.clock, **options)

        def apply(entries: Sequence[Entry]) -> None:
            self.applied += entries
            self.calls.append(texts(entries))

        await log.subscribe(0, apply)
        return log

    async def passing_time(self, condition: Callable[[], object]) -> None:
        """Wait for ``condition`` while the clock of the log runs."""

        def check() -> object:
            self.clock.advance(0.05)
            return condition()

        await self.until(check)

    # Append, read, subscribe

    @coroutine_test
    async def test_an_append_is_stored_then_applied_then_confirmed(self) -> None:
        log = await self.open_log()
        self.assertTrue(IEventLog.providedBy(log))
        own = entry("hi", origin="s1")
        await log.append([own], deadline=5)
        self.assertEqual(self.applied, [evolve(own, sequence=1)])
        self.assertEqual(self.applied[0].origin, SessionId("s1"))
        self.assertEqual(log.position, 1)
        (stored,) = await log.read(0, 10)
        self.assertEqual(stored, evolve(own, sequence=1))
        self.assertIsNone(stored.origin)
        self.assertEqual((log.batches, log.entries, log.waiting), (1, 1, 0))

    @coroutine_test
    async def test_the_order_is_dense_and_everywhere_the_same(self) -> None:
        log = await self.open_log(performance=Performance(batch=7))
        done = [log.append([entry(f"{n}a"), entry(f"{n}b")], deadline=60) for n in range(50)]
        for result in done:
            await result
        self.assertEqual([e.sequence for e in self.applied], list(range(1, 101)))
        self.assertEqual(texts(self.applied), [f"{n}{x}" for n in range(50) for x in "ab"])
        self.assertEqual(await log.read(0, 1000), self.applied)
        # No append was split over two batches of 7 at most.
        for call in self.calls:
            self.assertEqual(len(call) % 2, 0)
            self.assertLessEqual(len(call), 7)

    @coroutine_test
    async def test_what_comes_in_one_turn_of_the_reactor_is_one_commit(self) -> None:
        log = await self.open_log()
        for result in [log.append([entry(str(n))], deadline=60) for n in range(20)]:
            await result
        self.assertEqual((log.batches, log.entries), (1, 20))

    @coroutine_test
    async def test_read_pages(self) -> None:
        log = await self.open_log()
        await log.append([entry(str(n)) for n in range(5)], deadline=5)
        self.assertEqual(texts(await log.read(1, 2)), ["1", "2"])
        self.assertEqual(texts(await log.read(4, 2)), ["4"])
        self.assertEqual(await log.read(5, 2), [])

    @coroutine_test
    async def test_subscribe_gives_what_was_stored_in_pages(self) -> None:
        database = await self.new_database()
        log = await self.open_log(database)
        await log.append([entry(str(n)) for n in range(7)], deadline=5)
        again = await self.open_log(database, page=3)
        self.assertEqual(self.calls, [["0", "1", "2"], ["3", "4", "5"], ["6"]])
        self.assertEqual(again.position, 7)

        behind: list[Entry] = []
        third = EventLog(database, self.clock)
        # What is appended meanwhile has its place behind all that was stored.
        subscribed = third.subscribe(5, behind.extend)
        appended = third.append([entry("7")], deadline=5)
        await subscribed
        await appended
        self.assertEqual(texts(behind), ["5", "6", "7"])
        with self.assertRaises(RuntimeError):
            third.subscribe(0, behind.extend)

    @coroutine_test
    async def test_a_checkpoint_ahead_of_the_log_is_an_older_copy(self) -> None:
        log = EventLog(await self.new_database(), Clock())
        with self.assertRaisesRegex(UnusableError, "older copy"):
            await log.subscribe(3, lambda entries: None)

    @coroutine_test
    async def test_a_log_that_went_back_takes_nothing(self) -> None:
        database = await self.new_database()
        log = await self.open_log(database)
        await log.append([entry("1")], deadline=5)
        for sql in ("DELETE FROM event", "UPDATE log_position SET sequence = 0"):
            await database.run_write(lambda cursor, sql=sql: cursor.execute(sql))
        late = log.append([entry("2")], deadline=5)
        await self.passing_time(lambda: late.called)
        with self.assertRaises(UnavailableError):
            await late
        self.assertEqual(await log.read(0, 10), [])

    # Group commit

    @coroutine_test
    async def test_what_comes_during_a_commit_is_one_batch(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        done = [log.append([entry("first")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([entry(str(n))], deadline=5) for n in range(20)]
        self.assertEqual((self.applied, log.waiting), ([], 20))
        self.assertFalse(any(result.called for result in done))
        commits.release()
        for result in done:
            await result
        self.assertEqual(texts(self.applied), ["first", *map(str, range(20))])
        self.assertEqual(log.batches, 2)

    @coroutine_test
    async def test_each_is_told_before_what_is_behind_is_applied(self) -> None:
        """So what one is answered stands before what others did later."""
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        log.append([entry("first")], deadline=5)
        await self.until(lambda: commits.held)
        seen: list[list[str]] = []
        done = [
            log.append([entry(f"{n}a"), entry(f"{n}b")], deadline=5).addCallback(
                lambda _: seen.append(texts(self.applied)[1:])
            )
            for n in range(3)
        ]
        commits.release()
        for result in done:
            await result
        whole = ["0a", "0b", "1a", "1b", "2a", "2b"]
        self.assertEqual(seen, [whole[:2], whole[:4], whole])

    @coroutine_test
    async def test_passing_events_need_no_database_and_keep_their_place(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        self.successResultOf(log.append([away("0")], deadline=5))
        self.assertEqual((self.calls, log.position, log.batches), ([["0"]], 0, 0))
        commits.hold()
        done = [log.append([entry("1"), away("2"), entry("3")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([away("4")], deadline=5), log.append([entry("5")], deadline=5)]
        done += [log.append([away("6")], deadline=5)]
        commits.release()
        for result in done:
            await result
        self.assertEqual(texts(self.applied), ["0", "1", "2", "3", "4", "5", "6"])
        self.assertEqual([e.sequence for e in self.applied], [None, 1, None, 2, None, 3, None])
        self.assertEqual(texts(await log.read(0, 10)), ["1", "3", "5"])

    @coroutine_test
    async def test_the_subscriber_may_append(self) -> None:
        log = EventLog(await self.new_database(), Clock())
        heard: list[str] = []

        def apply(entries: Sequence[Entry]) -> None:
            for text in texts(entries):
                if text in ("1", "away"):
                    log.append([away(f"after {text}"), away("and")], deadline=5)
                heard.append(text)

        await log.subscribe(0, apply)
        await log.append([entry("1"), entry("2")], deadline=5)
        await log.append([away("away"), away("3")], deadline=5)
        await self.until(lambda: len(heard) >= 8)
        self.assertEqual(heard, ["1", "2", "after 1", "and", "away", "3", "after away", "and"])

    @coroutine_test
    async def test_a_subscriber_that_fails_does_not_stop_the_log(self) -> None:
        log = EventLog(await self.new_database(), Clock())

        def apply(entries: Sequence[Entry]) -> None:
            raise KeyError("a fault of the subscriber")

        await log.subscribe(0, apply)
        await log.append([entry("1")], deadline=5)
        await log.append([entry("2")], deadline=5)
        self.assertEqual(log.position, 2)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)

    # Faults

    @coroutine_test
    async def test_a_commit_that_failed_is_tried_again(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_before = 2
        done = log.append([entry("1"), entry("2")], deadline=None)
        await self.passing_time(lambda: done.called)
        await done
        self.assertEqual([e.sequence for e in self.applied], [1, 2])
        self.assertEqual(log.failures, 2)

    @coroutine_test
    async def test_a_commit_whose_answer_was_lost_is_not_done_twice(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_after = 1
        done = [log.append([away("0"), entry("1", origin="s1"), away("2")], deadline=None)]
        await self.until(lambda: log.failures)
        done += [log.append([entry("3"), away("4")], deadline=None)]
        await self.passing_time(lambda: all(result.called for result in done))
        self.assertEqual(texts(self.applied), ["0", "1", "2", "3", "4"])
        self.assertEqual([e.sequence for e in self.applied], [None, 1, None, 2, None])
        self.assertEqual(self.applied[1].origin, SessionId("s1"))
        self.assertEqual(texts(await log.read(0, 10)), ["1", "3"])

    @coroutine_test
    async def test_an_append_that_is_repeated_after_its_success_is_not_done_twice(self) -> None:
        log = await self.open_log()
        first, second = entry("1"), entry("2")
        await log.append([first], deadline=5)
        await log.append([first, second], deadline=5)
        await log.append([first], deadline=5)
        await log.append([entry("3")], deadline=5)
        self.assertEqual(texts(self.applied), ["1", "2", "3"])
        self.assertEqual(await log.read(0, 10), self.applied)

    # Messages that are sent again

    def named(self, text: str, origin: str) -> Entry:
        """Return the entry of a message whose sender calls it ``text``."""
        return evolve(entry(text, origin=origin), uid=EventId(f"named {text}"), is_named=True)

    @coroutine_test
    async def test_a_named_message_is_stored_once(self) -> None:
        """In one batch, in another one, behind what was applied and after a restart."""
        commits = Commits(self, self.lost)
        url = self.make_url()
        database = self.open_database(url)
        await prepare(database)
        log = await self.open_log(database)
        commits.hold()
        done = [log.append([entry("0")], deadline=5)]
        await self.until(lambda: commits.held)
        first = self.named("1", "s1")
        done += [log.append([each], deadline=5) for each in (first, self.named("1", "s2"))]
        done += [log.append([away("2"), self.named("1", "s3"), entry("3")], deadline=5)]
        commits.release()
        for result in done:
            await result
        await log.append([self.named("1", "s4")], deadline=5)
        self.assertEqual(texts(self.applied), ["0", "1", "1", "2", "1", "3", "1"])
        repeats = [each for each in self.applied if each.is_repeat]
        self.assertEqual([each.origin for each in repeats], ["s2", "s3", "s4"])
        self.assertEqual(
            {(e.uid, e.time, e.sequence) for e in repeats}, {(first.uid, first.time, None)}
        )
        after = await self.open_log(self.open_database(url))
        await after.append([self.named("1", "s5"), entry("4")], deadline=5)
        self.assertEqual(texts(self.applied), ["0", "1", "3", "1", "4"])
        self.assertEqual([each.is_repeat for each in self.applied], [False] * 3 + [True, False])
        self.assertEqual(texts(await log.read(0, 10)), ["0", "1", "3", "4"])

    @coroutine_test
    async def test_a_named_message_whose_commit_was_not_confirmed_is_no_repeat(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_after = 1
        done = log.append([self.named("1", "s1"), self.named("1", "s2")], deadline=None)
        await self.passing_time(lambda: done.called)
        self.assertEqual(
            [(e.origin, e.is_repeat) for e in self.applied], [("s1", False), ("s2", True)]
        )
        self.assertEqual(texts(await log.read(0, 10)), ["1"])

    @coroutine_test
    async def test_one_append_that_the_database_refuses_harms_no_other(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        done = [log.append([entry("1")], deadline=5)]
        await self.until(lambda: commits.held)
        too_long = MessageSent(ALICE, "PRIVMSG", "x", "bad", channel="#" * 300)
        done += [log.append([entry("2")], deadline=5)]
        bad = log.append([entry("with bad"), entry(too_long)], deadline=5)
        done += [log.append([entry("3")], deadline=5)]
        commits.release()
        for result in done:
            await result
        with self.assertRaises(self.driver_error()):
            await bad
        self.assertEqual(texts(self.applied), ["1", "2", "3"])
        self.assertEqual(await log.read(0, 10), self.applied)
        self.assertEqual(len(self.flushLoggedErrors(self.driver_error())), 1)

    @coroutine_test
    async def test_an_event_that_cannot_be_written_fails_alone(self) -> None:
        log = await self.open_log()
        bad = entry(MessageSent(ALICE, "PRIVMSG", "x", object()))  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            await log.append([bad], deadline=5)
        await log.append([entry("1")], deadline=5)
        self.assertEqual(texts(self.applied), ["1"])

    @coroutine_test
    async def test_what_misses_its_deadline_does_not_appear_later(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        first = log.append([entry("first")], deadline=None)
        await self.until(lambda: commits.held)
        late = log.append([entry("late"), away("late")], deadline=1)
        kept = log.append([entry("kept")], deadline=3)
        self.clock.advance(1)
        with self.assertRaisesRegex(UnavailableError, "not stored within 1 s"):
            await late
        self.assertEqual(log.waiting, 1)
        commits.release()
        await first
        await kept
        self.assertEqual(texts(self.applied), ["first", "kept"])
        self.assertEqual(await log.read(0, 10), self.applied)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @coroutine_test
    async def test_a_deadline_during_a_commit_that_fails_takes_it_out(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_before = 1
        commits.hold()
        late = log.append([entry("late")], deadline=1)
        await self.until(lambda: commits.held)
        self.clock.advance(1)
        with self.assertRaises(UnavailableError):
            await late
        commits.release()
        await self.until(lambda: not log._running)
        await log.append([entry("next")], deadline=5)
        self.assertEqual(texts(self.applied), ["next"])
        self.assertEqual(self.applied[0].sequence, 1)

    @coroutine_test
    async def test_without_a_deadline_it_stays_until_it_is_written(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_before = 4
        stays = log.append(
            [entry(SessionEnded(actor=BOB, session=SessionId("s2"), reason="gone"))], deadline=None
        )
        gone = log.append([entry("gone")], deadline=0.01)
        await self.passing_time(lambda: stays.called)
        await self.assertFailure(gone, UnavailableError)
        await stays
        self.assertEqual([type(e.event) for e in self.applied], [SessionEnded])

    @coroutine_test
    async def test_the_queue_is_bounded(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log(performance=Performance(queue=5))
        commits.hold()
        done = [log.append([entry("0")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([entry("1"), entry("2"), entry("3")], deadline=5)]
        refused = log.append([entry("x"), away("x"), away("x")], deadline=5)
        self.failureResultOf(refused, UnavailableError)
        done += [log.append([entry("4"), away("5")], deadline=5)]
        self.failureResultOf(log.append([away("x")], deadline=5), UnavailableError)
        # What must not be given up is not refused either.
        done += [log.append([entry("6")], deadline=None)]
        commits.release()
        for result in done:
            await result
        self.assertEqual(texts(self.applied), ["0", "1", "2", "3", "4", "5", "6"])
        await log.append([entry("7")], deadline=5)

    @coroutine_test
    async def test_it_is_crowded_from_half_of_the_queue_to_a_quarter(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log(performance=Performance(queue=8, batch=1))
        told: list[tuple[bool, int]] = []
        log.crowded = lambda crowded: told.append((crowded, log.waiting))
        commits.hold()
        done = [log.append([entry("0")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([entry(str(n))], deadline=5) for n in range(1, 7)]
        commits.release()
        for result in done:
            await result
        self.assertEqual(told, [(True, 5), (False, 2)])

    @coroutine_test
    async def test_it_is_not_crowded_when_the_database_stays_away(self) -> None:
        """Its callers are refused then, and must not be kept waiting for that."""
        commits = Commits(self, self.lost)
        log = await self.open_log(performance=Performance(queue=8, batch=1))
        told: list[bool] = []
        log.crowded = told.append
        commits.hold()
        commits.fail_before = 1000
        done = [log.append([entry("0")], deadline=None)]
        await self.until(lambda: commits.held)
        done += [log.append([entry(str(n))], deadline=None) for n in range(1, 7)]
        self.assertEqual(told, [True])
        commits.release()
        await self.until(lambda: log.failures)
        self.assertEqual(told, [True])
        await self.passing_time(lambda: not told[-1])
        self.assertGreater(self.clock.seconds(), 2)
        late = log.append([entry("late")] * 3, deadline=5)
        self.failureResultOf(late, UnavailableError)
        commits.fail_before = 0
        await self.passing_time(lambda: all(result.called for result in done))
        # From the first commit on it is worth the wait again.
        self.assertEqual(told, [True, False, True, False])

    @coroutine_test
    async def test_figures(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        done = [log.append([entry("first")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([entry(str(n))], deadline=5) for n in range(20)]
        self.clock.advance(0.25)
        commits.release()
        for result in done:
            await result
        figures = log.figures()
        self.assertEqual((figures.waiting, figures.most_waiting, figures.queue), (0, 20, 10_000))
        self.assertEqual((figures.batches, figures.entries, figures.failures), (2, 21, 0))
        self.assertEqual((figures.batch.p50, figures.batch.most), (20, 20))
        self.assertEqual(figures.commit.most, 0.25)

    # The end

    @coroutine_test
    async def test_drain_writes_what_waits_and_refuses_more(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.hold()
        done = [log.append([entry("1")], deadline=5)]
        await self.until(lambda: commits.held)
        done += [log.append([entry("2")], deadline=5)]
        drained = log.drain(deadline=5)
        self.failureResultOf(log.append([entry("x")], deadline=None), UnavailableError)
        self.assertNoResult(drained)
        commits.release()
        await drained
        for result in done:
            self.successResultOf(result)
        self.assertEqual(texts(self.applied), ["1", "2"])
        self.successResultOf(log.drain())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @coroutine_test
    async def test_drain_gives_up_at_its_deadline(self) -> None:
        commits = Commits(self, self.lost)
        log = await self.open_log()
        commits.fail_before = 1000
        done = [log.append([entry("1")], deadline=None), log.append([entry("2")], deadline=30)]
        await self.until(lambda: log.failures)
        drained = log.drain(deadline=2)
        await self.passing_time(lambda: drained.called)
        for result in done:
            self.failureResultOf(result, UnavailableError)
        await self.until(lambda: not log._running)
        self.assertEqual((self.applied, self.clock.getDelayedCalls()), ([], []))

    # Two writers

    @coroutine_test
    async def test_two_logs_of_one_database_have_one_order(self) -> None:
        url = self.make_url()
        logs: list[EventLog] = []
        heard: list[list[Entry]] = [[], []]
        for mine in heard:
            database = self.open_database(url)
            await prepare(database)
            logs.append(EventLog(database, reactor, Performance(batch=3)))
            await logs[-1].subscribe(0, mine.extend)
        done = [
            log.append([entry(f"{n}", origin=f"s{number}")], deadline=None)
            for n in range(40)
            for number, log in enumerate(logs)
        ]
        for result in done:
            await result
        # One more of each, and each has read what the other wrote.
        await logs[0].append([entry("end")], deadline=None)
        await logs[1].append([entry("end")], deadline=None)
        await logs[0].append([entry("end")], deadline=None)
        self.assertEqual([e.sequence for e in heard[0]], list(range(1, 84)))
        self.assertEqual(heard[1], heard[0][:82])
        self.assertEqual(await logs[0].read(0, 1000), heard[0])
        for number, mine in enumerate(heard):
            origins = {e.origin for e in mine} - {None}
            self.assertEqual(origins, {SessionId(f"s{number}")})


class SQLiteLogTests(LogTests, SQLiteCase):
    def lost(self) -> Exception:
        error = sqlite_module.sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite_module.sqlite3.SQLITE_IOERR
        return error

    @coroutine_test
    async def test_a_file_that_another_process_locks(self) -> None:
        self.patch(sqlite_module, "LOCK_TIMEOUT", 0.01)
        url = self.make_url()
        database, other = self.open_database(url), self.open_database(url)
        await prepare(database)
        log = await self.open_log(database)
        entered, leave = threading.Event(), threading.Event()
        self.addCleanup(leave.set)

        def lock(cursor: object) -> None:
            entered.set()
            assert leave.wait(30)

        locked = other.run_write(lock)
        await self.until(entered.is_set)
        late, kept = (
            log.append([entry("late")], deadline=1),
            log.append([entry("1")], deadline=None),
        )
        await self.passing_time(lambda: late.called)
        await self.assertFailure(late, UnavailableError)
        leave.set()
        await locked
        await self.passing_time(lambda: kept.called)
        self.assertEqual(texts(self.applied)[-1], "1")
        self.assertEqual(await log.read(0, 10), self.applied)


class MariaDBLogTests(LogTests, MariaDBCase):
    def lost(self) -> Exception:
        return self.driver_error()(2013, "Lost connection to server during query")

    @coroutine_test
    async def test_a_server_that_is_killed_loses_nothing_that_was_confirmed(self) -> None:
        log = await self.open_log()
        confirmed: list[str] = []
        going = True

        async def write(writer: int) -> None:
            n = 0
            while going:
                item = entry(f"{writer}.{n}")
                await log.append([item], deadline=None)
                confirmed.append(item.uid)
                n += 1

        writers = [Deferred.fromCoroutine(write(n)) for n in range(20)]
        for _ in range(3):
            count = len(confirmed)
            await self.until(lambda count=count: len(confirmed) > count + 100)
            self.server.kill()
            failures = log.failures
            await self.passing_time(lambda failures=failures: log.failures > failures)
            self.server.start()
            count = len(confirmed)
            await self.passing_time(lambda count=count: len(confirmed) > count)
        going = False
        await self.passing_time(lambda: all(writer.called for writer in writers))
        await DeferredList(writers, fireOnOneErrback=True)
        stored = await log.read(0, 1_000_000)
        self.assertEqual(stored, self.applied)
        self.assertEqual([e.sequence for e in stored], list(range(1, len(stored) + 1)))
        self.assertEqual(sorted(e.uid for e in stored), sorted(confirmed))

    @coroutine_test
    async def test_a_server_that_hangs(self) -> None:
        database = await self.new_database(clock=(clock := Clock()))
        log = await self.open_log(database)
        await log.append([entry("1")], deadline=5)
        self.server.pause()
        under_way = log.append([entry("2")], deadline=1)
        await self.until(lambda: any(job.handle for job in database._writer.jobs))
        late = log.append([entry("late")], deadline=1)
        kept = log.append([entry("3")], deadline=None)
        self.clock.advance(1)
        for result in (under_way, late):
            with self.assertRaises(UnavailableError):
                await result
        # The transaction has its own deadline, after which it is tried again.
        clock.advance(database.deadline)
        await self.until(lambda: log.failures)
        self.server.resume()
        await self.passing_time(lambda: kept.called)
        await kept
        stored = await log.read(0, 10)
        self.assertEqual(stored, self.applied)
        self.assertEqual((texts(stored)[0], texts(stored)[-1]), ("1", "3"))
        self.assertNotIn("late", texts(stored))


del LogTests
