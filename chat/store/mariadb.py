"""MariaDB, through mysqlclient, which is the extra ``securechat[mariadb]``."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import Any, ClassVar

from attrs import define

from chat.store.dialects import LOCK_TIMEOUT, Dialect, plain_insert
from chat.store.interfaces import UnusableError
from chat.store.url import MariaDBURL

#: Seconds for a connection to MariaDB to open, for one statement, and for one answer from the
#: network, which has to be the longer one: the server then ends the statement, not the connection.
CONNECT_TIMEOUT = 2
STATEMENT_TIMEOUT = 8
READ_TIMEOUT = 10


@define(slots=False)
class MariaDB(Dialect):
    """A database of a MariaDB server, through mysqlclient."""

    url: MariaDBURL

    module = "MySQLdb"
    # The driver turns autocommit off, and so each statement that stands alone is a round trip.
    begin_read = None
    begin_write = None
    for_update = " FOR UPDATE"
    lock_schema = f"SELECT GET_LOCK(CONCAT('securechat.', DATABASE()), {LOCK_TIMEOUT})"
    unlock_schema = "SELECT RELEASE_LOCK(CONCAT('securechat.', DATABASE()))"

    #: Client errors 2000 to 2999 are all about the connection; these are the server's
    #: (https://mariadb.com/kb/en/mariadb-error-code-reference/).
    _LOST: ClassVar[frozenset[int]] = frozenset(
        {
            1053,  # ER_SERVER_SHUTDOWN
            1152,  # ER_ABORTING_CONNECTION
            1158,  # ER_NET_READ_ERROR
            1159,  # ER_NET_READ_INTERRUPTED
            1160,  # ER_NET_ERROR_ON_WRITE
            1161,  # ER_NET_WRITE_INTERRUPTED
            1184,  # ER_NEW_ABORTING_CONNECTION
            1927,  # ER_CONNECTION_KILLED
        }
    )
    _UNAVAILABLE: ClassVar[frozenset[int]] = _LOST | {
        1020,  # ER_CHECKREAD: the row changed since it was read
        1021,  # ER_DISK_FULL
        1030,  # ER_GET_ERRNO: an error of the storage engine
        1040,  # ER_CON_COUNT_ERROR
        1041,  # ER_OUT_OF_RESOURCES
        1044,  # ER_DBACCESS_DENIED_ERROR
        1045,  # ER_ACCESS_DENIED_ERROR
        1049,  # ER_BAD_DB_ERROR
        1114,  # ER_RECORD_FILE_FULL
        1129,  # ER_HOST_IS_BLOCKED
        1130,  # ER_HOST_NOT_PRIVILEGED
        1203,  # ER_TOO_MANY_USER_CONNECTIONS
        1205,  # ER_LOCK_WAIT_TIMEOUT
        1213,  # ER_LOCK_DEADLOCK
        1226,  # ER_USER_LIMIT_REACHED
        1290,  # ER_OPTION_PREVENTS_STATEMENT: --read-only
        1317,  # ER_QUERY_INTERRUPTED
        1836,  # ER_READ_ONLY_MODE
        1969,  # ER_STATEMENT_TIMEOUT
    }

    @cached_property
    def _driver(self) -> Any:
        """The driver's module, which is an extra."""
        try:
            return import_module(self.module)
        except ImportError as error:
            raise UnusableError(
                f"MariaDB needs mysqlclient, which cannot be imported ({error}): "
                "pip install 'securechat[mariadb]'"
            ) from None

    def prepare(self) -> None:
        """Import the driver, or tell how to install it."""
        _ = self._driver

    def arguments(self) -> dict[str, Any]:
        """Return the address and what has to be said before the session begins."""
        place: dict[str, Any] = (
            {"unix_socket": str(self.url.unix_socket)}
            if self.url.unix_socket
            # The client library takes "localhost" for its own default socket, whatever the port.
            else {
                "host": "127.0.0.1" if self.url.host == "localhost" else self.url.host,
                "port": self.url.port,
            }
        )
        return place | {
            "user": self.url.user,
            "password": self.url.password,
            "database": self.url.name,
            "charset": "utf8mb4",
            # Bytes in, bytes out, and never read as text on the way.
            "use_unicode": False,
            "binary_prefix": True,
            "multi_statements": False,
            # UPDATE counts the rows that it found, also those that it left as they were.
            "client_flag": import_module("MySQLdb.constants.CLIENT").FOUND_ROWS,
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": READ_TIMEOUT,
            "write_timeout": READ_TIMEOUT,
        }

    def opened(self, connection: Any, *, writes: bool) -> None:
        """Set the session's variables; a reader sees one snapshot per transaction."""
        cursor = connection.cursor()
        cursor.execute(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES', default_storage_engine = 'InnoDB', "
            f"max_statement_time = {STATEMENT_TIMEOUT}, innodb_lock_wait_timeout = {LOCK_TIMEOUT}, "
            f"lock_wait_timeout = {LOCK_TIMEOUT}"
        )
        if writes:
            # What another writer committed is seen as soon as its lock is free.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        else:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.close()

    def translate(self, sql: str) -> str:
        """Return ``sql`` with ``%s`` for a parameter."""
        return sql.replace("%", "%%").replace("?", "%s")

    def advance(self, cursor: Any, count: int) -> int | None:
        """Do both in one statement, whose answer has the sequence."""
        cursor.execute("UPDATE log_position SET sequence = LAST_INSERT_ID(sequence + %s)", (count,))
        return int(cursor.lastrowid) if cursor.rowcount else None

    def upsert(self, table: str, key: Sequence[str], columns: Sequence[str]) -> str:
        """Return INSERT ... ON DUPLICATE KEY UPDATE."""
        changes = ", ".join(f"{column} = VALUES({column})" for column in columns)
        return f"{plain_insert(table, key, columns)} ON DUPLICATE KEY UPDATE {changes}"

    def using(self, index: str) -> str:
        """Return FORCE INDEX, which makes a range of it cheaper than any other plan."""
        return f"FORCE INDEX ({index})"

    def tables_query(self) -> str:
        """Return a SELECT over information_schema."""
        return "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"

    def is_lost(self, error: BaseException) -> bool:
        """Return whether it is a client error about the connection, or the server ended it."""
        code = self._code(error)
        # 2014 is commands out of sync, a fault of this program.
        return code in self._LOST or (code is not None and 2000 <= code < 3000 and code != 2014)

    def is_unavailable(self, error: BaseException) -> bool:
        """Return whether the server is away, full, or refuses the connection or the lock."""
        return self.is_lost(error) or self._code(error) in self._UNAVAILABLE

    def is_duplicate(self, error: BaseException) -> bool:
        """Return whether it is ER_DUP_ENTRY."""
        return self._code(error) == 1062

    def handle(self, connection: Any) -> Any:
        """Return a second descriptor of the socket.

        The driver lets nobody near a connection in use, and closes its own
        descriptor on an error, whose number may be another client's then.
        """
        return os.dup(connection.fileno())

    def interrupt(self, handle: Any) -> None:
        """Shut the socket down, so that the driver's wait for it ends."""
        with suppress(OSError), socket.socket(fileno=os.dup(handle)) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

    def release(self, handle: Any) -> None:
        """Close the second descriptor."""
        os.close(handle)

    def _code(self, error: BaseException) -> int | None:
        """Return the number of a MariaDB error, ``None`` for any other exception."""
        if not isinstance(error, self._driver.Error) or not error.args:
            return None
        code = error.args[0]
        # InterfaceError(0, ""): the connection was closed under the statement.
        return 2006 if code == 0 else code if isinstance(code, int) else None
