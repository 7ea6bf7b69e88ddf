"""What E2E asks of the directory and its queues.

An answer that is not to be had in time is an `UnavailableError`, as for any `Query`.
"""

from __future__ import annotations

from attrs import field, frozen

from chat.features.feature import Query
from chat.network.directory import Bundle, DeviceName, QueueLimits, SignedKey
from chat.network.ids import Timestamp


class DirectoryQuery(Query):
    """A question to the directory."""


@frozen
class Publish(DirectoryQuery):
    """Answered with whether the device's bundle is another one now.

    Here and below, what was published with a certificate that is ``gone`` is not there.
    """

    bundle: Bundle
    gone: frozenset[str]
    now: Timestamp


@frozen
class ReadBundles(DirectoryQuery):
    """Answered with a list of `Bundle`, in the order of the devices' names."""

    accounts: tuple[str, ...]
    gone: frozenset[str]


@frozen
class AddKeys(DirectoryQuery):
    """Answered with how many one-time keys are kept, ``None`` for a device without a bundle."""

    device: DeviceName
    keys: tuple[SignedKey, ...] = field(repr=False)
    limit: int
    gone: frozenset[str]
    now: Timestamp


@frozen
class CountKeys(DirectoryQuery):
    """Answered with how many one-time keys are kept."""

    device: DeviceName
    gone: frozenset[str]


@frozen
class ClaimKey(DirectoryQuery):
    """Answered with a `Claim`, or `NotClaimed`."""

    claimant: DeviceName
    device: DeviceName
    #: Claims of the claimant in a minute, and of those for this device.
    in_all: int
    of_device: int
    gone: frozenset[str]
    now: Timestamp


@frozen
class SendPayload(DirectoryQuery):
    """Answered with `Sending`, once it is on disk."""

    receiver: DeviceName
    sender: DeviceName
    id: str
    data: bytes = field(repr=False)
    gone: frozenset[str]
    limits: QueueLimits
    now: Timestamp


@frozen
class ReadPayloads(DirectoryQuery):
    """Answered with `Waiting`: what is behind a position, as much as ``room`` bytes hold."""

    receiver: DeviceName
    gone: frozenset[str]
    after: int
    since: Timestamp
    room: int


@frozen
class Acknowledge(DirectoryQuery):
    """Answered with how many payloads were deleted, those up to ``position``."""

    receiver: DeviceName
    position: int


@frozen
class ReadRevocations(DirectoryQuery):
    """Answered with the authority's revocation lists that are in force, as PEM."""
