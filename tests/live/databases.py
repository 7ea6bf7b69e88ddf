"""The two databases that live tests run on, and what a test reads from them directly."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable

from attrs import frozen

from tests.support.mariadb import MariaDBServer
from tests.support.servers import Home, make_home


@frozen
class Stored:
    """A network on some database; ``query`` runs SQL there, past the server."""

    home: Home
    query: Callable[[str], list[tuple[object, ...]]]

    def messages(self) -> Counter[str]:
        """Return how often each text is in the log, after a look at its order."""
        [(count, last)] = self.query("SELECT COUNT(*), MAX(sequence) FROM event")
        assert count == last, f"{count} events, the last is number {last}"
        # As bytes, which is what stands in the column: no text equals them in SQLite.
        kind = f"X'{b'MessageSent'.hex()}'"
        rows = self.query(f"SELECT payload FROM event WHERE kind = {kind} ORDER BY sequence")
        payloads = (row[0] for row in rows)
        return Counter(json.loads(payload)["text"] for payload in payloads)  # type: ignore[arg-type]


def on_sqlite(**sections: str) -> Stored:
    """Return a network on SQLite."""
    home = make_home(**sections)

    def query(sql: str) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(home.directory / "securechat.db", isolation_level=None)
        try:
            with connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return Stored(home, query)


def on_mariadb(
    server: MariaDBServer, make: Callable[..., Home] = make_home, **sections: str
) -> Stored:
    """Return a network on a new database of a MariaDB server that runs."""
    name = server.create_database()
    home = make(server.url(name), **sections)
    return Stored(home, lambda sql: server.execute(f"USE {name}", sql))
