"""The ports of the store, as the server sees them."""

# ruff: noqa: N805  (the methods of a zope interface have no self)

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from chat.network.directory import (
    Bundle,
    Claim,
    DeviceName,
    QueueLimits,
    Sending,
    SignedKey,
    Waiting,
)
from chat.network.errors import UnavailableError as UnavailableError
from chat.network.events import Entry
from chat.network.figures import Figures
from chat.network.history import Around, Layer, Page, Place, Recent, Room, Span
from chat.network.ids import EventId, Timestamp
from chat.network.records import Account, Checkpoint, Invited, Record, RecordKey
from chat.network.search import Found, Search

#: What a subscriber of the log is called with: entries in order, each exactly once.
Apply = Callable[[Sequence[Entry]], None]


class UnusableError(Exception):
    """The store cannot be used as it is set up; the text says why, and the remedy."""


class AccountExistsError(Exception):
    """An account of that name, in any case, is already there."""


class IEventLog(Interface):
    """One ordered, dense log of the network's events."""

    position: int = Attribute("The sequence of the last entry that the subscriber was given.")
    waiting: int = Attribute("How many entries wait to be stored.")
    crowded: Callable[[bool], None] = Attribute(
        "Called with whether so much waits that less should be appended, when that changes."
    )

    def append(entries: Sequence[Entry], *, deadline: float | None) -> Deferred[None]:
        """Put ``entries`` in the log as one atomic batch, in order.

        Fires after they are on disk *and* the subscriber has been called with
        them.  Entries of passing events are not written and keep their place in
        the order.  Fails with `UnavailableError` when the batch was not confirmed
        within ``deadline`` seconds, or at once when too much is waiting.  With
        ``None`` it is neither refused nor given up until it is on disk.
        """

    def read(after: int, limit: int) -> Deferred[list[Entry]]:
        """Return up to ``limit`` stored entries behind the sequence ``after``."""

    def subscribe(after: int, apply: Apply) -> Deferred[None]:
        """Call ``apply`` with everything stored behind ``after``, then with what follows.

        Fires when ``apply`` has had all that was stored at the time of the call.
        """

    def figures() -> Figures:
        """Return what the log measured of itself."""


class ICheckpoints(Interface):
    """What is so at some position of the log, so that a start reads little."""

    def load() -> Deferred[Checkpoint]:
        """Return the last checkpoint, at sequence 0 and empty in a new database."""

    def save(
        sequence: int, changed: Sequence[Record], removed: Sequence[RecordKey]
    ) -> Deferred[None]:
        """Move the checkpoint to ``sequence``: what changed, and is gone, since the last."""


class IHistory(Interface):
    """What was said: the log, by place and time."""

    def read(place: Place, part: Span | Around, layers: Sequence[Layer]) -> Deferred[Page | None]:
        """Return the entries of ``part``, or ``None`` where a reference is unknown."""

    def find(uid: EventId) -> Deferred[Entry | None]:
        """Return the entry of that id, or ``None``."""

    def targets(
        account: str | None,
        rooms: Sequence[Room],
        since: Timestamp,
        after: Timestamp,
        before: Timestamp,
        limit: int,
    ) -> Deferred[list[Recent]]:
        """Return the rooms and talks whose latest message is between two moments.

        Of talks, only what came from ``since`` on counts.
        """


class ISearcher(Interface):
    """Looks for messages."""

    def search(search: Search) -> Deferred[Found]:
        """Return what matches, as far as the search got."""


class IAccounts(Interface):
    """The accounts; names are compared without case (ASCII)."""

    def find(name: str) -> Deferred[Account | None]:
        """Return the account, or ``None``."""

    def all() -> Deferred[list[Account]]:
        """Return every account, by name."""

    def add(account: Account) -> Deferred[None]:
        """Add an account; fails with `AccountExistsError`."""

    def set_password(name: str, password: bytes, scram: bytes = b"") -> Deferred[bool]:
        """Replace hash and SCRAM keys; the result says whether the account was there."""

    def remove(name: str, entry: Entry) -> Deferred[bool]:
        """Remove the account, and put ``entry``, which tells so, behind the log's end.

        Both or neither; the result says whether the account was there.
        """


class IInvitations(Interface):
    """The invitations that were not withdrawn."""

    def add(invited: Invited) -> Deferred[None]:
        """Add an invitation."""

    def add_within(limit: int, invited: Invited) -> Deferred[bool]:
        """Add an invitation, unless ``limit`` of its account are open; return whether it was."""

    def find(id_: bytes) -> Deferred[Invited | None]:
        """Return the invitation, used or over or not, or ``None``."""

    def all() -> Deferred[list[Invited]]:
        """Return every invitation, the oldest first."""

    def use(id_: bytes, now: Timestamp) -> Deferred[bool]:
        """Use it up; the result says whether it could be: once, and in its time.

        Of several at the same time one succeeds.
        """

    def withdraw(id_: bytes) -> Deferred[bool]:
        """Remove an invitation; the result says whether it was there."""

    def prune(before: Timestamp) -> Deferred[int]:
        """Remove what expired before a moment, and return how many these were."""


class IDirectory(Interface):
    """The bundles and keys of end-to-end encryption (`chat.store.directory`).

    What was published with a certificate that is ``gone`` (fingerprints) is not there.
    """

    def publish(bundle: Bundle, gone: Collection[str], now: Timestamp) -> Deferred[bool]:
        """Replace a device's bundle; the result says whether it is another one."""

    def bundles(accounts: Sequence[str], gone: Collection[str]) -> Deferred[list[Bundle]]:
        """Return the bundles of these accounts' devices, in the order of their names."""

    def add_keys(
        device: DeviceName,
        keys: Sequence[SignedKey],
        limit: int,
        gone: Collection[str],
        now: Timestamp,
    ) -> Deferred[int | None]:
        """Keep keys, and return how many one-time keys there are; ``None``: it has no bundle."""

    def count_keys(device: DeviceName, gone: Collection[str]) -> Deferred[int]:
        """Return how many one-time keys there are."""

    def claim(device: DeviceName, gone: Collection[str], now: Timestamp) -> Deferred[Claim | None]:
        """Give a one-time key, which nobody gets again, or the fallback key."""

    def all() -> Deferred[list[Bundle]]:
        """Return who has a bundle and by which certificate, with no ``data``."""

    def remove(device: DeviceName, certificate: str) -> Deferred[bool]:
        """Remove all of a device that published with ``certificate``, and what waits for it."""


class IQueues(Interface):
    """What waits for devices (`chat.store.queues`)."""

    def send(
        receiver: DeviceName,
        sender: DeviceName,
        id_: str,
        data: bytes,
        gone: Collection[str],
        limits: QueueLimits,
        now: Timestamp,
    ) -> Deferred[Sending]:
        """Let a payload wait for a device; fires when it is on disk."""

    def read(
        receiver: DeviceName, gone: Collection[str], after: int, since: Timestamp, room: int
    ) -> Deferred[Waiting]:
        """Return what waits behind a position and came since a moment, in order."""

    def acknowledge(receiver: DeviceName, position: int) -> Deferred[int]:
        """Delete what waits up to a position, and return how many these were."""

    def prune(before: Timestamp) -> Deferred[int]:
        """Delete what came before a moment, and return how many these were."""
