"""The tables of the directory of end-to-end encryption: bundles, and keys that are given once.

What is given is first taken: a crash between the two loses a key, and gives none twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from chat.network.directory import Bundle, Claim, DeviceName, SignedKey
from chat.network.ids import Timestamp
from chat.store.database import Cursor, Database
from chat.store.interfaces import IDirectory

#: Keys that were given and are remembered, for each that may be kept.
_REMEMBERED = 10
#: Accounts of one SELECT.
_ACCOUNTS = 500

#: A device as the columns have it: account and name, in lower case.
Key = tuple[bytes, bytes]
_OWNER = "account = ? AND device = ?"


@implementer(IDirectory)
@frozen
class Directory:
    """Every method fails with `UnavailableError` when the database does not answer in time.

    What was published with a certificate that is ``gone`` (fingerprints) is not there.
    """

    _database: Database

    def publish(self, bundle: Bundle, gone: Collection[str], now: Timestamp) -> Deferred[bool]:
        """Replace a device's bundle; the result says whether it is another one."""
        return self._database.run_write(_publish, bundle, gone, now)

    def bundles(self, accounts: Sequence[str], gone: Collection[str]) -> Deferred[list[Bundle]]:
        """Return the bundles of these accounts' devices, in the order of their names."""
        return self._database.run_read(_bundles, accounts, gone)

    def add_keys(
        self,
        device: DeviceName,
        keys: Sequence[SignedKey],
        limit: int,
        gone: Collection[str],
        now: Timestamp,
    ) -> Deferred[int | None]:
        """Keep ``keys``, the newest ``limit`` of them all and one fallback key.

        One that was given before is passed over.  Returns how many one-time keys
        there are, or ``None`` for a device without a bundle.
        """
        return self._database.run_write(_add_keys, key_of(device), keys, limit, gone, now)

    def count_keys(self, device: DeviceName, gone: Collection[str]) -> Deferred[int]:
        """Return how many one-time keys there are."""
        return self._database.run_read(_count_there, key_of(device), gone)

    def claim(
        self, device: DeviceName, gone: Collection[str], now: Timestamp
    ) -> Deferred[Claim | None]:
        """Give the oldest one-time key, which nobody gets again, or else the fallback key.

        The result is ``None`` for a device without a bundle.
        """
        return self._database.run_write(_claim, key_of(device), gone, now)

    def all(self) -> Deferred[list[Bundle]]:
        """Return who has a bundle and by which certificate, with no ``data``."""
        return self._database.run_read(_all)

    def remove(self, device: DeviceName, certificate: str) -> Deferred[bool]:
        """Remove all of a device that published with ``certificate``, and what waits for it."""
        return self._database.run_write(_remove, key_of(device), certificate)


def key_of(device: DeviceName) -> Key:
    """Return a device as the columns have it."""
    folded = device.folded()
    return folded.account.encode(), folded.device.encode()


def locked_name(cursor: Cursor, key: Key, gone: Collection[str]) -> DeviceName | None:
    """Return a device that has a bundle; its rows are this transaction's until it ends."""
    cursor.execute(
        f"SELECT name, certificate FROM e2e_device WHERE {_OWNER}{cursor.dialect.for_update}",  # noqa: S608
        key,
    )
    row = cursor.fetchone()
    return None if row is None or row[1].decode() in gone else _name(row[0])


def is_there(cursor: Cursor, key: Key, gone: Collection[str]) -> bool:
    """Return whether a device has a bundle."""
    cursor.execute(f"SELECT certificate FROM e2e_device WHERE {_OWNER}", key)  # noqa: S608
    row = cursor.fetchone()
    return row is not None and row[0].decode() not in gone


def forget_account(cursor: Cursor, account: bytes) -> None:
    """Delete all of an account's devices."""
    for table in ("e2e_payload", "e2e_key", "e2e_device"):
        cursor.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608


def _name(column: bytes) -> DeviceName:
    account, _, device = column.decode().partition("/")
    return DeviceName(account, device)


def _publish(cursor: Cursor, bundle: Bundle, gone: Collection[str], now: Timestamp) -> bool:
    key = key_of(bundle.device)
    if locked_name(cursor, key, gone) is None:
        # Nothing of one that is gone passes to the next device of its name.
        _delete(cursor, key)
        cursor.execute(
            "INSERT INTO e2e_device (account, device, name, bundle, certificate, expires, position)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*key, *_facts(bundle), now),
        )
        return True
    cursor.execute(f"SELECT bundle FROM e2e_device WHERE {_OWNER}", key)  # noqa: S608
    is_other = cursor.fetchone() != (bundle.data,)
    cursor.execute(
        "UPDATE e2e_device SET name = ?, bundle = ?, certificate = ?, expires = ?"  # noqa: S608
        f" WHERE {_OWNER}",
        (*_facts(bundle), *key),
    )
    return is_other


def _facts(bundle: Bundle) -> tuple[bytes, bytes, bytes, Timestamp]:
    return str(bundle.device).encode(), bundle.data, bundle.certificate.encode(), bundle.expires


def _bundles(cursor: Cursor, accounts: Sequence[str], gone: Collection[str]) -> list[Bundle]:
    keys = sorted({DeviceName(account, "").folded().account.encode() for account in accounts})
    found = []
    for start in range(0, len(keys), _ACCOUNTS):
        some = keys[start : start + _ACCOUNTS]
        marks = ", ".join("?" * len(some))
        cursor.execute(
            "SELECT name, bundle, certificate, expires FROM e2e_device"  # noqa: S608
            f" WHERE account IN ({marks}) ORDER BY account, device",
            some,
        )
        found += [_bundle(*row) for row in cursor.fetchall()]
    return [bundle for bundle in found if bundle.certificate not in gone]


def _all(cursor: Cursor) -> list[Bundle]:
    cursor.execute("SELECT name, certificate, expires FROM e2e_device ORDER BY account, device")
    return [_bundle(name, b"", *rest) for name, *rest in cursor.fetchall()]


def _bundle(name: bytes, data: bytes, certificate: bytes, expires: int) -> Bundle:
    return Bundle(_name(name), data, certificate.decode(), Timestamp(expires))


def _add_keys(
    cursor: Cursor,
    key: Key,
    keys: Sequence[SignedKey],
    limit: int,
    gone: Collection[str],
    now: Timestamp,
) -> int | None:
    if locked_name(cursor, key, gone) is None:
        return None
    cursor.execute(f"SELECT digest, number FROM e2e_key WHERE {_OWNER}", key)  # noqa: S608
    known = {digest: int(number) for digest, number in cursor.fetchall()}
    number = max(known.values(), default=0)
    for each in keys:
        digest = sha256(each.key).digest()
        if digest in known:
            continue
        known[digest] = number = number + 1
        # What the device calls by the same name now, it does not have any more.
        cursor.execute(
            f"DELETE FROM e2e_key WHERE {_OWNER} AND given IS NULL"  # noqa: S608
            " AND ((fallback = 0 AND ? = 0 AND id = ?) OR (fallback = 1 AND ? = 1))",
            (*key, each.is_fallback, each.id.encode(), each.is_fallback),
        )
        cursor.execute(
            "INSERT INTO e2e_key (account, device, digest, id, fallback, number, given, data)"
            " VALUES (?, ?, ?, ?, ?, ?, NULL, ?)",
            (*key, digest, each.id.encode(), each.is_fallback, number, each.data),
        )
    excess = _count(cursor, key) - limit
    if excess > 0:
        cursor.execute(
            f"SELECT digest FROM e2e_key WHERE {_OWNER} AND fallback = 0"  # noqa: S608
            " AND given IS NULL ORDER BY number LIMIT ?",
            (*key, excess),
        )
        for (digest,) in cursor.fetchall():
            _give(cursor, key, digest, now)
    _forget_given(cursor, key, limit * _REMEMBERED)
    return _count(cursor, key)


def _forget_given(cursor: Cursor, key: Key, limit: int) -> None:
    """Remember of the keys that were given the last ``limit`` only."""
    cursor.execute(
        f"SELECT number FROM e2e_key WHERE {_OWNER} AND fallback = 0"  # noqa: S608
        " AND given IS NOT NULL ORDER BY number DESC LIMIT 1 OFFSET ?",
        (*key, limit),
    )
    row = cursor.fetchone()
    if row is not None:
        cursor.execute(
            f"DELETE FROM e2e_key WHERE {_OWNER} AND fallback = 0"  # noqa: S608
            " AND given IS NOT NULL AND number <= ?",
            (*key, row[0]),
        )


def _count_there(cursor: Cursor, key: Key, gone: Collection[str]) -> int:
    return _count(cursor, key) if is_there(cursor, key, gone) else 0


def _count(cursor: Cursor, key: Key) -> int:
    cursor.execute(
        f"SELECT COUNT(*) FROM e2e_key WHERE {_OWNER} AND fallback = 0 AND given IS NULL",  # noqa: S608
        key,
    )
    ((count,),) = cursor.fetchall()
    return int(count)


def _claim(cursor: Cursor, key: Key, gone: Collection[str], now: Timestamp) -> Claim | None:
    device = locked_name(cursor, key, gone)
    if device is None:
        return None
    cursor.execute(
        f"SELECT digest, data FROM e2e_key WHERE {_OWNER} AND fallback = 0"  # noqa: S608
        " AND given IS NULL ORDER BY number LIMIT 1",
        key,
    )
    row = cursor.fetchone()
    if row is not None:
        _give(cursor, key, row[0], now)
        return Claim(device, row[1], _count(cursor, key))
    cursor.execute(f"SELECT data FROM e2e_key WHERE {_OWNER} AND fallback = 1", key)  # noqa: S608
    row = cursor.fetchone()
    return Claim(device, None if row is None else row[0], 0)


def _give(cursor: Cursor, key: Key, digest: bytes, now: Timestamp) -> None:
    cursor.execute(
        f"UPDATE e2e_key SET given = ?, data = ? WHERE {_OWNER} AND digest = ?",  # noqa: S608
        (now, b"", *key, digest),
    )


def _remove(cursor: Cursor, key: Key, certificate: str) -> bool:
    locked_name(cursor, key, ())
    cursor.execute(
        f"SELECT certificate FROM e2e_device WHERE {_OWNER}",  # noqa: S608
        key,
    )
    if cursor.fetchone() != (certificate.encode(),):
        return False  # it published again meanwhile
    _delete(cursor, key)
    return True


def _delete(cursor: Cursor, key: Key) -> None:
    for table in ("e2e_payload", "e2e_key", "e2e_device"):
        cursor.execute(f"DELETE FROM {table} WHERE {_OWNER}", key)  # noqa: S608
