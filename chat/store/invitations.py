"""The invitations' table."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.network.ids import Timestamp
from chat.network.records import Invited
from chat.store.database import Cursor, Database
from chat.store.interfaces import IInvitations

_COLUMNS = "id, account, device, role, created, expires, used"


@implementer(IInvitations)
@frozen
class Invitations:
    """Every method fails with `UnavailableError` when the database does not answer in time."""

    _database: Database

    def add(self, invited: Invited) -> Deferred[None]:
        """Add an invitation."""
        return self._database.run_write(_add, invited)

    def add_within(self, limit: int, invited: Invited) -> Deferred[bool]:
        """Add an invitation, unless ``limit`` of its account are open; return whether it was."""
        return self._database.run_write(_add_within, limit, invited)

    def find(self, id_: bytes) -> Deferred[Invited | None]:
        """Return the invitation, used or over or not, or ``None``."""
        return self._database.run_read(_find, id_)

    def all(self) -> Deferred[list[Invited]]:
        """Return every invitation, the oldest first."""
        return self._database.run_read(_all)

    def use(self, id_: bytes, now: Timestamp) -> Deferred[bool]:
        """Use it up; the result says whether it could be: once, and in its time."""
        return self._database.run_write(_use, id_, now)

    def withdraw(self, id_: bytes) -> Deferred[bool]:
        """Remove an invitation; the result says whether it was there."""
        return self._database.run_write(_withdraw, id_)

    def prune(self, before: Timestamp) -> Deferred[int]:
        """Remove what expired before a moment, and return how many these were."""
        return self._database.run_write(_prune, before)


def _invited(row: tuple[Any, ...]) -> Invited:
    id_, account, device, role, created, expires, used = row
    return Invited(
        id_,
        account.decode(),
        device.decode(),
        role.decode(),
        Timestamp(created),
        Timestamp(expires),
        None if used is None else Timestamp(used),
    )


def _add(cursor: Cursor, invited: Invited) -> None:
    cursor.execute(
        f"INSERT INTO invitation ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            invited.id,
            invited.account.encode(),
            invited.device.encode(),
            invited.role.encode(),
            invited.created,
            invited.expires,
            invited.used,
        ),
    )


def _add_within(cursor: Cursor, limit: int, invited: Invited) -> bool:
    cursor.execute(
        "SELECT account FROM invitation WHERE used IS NULL AND expires > ?", (invited.created,)
    )
    # Names are compared without case, and what is open is little.
    account = invited.account.lower()
    if sum(other.decode().lower() == account for (other,) in cursor.fetchall()) >= limit:
        return False
    _add(cursor, invited)
    return True


def _find(cursor: Cursor, id_: bytes) -> Invited | None:
    cursor.execute(f"SELECT {_COLUMNS} FROM invitation WHERE id = ?", (id_,))  # noqa: S608
    row = cursor.fetchone()
    return None if row is None else _invited(row)


def _all(cursor: Cursor) -> list[Invited]:
    cursor.execute(f"SELECT {_COLUMNS} FROM invitation ORDER BY created, id")  # noqa: S608
    return [_invited(row) for row in cursor.fetchall()]


def _use(cursor: Cursor, id_: bytes, now: Timestamp) -> bool:
    # One statement decides between those that use it at the same time.
    cursor.execute(
        "UPDATE invitation SET used = ? WHERE id = ? AND used IS NULL AND expires > ?",
        (now, id_, now),
    )
    return cursor.rowcount > 0


def _withdraw(cursor: Cursor, id_: bytes) -> bool:
    cursor.execute("DELETE FROM invitation WHERE id = ?", (id_,))
    return cursor.rowcount > 0


def _prune(cursor: Cursor, before: Timestamp) -> int:
    cursor.execute("DELETE FROM invitation WHERE expires < ?", (before,))
    return cursor.rowcount
