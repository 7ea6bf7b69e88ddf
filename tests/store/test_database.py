from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.store import mariadb
from chat.store import sqlite as sqlite_module
from chat.store.database import Cursor, Database
from chat.store.interfaces import UnavailableError, UnusableError
from chat.store.migrations import prepare
from chat.store.store import make_dialect, open_store
from chat.store.url import parse_url
from tests.store.databases import MariaDBCase, SQLiteCase, StoreTestCase, coroutine_test


def answer(cursor: Cursor, value: int = 42) -> int:
    cursor.execute("SELECT ?", (value,))
    ((result,),) = cursor.fetchall()
    return int(result)


def set_position(cursor: Cursor, value: int) -> int:
    cursor.execute("UPDATE log_position SET sequence = ?", (value,))
    return cursor.rowcount


def get_position(cursor: Cursor) -> int:
    cursor.execute("SELECT sequence FROM log_position")
    ((result,),) = cursor.fetchall()
    return int(result)


def store_threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t is not threading.main_thread()}


class Gate:
    """Keeps functions in their threads until it is opened."""

    def __init__(self) -> None:
        self.begun = 0
        self._open = threading.Event()

    def wait(self, cursor: Cursor) -> str:
        self.begun += 1
        assert self._open.wait(30)
        return "through"

    def open(self) -> None:
        self._open.set()


class DatabaseTests(StoreTestCase):
    @coroutine_test
    async def test_a_write_is_one_transaction(self) -> None:
        database = await self.new_database()

        def fails(cursor: Cursor) -> None:
            set_position(cursor, 7)
            raise KeyError("a fault of the program")

        with self.assertRaises(KeyError):
            await database.run_write(fails)
        self.assertEqual(await database.run_read(get_position), 0)
        await database.run_write(set_position, 8)
        self.assertEqual(await database.run_read(get_position), 8)

    @coroutine_test
    async def test_update_counts_what_it_found(self) -> None:
        database = await self.new_database()
        self.assertEqual(await database.run_write(set_position, 0), 1)

    @coroutine_test
    async def test_a_reader_cannot_write(self) -> None:
        database = await self.new_database()
        with self.assertRaises((self.driver_error(), UnavailableError)):
            await database.run_read(set_position, 9)
        self.assertEqual(await database.run_read(get_position), 0)

    @coroutine_test
    async def test_a_read_sees_one_state(self) -> None:
        database = await self.new_database()
        first, second = threading.Event(), threading.Event()

        def twice(cursor: Cursor) -> tuple[int, int]:
            before = get_position(cursor)
            first.set()
            assert second.wait(30)
            return before, get_position(cursor)

        reading = database.run_read(twice)
        await self.until(first.is_set)
        await database.run_write(set_position, 5)
        second.set()
        self.assertEqual(await reading, (0, 0))
        self.assertEqual(await database.run_read(get_position), 5)

    @coroutine_test
    async def test_a_wrong_statement_is_an_error_of_the_program(self) -> None:
        database = await self.new_database()
        with self.assertRaises(self.driver_error()):
            await database.run_read(lambda cursor: cursor.execute("SELECT nothing FROM nowhere"))
        with self.assertRaises(self.driver_error()):
            await database.run_read(lambda cursor: cursor.execute("SELEKT 1"))

    @coroutine_test
    async def test_what_misses_its_deadline_is_not_done(self) -> None:
        clock = Clock()
        database = await self.new_database(clock=clock)
        gate = Gate()
        blocking = database.run_write(gate.wait, deadline=100.0)
        late = database.run_write(set_position, 9, deadline=2.0)
        await self.until(lambda: gate.begun)
        clock.advance(2.0)
        with self.assertRaisesRegex(UnavailableError, "within 2 s"):
            await late
        gate.open()
        self.assertEqual(await blocking, "through")
        self.assertEqual(await database.run_write(get_position), 0)
        await self.until(lambda: not database.in_flight)
        self.assertEqual(clock.getDelayedCalls(), [])

    @coroutine_test
    async def test_the_work_in_flight_is_bounded(self) -> None:
        database = await self.new_database(in_flight=3)
        gate = Gate()
        jobs = [database.run_write(gate.wait) for _ in range(3)]
        with self.assertRaisesRegex(UnavailableError, "too much"):
            await database.run_write(gate.wait)
        # Reads have a bound of their own.
        self.assertEqual(await database.run_read(answer), 42)
        gate.open()
        for job in jobs:
            self.assertEqual(await job, "through")
        self.assertEqual(await database.run_write(answer), 42)

    @coroutine_test
    async def test_threads_end_with_close(self) -> None:
        before = store_threads()
        database = await self.new_database()
        for result in [database.run_read(answer, n) for n in range(10)]:
            await result
        self.assertGreater(store_threads(), before)
        await database.close()
        self.assertEqual(store_threads(), before)
        with self.assertRaisesRegex(UnavailableError, "being closed"):
            await database.run_read(answer)
        await database.close()

    @coroutine_test
    async def test_close_waits_for_what_is_under_way(self) -> None:
        database = await self.new_database()
        gate = Gate()
        job = database.run_write(gate.wait)
        await self.until(lambda: gate.begun)
        closing = Deferred.fromCoroutine(database.close(grace=30.0))
        gate.open()
        self.assertEqual(await job, "through")
        await closing

    @coroutine_test
    async def test_bytes_come_back_as_they_were(self) -> None:
        database = await self.new_database()
        every = bytes(range(256)) * 4

        def store(cursor: Cursor) -> bytes:
            upsert = cursor.dialect.upsert("record", ("kind", "name"), ("data",))
            cursor.execute(upsert, (b"7", b"0012", b"old"))
            cursor.executemany(upsert, [(b"7", b"0012", every), (b"7", b"?%s%%", b"")])
            cursor.execute("SELECT data FROM record WHERE name = ?", (b"0012",))
            ((record,),) = cursor.fetchall()
            assert isinstance(record, bytes)
            return record

        self.assertEqual(await database.run_write(store), every)

    @coroutine_test
    async def test_open_store(self) -> None:
        store = await open_store(reactor, self.make_url(), Path.cwd())
        await store.log.subscribe(0, lambda entries: None)
        self.assertIsNone(await store.accounts.find("alice"))
        self.assertEqual((await store.checkpoints.load()).sequence, 0)
        before = store_threads()
        await store.close()
        self.assertLess(store_threads(), before)


class SQLiteDatabaseTests(DatabaseTests, SQLiteCase):
    @coroutine_test
    async def test_files_are_for_their_owner_only(self) -> None:
        self.addCleanup(os.umask, os.umask(0o000))
        directory = Path(self.mktemp())
        directory.mkdir()
        store = await open_store(reactor, "sqlite:a b%3F?.db", directory)
        await store.accounts.all()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
        name = "a b%3F?.db"
        self.assertEqual(modes, {name: 0o600, f"{name}-wal": 0o600, f"{name}-shm": 0o600})
        await store.close()
        self.assertEqual([path.name for path in directory.iterdir()], [name])

    @coroutine_test
    async def test_commits_are_durable(self) -> None:
        database = await self.new_database()

        def pragmas(cursor: Cursor) -> list[Any]:
            values = []
            for name in ("journal_mode", "synchronous", "foreign_keys"):
                cursor.execute(f"PRAGMA {name}")
                values += cursor.fetchall()
            return values

        self.assertEqual(await database.run_write(pragmas), [("wal",), (2,), (1,)])

    @coroutine_test
    async def test_another_process_that_writes_makes_it_unavailable(self) -> None:
        self.patch(sqlite_module, "LOCK_TIMEOUT", 0.01)
        url = self.make_url()
        first, second = self.open_database(url), self.open_database(url)
        await prepare(first)
        gate = Gate()
        job = first.run_write(gate.wait)
        await self.until(lambda: gate.begun)
        with self.assertRaisesRegex(UnavailableError, "locked"):
            await second.run_write(answer)
        self.assertEqual(await second.run_read(get_position), 0)
        gate.open()
        await job
        self.assertEqual(await second.run_write(answer), 42)

    @coroutine_test
    async def test_what_is_no_database_is_told(self) -> None:
        path = Path(self.mktemp())
        path.write_bytes(b"no database" * 1000)
        with self.assertRaisesRegex(UnavailableError, "not a database"):
            await open_store(reactor, f"sqlite:{path}", Path.cwd())

    @coroutine_test
    async def test_a_directory_that_is_not_there_is_told(self) -> None:
        with self.assertRaisesRegex(UnusableError, "cannot create /nowhere/x.db: No such"):
            await open_store(reactor, "sqlite:/nowhere/x.db", Path.cwd())

    @coroutine_test
    async def test_a_query_is_interrupted_at_its_deadline(self) -> None:
        database = await self.new_database()
        endless = (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
        )
        with self.assertRaisesRegex(UnavailableError, "within"):
            await database.run_read(lambda cursor: cursor.execute(endless), deadline=0.05)
        await self.until(lambda: not database.in_flight)

    def test_a_missing_driver_of_the_other_database_is_told(self) -> None:
        self.patch(sys, "modules", {**sys.modules, "MySQLdb": None})
        dialect = make_dialect(parse_url("mariadb://u:hunter2@db/chat", Path.cwd()))
        error = self.assertRaises(UnusableError, Database, reactor, dialect)
        self.assertIn("pip install 'securechat[mariadb]'", str(error))


class MariaDBDatabaseTests(DatabaseTests, MariaDBCase):
    @coroutine_test
    async def test_reads_and_writes_survive_a_restart_between_them(self) -> None:
        database = await self.new_database()
        await database.run_write(set_position, 3)
        await database.run_read(get_position)
        self.server.kill()
        self.server.start()
        self.assertEqual(await database.run_read(get_position), 3)
        self.assertEqual(await database.run_write(set_position, 4), 1)
        self.assertEqual(await database.run_read(get_position), 4)

    @coroutine_test
    async def test_a_read_that_loses_its_connection_is_repeated(self) -> None:
        database = await self.new_database()
        calls: list[int] = []

        def read(cursor: Cursor) -> int:
            cursor.execute("SELECT CONNECTION_ID()")
            ((connection,),) = cursor.fetchall()
            calls.append(connection)
            if len(calls) == 1:
                self.server.execute(f"KILL {connection}")
            return get_position(cursor)

        self.assertEqual(await database.run_read(read), 0)
        self.assertEqual(len(set(calls)), 2)

    @coroutine_test
    async def test_a_write_that_loses_its_connection_is_not_repeated(self) -> None:
        database = await self.new_database()
        calls: list[int] = []

        def write(cursor: Cursor) -> None:
            cursor.execute("SELECT CONNECTION_ID()")
            ((connection,),) = cursor.fetchall()
            calls.append(connection)
            self.server.execute(f"KILL {connection}")
            set_position(cursor, 5)

        with self.assertRaises(UnavailableError):
            await database.run_write(write)
        self.assertEqual(len(calls), 1)
        self.assertEqual(await database.run_write(get_position), 0)

    @coroutine_test
    async def test_a_server_that_is_away_is_told_at_once(self) -> None:
        database = await self.new_database()
        self.server.stop()
        for _ in range(3):
            with self.assertRaisesRegex(UnavailableError, "not available"):
                await database.run_read(answer)
            with self.assertRaisesRegex(UnavailableError, "not available"):
                await database.run_write(answer)
        self.server.start()
        self.assertEqual(await database.run_read(answer), 42)
        self.assertEqual(await database.run_write(answer), 42)

    @coroutine_test
    async def test_a_server_that_hangs_is_left_at_the_deadline(self) -> None:
        clock = Clock()
        database = await self.new_database(clock=clock)
        gate = Gate()

        def read_later(cursor: Cursor) -> None:
            gate.wait(cursor)
            answer(cursor)

        read = database.run_read(read_later)
        await self.until(lambda: gate.begun)
        self.server.pause()
        gate.open()
        write = database.run_write(set_position, 5)
        await self.until(lambda: all(job.handle is not None for job in database._writer.jobs))
        clock.advance(database.deadline)
        for result in (read, write):
            with self.assertRaisesRegex(UnavailableError, "within 10 s"):
                await result
        # The threads are free again while the server still hangs.
        begun = time.monotonic()
        await self.until(lambda: not database.in_flight)
        self.assertLess(time.monotonic() - begun, mariadb.READ_TIMEOUT / 2)
        self.server.resume()
        self.assertEqual(await database.run_read(answer), 42)

    @coroutine_test
    async def test_close_does_not_wait_for_a_server_that_hangs(self) -> None:
        database = await self.new_database()
        self.server.pause()
        write = database.run_write(answer)
        await self.until(lambda: all(job.handle is not None for job in database._writer.jobs))
        begun = time.monotonic()
        closing = Deferred.fromCoroutine(database.close(grace=0.01))
        with self.assertRaises(UnavailableError):
            await write
        await closing
        self.assertLess(time.monotonic() - begun, mariadb.READ_TIMEOUT / 2)

    @coroutine_test
    async def test_a_wrong_password_is_told_without_it(self) -> None:
        name = self.server.url("x").partition("?")[2]
        with self.assertRaisesRegex(UnavailableError, "Access denied") as caught:
            await open_store(reactor, f"mariadb://chat:hunter2@/chat?{name}", Path.cwd())
        self.assertNotIn("hunter2", str(caught.exception))
        self.assertIsNone(caught.exception.__context__)

    @coroutine_test
    async def test_the_session_is_strict_and_bounded(self) -> None:
        database = await self.new_database()

        def variables(cursor: Cursor) -> tuple[Any, ...] | None:
            cursor.execute("SELECT @@sql_mode, @@tx_isolation, @@max_statement_time")
            return cursor.fetchone()

        self.assertEqual(
            await database.run_write(variables), (b"STRICT_ALL_TABLES", b"READ-COMMITTED", 8.0)
        )
        self.assertEqual(
            await database.run_read(variables), (b"STRICT_ALL_TABLES", b"REPEATABLE-READ", 8.0)
        )

    @coroutine_test
    async def test_a_statement_without_end_is_ended_by_the_server(self) -> None:
        self.patch(mariadb, "STATEMENT_TIMEOUT", 0.05)
        database = await self.new_database()
        with self.assertRaisesRegex(UnavailableError, "max_statement_time"):
            await database.run_read(lambda cursor: cursor.execute("SELECT SLEEP(60)"))

    def test_a_host_is_always_over_tcp(self) -> None:
        def place(url: str) -> tuple[Any, ...]:
            arguments = make_dialect(parse_url(url, Path.cwd())).arguments()
            return tuple(arguments.get(key) for key in ("host", "port", "unix_socket"))

        self.assertEqual(place("mariadb://u@localhost:33/n"), ("127.0.0.1", 33, None))
        self.assertEqual(place("mariadb://u@db/n"), ("db", 3306, None))
        self.assertEqual(place("mariadb://u@/n?unix_socket=/s"), (None, None, "/s"))


del DatabaseTests
