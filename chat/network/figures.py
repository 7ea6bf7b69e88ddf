"""What the server measures of itself, for its operators."""

from __future__ import annotations

from attrs import frozen


@frozen
class Spread:
    """The middle of what was measured, what 99 of 100 stay below, and the most."""

    p50: float
    p99: float
    most: float


@frozen
class Figures:
    """The log and its load; spreads are of the last transactions, counts since the start."""

    #: Entries that wait, the most that ever did, and how many may.
    waiting: int
    most_waiting: int
    queue: int
    #: Transactions, the entries that came of them, and attempts in vain.
    batches: int
    entries: int
    failures: int
    #: Entries of a transaction, and of the queue when one began.
    batch: Spread
    depth: Spread
    #: Seconds that a transaction took.
    commit: Spread
    #: Sessions that wait until less is to be stored, and how often it came to that.
    held: int = 0
    overloads: int = 0
    #: Commands that were refused because they were not stored in time.
    refused: int = 0
    #: What somebody should look after before its time is over.
    alarms: tuple[str, ...] = ()
