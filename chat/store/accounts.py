"""The accounts' table."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.irc.casemap import ascii_fold
from chat.network.events import Entry
from chat.network.ids import Timestamp
from chat.network.records import Account
from chat.store.database import Cursor, Database
from chat.store.directory import forget_account
from chat.store.event_table import Row, append_rows, encode_row
from chat.store.interfaces import AccountExistsError, IAccounts

_SELECT = "SELECT name, password, role, created, scram FROM account"


@implementer(IAccounts)
@frozen
class Accounts:
    """Every method fails with `UnavailableError` when the database does not answer in time."""

    _database: Database

    def find(self, name: str) -> Deferred[Account | None]:
        """Return the account, or ``None``."""
        return self._database.run_read(_find, _key(name))

    def all(self) -> Deferred[list[Account]]:
        """Return every account, by name."""
        return self._database.run_read(_all)

    def add(self, account: Account) -> Deferred[None]:
        """Add an account; fails with `AccountExistsError`."""
        return self._database.run_write(_add, account)

    def set_password(self, name: str, password: bytes, scram: bytes = b"") -> Deferred[bool]:
        """Replace hash and keys; the result says whether the account was there."""
        return self._database.run_write(_set_password, _key(name), password, scram)

    def remove(self, name: str, entry: Entry) -> Deferred[bool]:
        """Remove the account, and put ``entry``, which tells so, behind the log's end.

        Both or neither; the result says whether the account was there.
        """
        return self._database.run_write(_remove, _key(name), encode_row(entry))


def _key(name: str) -> bytes:
    """Return the form under which names are compared; what a client sent may be any text."""
    return ascii_fold(name).encode("utf-8", "surrogatepass")


def _account(row: tuple[Any, ...]) -> Account:
    name, password, role, created, scram = row
    return Account(name.decode(), password, role.decode(), Timestamp(created), scram)


def _find(cursor: Cursor, key: bytes) -> Account | None:
    cursor.execute(f"{_SELECT} WHERE folded = ?", (key,))
    row = cursor.fetchone()
    return None if row is None else _account(row)


def _all(cursor: Cursor) -> list[Account]:
    cursor.execute(f"{_SELECT} ORDER BY folded")
    return [_account(row) for row in cursor.fetchall()]


def _add(cursor: Cursor, account: Account) -> None:
    try:
        cursor.execute(
            "INSERT INTO account (folded, name, password, role, created, scram)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                _key(account.name),
                account.name.encode(),
                account.password,
                account.role.encode(),
                account.created,
                account.scram,
            ),
        )
    except Exception as error:
        # The unique key decides between two that ask at the same time.
        if cursor.dialect.is_duplicate(error):
            raise AccountExistsError(f"there is an account {account.name} already") from None
        raise


def _set_password(cursor: Cursor, key: bytes, password: bytes, scram: bytes) -> bool:
    cursor.execute(
        "UPDATE account SET password = ?, scram = ? WHERE folded = ?", (password, scram, key)
    )
    return cursor.rowcount > 0


def _remove(cursor: Cursor, key: bytes, row: Row) -> bool:
    cursor.execute("DELETE FROM account WHERE folded = ?", (key,))
    is_gone = cursor.rowcount > 0
    if is_gone:
        forget_account(cursor, key)
        append_rows(cursor, [row])
    return is_gone
