"""What the directory of end-to-end encryption keeps of devices, and what it answers.

Bundles, keys and payloads are the clients' own: nothing here looks into them.
docs/extensions.md has the protocol.
"""

from __future__ import annotations

from enum import Enum, auto

from attrs import field, frozen

from chat.irc.casemap import ascii_fold
from chat.irc.names import is_account_name
from chat.network.ids import Timestamp

#: What the name of an account, and of a device, has at the most: the certificate's limit.
_NAME_LENGTH = 64


@frozen
class DeviceName:
    """A device and its account, as a certificate names them."""

    account: str
    device: str

    def __str__(self) -> str:
        return f"{self.account}/{self.device}"

    @classmethod
    def parse(cls, word: str) -> DeviceName:
        """Return what ``account/device`` names; raises ValueError where it names nothing."""
        name = cls(*word.split("/")) if word.count("/") == 1 else cls("", "")
        if not name.is_valid:
            raise ValueError(f"{word!r} is no account/device")
        return name

    @property
    def is_valid(self) -> bool:
        """Whether both parts can be told apart on the wire."""
        return all(is_account_name(part, _NAME_LENGTH) for part in (self.account, self.device))

    def folded(self) -> DeviceName:
        """Return the form under which devices are compared."""
        return DeviceName(ascii_fold(self.account), ascii_fold(self.device))


@frozen
class Bundle:
    """What a device published, and the certificate with which it did that."""

    device: DeviceName
    data: bytes
    #: SHA-256 in hexadecimal, and when it ends.
    certificate: str
    expires: Timestamp


@frozen
class SignedKey:
    """A key with which somebody begins a session with a device; ``data`` is all of it."""

    id: str
    #: The public key itself, by which it is known when it is uploaded again.
    key: bytes
    data: bytes
    is_fallback: bool = False


@frozen
class Claim:
    """The answer to a claim: a key, where there is any, and how many one-time keys are left."""

    device: DeviceName
    key: bytes | None
    left: int


class NotClaimed(Enum):
    """Why a claim is not answered with a key."""

    UNKNOWN_DEVICE = auto()
    RATE_LIMITED = auto()


class Sending(Enum):
    """What became of a payload."""

    SENT = auto()
    UNKNOWN_DEVICE = auto()
    QUEUE_FULL = auto()
    #: The sender gave the same id to another payload that waits.
    ID_IN_USE = auto()


@frozen
class QueueLimits:
    """How much waits for one device: payloads, those of one sender, and since when."""

    messages: int
    of_sender: int
    since: Timestamp


@frozen
class Payload:
    """What one device sends to another: it waits at its ``position`` until that is acknowledged."""

    sender: DeviceName
    position: int
    data: bytes = field(repr=False)


@frozen
class Waiting:
    """The next payloads of a device, in order, and whether these were all."""

    payloads: tuple[Payload, ...]
    is_end: bool


@frozen
class Inbox:
    """How far one session of a device has been sent what waits for the device."""

    #: The position of the last payload that it was sent.
    last: int = 0
    #: Position and bytes of those that it has not acknowledged.
    unacknowledged: tuple[tuple[int, int], ...] = ()
    #: Whether it was told how many one-time keys are left.
    is_told: bool = False

    @property
    def size(self) -> int:
        """The bytes that the client has not acknowledged."""
        return sum(size for _, size in self.unacknowledged)
