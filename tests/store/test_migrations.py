from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import DeferredList, ensureDeferred

from chat.store import migrations
from chat.store.database import Cursor, Database
from chat.store.interfaces import UnusableError
from chat.store.migrations import MIGRATIONS, VERSION, Migration, prepare, split_statements
from tests.store.databases import (
    MariaDBCase,
    SQLiteCase,
    StoreTestCase,
    coroutine_test,
)

#: The schema as it was at version 1, which the first networks have.  Never changed.
BASE = Path(__file__).parent / "schema-1.sql"

#: A migration that stands for those to come.
NEXT = Migration(
    VERSION + 1,
    (
        "CREATE TABLE IF NOT EXISTS mark (id INTEGER NOT NULL, PRIMARY KEY (id))",
        "CREATE INDEX IF NOT EXISTS account_by_role ON account (role)",
    ),
)


def run_script(cursor: Cursor, statements: list[str]) -> None:
    for statement in statements:
        cursor.execute(statement)


def query(cursor: Cursor, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    return cursor.fetchall()


class MigrationTests(StoreTestCase):
    def describe(self, cursor: Cursor) -> object:
        """Return all that the database says of its tables, columns, keys and indexes."""
        raise NotImplementedError

    async def version(self, database: Database) -> int:
        ((version,),) = await database.run_read(query, "SELECT version FROM schema_version")
        return int(version)

    @coroutine_test
    async def test_base_and_migrations_equal_the_schema(self) -> None:
        old = self.open_database(self.make_url())
        await old.run_write(run_script, list(split_statements(BASE.read_text())))
        self.assertEqual(await self.version(old), 1)
        await prepare(old)
        new = await self.new_database()
        self.assertEqual(await self.version(new), VERSION)
        self.assertEqual(await self.version(old), VERSION)
        self.assertEqual(await old.run_read(self.describe), await new.run_read(self.describe))

    @coroutine_test
    async def test_the_description_sees_a_difference(self) -> None:
        database = await self.new_database()
        before = await database.run_read(self.describe)
        await prepare(database, [NEXT])
        self.assertNotEqual(await database.run_read(self.describe), before)

    @coroutine_test
    async def test_an_older_database_is_migrated_once(self) -> None:
        database = await self.new_database()
        await prepare(database, [*MIGRATIONS, NEXT])
        self.assertEqual(await self.version(database), VERSION + 1)
        await database.run_write(run_script, ["DROP TABLE mark"])
        await prepare(database, [*MIGRATIONS, NEXT])
        with self.assertRaises(self.driver_error()):
            await database.run_read(query, "SELECT * FROM mark")

    @coroutine_test
    async def test_an_interrupted_migration_is_done_again(self) -> None:
        database = await self.new_database()
        broken = Migration(NEXT.version, (NEXT.statements[0], "SELECT * FROM nowhere"))
        with self.assertRaises(self.driver_error()):
            await prepare(database, [*MIGRATIONS, broken])
        self.assertEqual(await self.version(database), VERSION)
        await prepare(database, [*MIGRATIONS, NEXT])
        self.assertEqual(await self.version(database), VERSION + 1)

    @coroutine_test
    async def test_a_newer_database_is_refused(self) -> None:
        database = await self.new_database()
        await prepare(database, [*MIGRATIONS, NEXT])
        with self.assertRaisesRegex(UnusableError, f"version {VERSION + 1}.* up to {VERSION}"):
            await prepare(database)

    @coroutine_test
    async def test_an_interrupted_creation_is_finished(self) -> None:
        statements = list(split_statements(migrations.schema_path().read_text()))
        complete = await (await self.new_database()).run_read(self.describe)
        for done in range(1, len(statements)):
            database = self.open_database(self.make_url())
            await database.run_write(run_script, statements[:done])
            await prepare(database)
            self.assertEqual(await self.version(database), VERSION)
            self.assertEqual(await database.run_read(self.describe), complete)
            for table in ("schema_version", "log_position", "checkpoint"):
                rows = await database.run_read(query, f"SELECT id FROM {table}")
                self.assertEqual(rows, [(1,)])
            await database.close()

    @coroutine_test
    async def test_two_processes_may_create_it_at_once(self) -> None:
        url = self.make_url()
        databases = [self.open_database(url) for _ in range(3)]
        for success, result in await DeferredList(
            [ensureDeferred(prepare(database)) for database in databases], consumeErrors=True
        ):
            self.assertTrue(success, result)
        self.assertEqual(await self.version(databases[0]), VERSION)

    @coroutine_test
    async def test_tables_of_something_else_are_left_alone(self) -> None:
        database = self.open_database(self.make_url())
        await database.run_write(run_script, ["CREATE TABLE account (id INTEGER)"])
        with self.assertRaisesRegex(UnusableError, r"something else \(account\)"):
            await prepare(database)

    @coroutine_test
    async def test_the_schema_has_its_own_checks(self) -> None:
        database = await self.new_database()
        event = "INSERT INTO event (sequence, uid, time, kind, payload"
        for statement in (
            "INSERT INTO log_position (id, sequence) VALUES (2, 1)",
            "INSERT INTO schema_version (id, version) VALUES (2, 1)",
            f"{event}) VALUES (0, x'61', 1, x'61', x'')",
            f"{event}) VALUES (1, x'', 1, x'61', x'')",
            f"{event}, lesser) VALUES (1, x'61', 1, x'61', x'', x'61')",
        ):
            with self.assertRaises(self.driver_error()):
                await database.run_write(run_script, [statement])

    def test_an_installed_package_has_the_schema_in_share(self) -> None:
        self.patch(migrations, "__file__", str(Path(self.mktemp()) / "chat/store/migrations.py"))
        self.assertEqual(migrations.schema_path(), Path(sys.prefix) / "share/securechat/schema.sql")


class SQLiteSchema(SQLiteCase):
    def describe(self, cursor: Cursor) -> object:
        return [
            # Definitions as they were written, whatever their comments and spaces.
            (name, " ".join("".join(sql.split("\n")).split()) if sql else None)
            for name, sql in query(cursor, "SELECT name, sql FROM sqlite_master ORDER BY name")
        ]


class MariaDBSchema(MariaDBCase):
    def describe(self, cursor: Cursor) -> object:
        return [
            query(
                cursor,
                f"SELECT {columns} FROM information_schema.{table} WHERE {where} ORDER BY 1, 2, 3",
            )
            for table, columns, where in (
                (
                    "columns",
                    "table_name, ordinal_position, column_name, column_type, is_nullable, "
                    "column_default, character_set_name",
                    "table_schema = DATABASE()",
                ),
                (
                    "statistics",
                    "table_name, index_name, seq_in_index, column_name, non_unique",
                    "table_schema = DATABASE()",
                ),
                (
                    "check_constraints",
                    "table_name, constraint_name, check_clause",
                    "constraint_schema = DATABASE()",
                ),
                ("tables", "table_name, engine, table_type", "table_schema = DATABASE()"),
            )
        ]


class SQLiteMigrationTests(SQLiteSchema, MigrationTests):
    pass


class MariaDBMigrationTests(MariaDBSchema, MigrationTests):
    pass


del MigrationTests
