"""The schema's versions: a new database gets ``schema.sql``, an older one is migrated.

Who changes ``schema.sql`` raises `VERSION` there and here, and adds a migration
that makes the same change to a database that exists.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from chat.store.database import Cursor, Database
from chat.store.interfaces import UnavailableError, UnusableError

#: The version that ``schema.sql`` makes.
VERSION = 2


@frozen
class Migration:
    """Statements for both databases that lead from the version before to ``version``.

    MariaDB commits after each definition, so an interrupted migration is run
    again from its first statement: each one has to bear that (IF NOT EXISTS).
    """

    version: int
    statements: tuple[str, ...]


#: In order, from version 2.
MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        2,
        (
            """
            CREATE TABLE IF NOT EXISTS e2e_device (
                account      VARBINARY(255) NOT NULL,
                device       VARBINARY(255) NOT NULL,
                name         VARBINARY(511) NOT NULL,
                bundle       BLOB NOT NULL,
                certificate  VARBINARY(64) NOT NULL,
                expires      BIGINT NOT NULL,
                position     BIGINT NOT NULL,
                CONSTRAINT e2e_device_key PRIMARY KEY (account, device),
                CONSTRAINT e2e_device_account_length CHECK (LENGTH(account) BETWEEN 1 AND 255),
                CONSTRAINT e2e_device_device_length CHECK (LENGTH(device) BETWEEN 1 AND 255),
                CONSTRAINT e2e_device_name_length CHECK (LENGTH(name) BETWEEN 1 AND 511),
                CONSTRAINT e2e_device_bundle_length CHECK (LENGTH(bundle) <= 65535),
                CONSTRAINT e2e_device_certificate_length CHECK (LENGTH(certificate) <= 64))
            """,
            """
            CREATE TABLE IF NOT EXISTS e2e_key (
                account   VARBINARY(255) NOT NULL,
                device    VARBINARY(255) NOT NULL,
                digest    VARBINARY(32) NOT NULL,
                id        VARBINARY(64) NOT NULL,
                fallback  INTEGER NOT NULL,
                number    BIGINT NOT NULL,
                given     BIGINT,
                data      VARBINARY(2048) NOT NULL,
                CONSTRAINT e2e_key_key PRIMARY KEY (account, device, digest),
                CONSTRAINT e2e_key_digest_length CHECK (LENGTH(digest) = 32),
                CONSTRAINT e2e_key_id_length CHECK (LENGTH(id) BETWEEN 1 AND 64),
                CONSTRAINT e2e_key_fallback_value CHECK (fallback IN (0, 1)),
                CONSTRAINT e2e_key_data_length CHECK (LENGTH(data) <= 2048))
            """,
            """
            CREATE INDEX IF NOT EXISTS e2e_key_by_number
                ON e2e_key (account, device, fallback, number)
            """,
            """
            CREATE TABLE IF NOT EXISTS e2e_payload (
                account   VARBINARY(255) NOT NULL,
                device    VARBINARY(255) NOT NULL,
                position  BIGINT NOT NULL,
                sender    VARBINARY(511) NOT NULL,
                id        VARBINARY(64) NOT NULL,
                time      BIGINT NOT NULL,
                data      BLOB NOT NULL,
                CONSTRAINT e2e_payload_key PRIMARY KEY (account, device, position),
                CONSTRAINT e2e_payload_id UNIQUE (account, device, sender, id),
                CONSTRAINT e2e_payload_sender_length CHECK (LENGTH(sender) BETWEEN 1 AND 511),
                CONSTRAINT e2e_payload_id_length CHECK (LENGTH(id) BETWEEN 1 AND 64),
                CONSTRAINT e2e_payload_data_length CHECK (LENGTH(data) <= 65535))
            """,
            """
            CREATE INDEX IF NOT EXISTS e2e_payload_by_time ON e2e_payload (time)
            """,
        ),
    ),
)


def schema_path() -> Path:
    """Return where ``schema.sql`` is: at the top of a checkout, else where pip puts it."""
    checkout = Path(__file__).resolve().parents[2] / "schema.sql"
    if checkout.is_file():
        return checkout
    return Path(sys.prefix) / "share" / "securechat" / "schema.sql"


def split_statements(sql: str) -> Iterator[str]:
    """Yield the statements of a script that has comments of ``--`` and no ``;`` in a literal."""
    for statement in re.sub(r"--[^\n]*", "", sql).split(";"):
        if statement.strip():
            yield statement.strip()


async def prepare(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the schema to the last version; an empty database gets all of it.

    Raises `UnusableError` for a database of a newer program, or of another one,
    and `UnavailableError`.
    """
    script = schema_path()
    try:
        statements = tuple(split_statements(script.read_text(encoding="utf-8")))
    except OSError as error:
        raise UnusableError(
            f"cannot read the schema at {script} ({error.strerror}): install securechat again"
        ) from None
    await database.run_write(_prepare, statements, tuple(migrations), deadline=60.0)


def _prepare(
    cursor: Cursor, statements: tuple[str, ...], migrations: tuple[Migration, ...]
) -> None:
    """Create or migrate, one process at a time."""
    dialect = cursor.dialect
    if dialect.lock_schema is not None:
        cursor.execute(dialect.lock_schema)
        if cursor.fetchone() != (1,):
            raise UnavailableError("another process is changing the schema")
    try:
        version = _version(cursor)
        if version is None:
            for statement in statements:
                cursor.execute(statement)
            version = _version(cursor)
        _migrate(cursor, version or 0, migrations)
        if dialect.unlock_schema is not None:
            # The next process must see all of it as soon as it has the lock.
            cursor.execute("COMMIT")
    finally:
        if dialect.unlock_schema is not None:
            cursor.execute(dialect.unlock_schema)


def _migrate(cursor: Cursor, version: int, migrations: tuple[Migration, ...]) -> None:
    """Run the migrations behind ``version``."""
    known = migrations[-1].version if migrations else VERSION
    if version > known:
        raise UnusableError(
            f"the database has schema version {version}, and this program knows up to {known}: "
            "use the newer securechat that made it"
        )
    for migration in migrations:
        if migration.version > version:
            for statement in migration.statements:
                cursor.execute(statement)
            cursor.execute("UPDATE schema_version SET version = ?", (migration.version,))


def _version(cursor: Cursor) -> int | None:
    """Return the version of the schema, ``None`` where it is not there or not complete."""
    cursor.execute(cursor.dialect.tables_query())
    tables = {_text(name) for (name,) in cursor.fetchall()}
    if "schema_version" not in tables:
        if tables - {"sqlite_sequence"}:
            raise UnusableError(
                f"the database has tables of something else ({', '.join(sorted(tables)[:5])}): "
                "give securechat a database of its own"
            )
        return None
    cursor.execute("SELECT version FROM schema_version")
    row = cursor.fetchone()
    return None if row is None else int(row[0])


def _text(name: str | bytes) -> str:
    """Return a table's name, which MariaDB hands over in bytes."""
    return name.decode() if isinstance(name, bytes) else name
