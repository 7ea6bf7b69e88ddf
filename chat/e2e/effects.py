"""What the engine gives back: lines to send, results, and what its owner has to know."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from chat.irc.message import Message
from chat.pki.authority import Identity


@frozen
class Transmit:
    """A line for the server."""

    message: Message


@frozen
class Ready:
    """What an encryption for ``target`` waited for may be there: ask again."""

    target: str


@frozen
class Readable:
    """Messages of ``account`` with this session can be decrypted now, which could not before."""

    account: str
    to: str
    session: str


@frozen
class NewDevice:
    """A device that an account did not have before; ``own`` if it is one's own account."""

    device: Identity
    own: bool


@frozen
class KeysChanged:
    """A device has other keys; ``blocked``: it was verified, and gets nothing for now."""

    device: Identity
    blocked: bool


@frozen
class DevicesGone:
    """Devices of an account that the server lists no more."""

    account: str
    devices: tuple[str, ...]


@frozen
class AttackRefused:
    """Something that an honest server and honest devices do not do; nothing came of it."""

    about: str
    reason: str


@frozen
class ModeDropped:
    """The server says that an encrypted room is not encrypted; it stays so here."""

    room: str


@frozen
class Undelivered:
    """A device does not get the room's key for now, and why."""

    device: str
    reason: str


@frozen
class VerificationAsked:
    """A device wants to compare a short authentication string."""

    id: str
    device: Identity


@frozen
class Compare:
    """What both persons see if nobody is in between; names and pictures of seven emoji."""

    id: str
    device: Identity
    emojis: tuple[tuple[str, str], ...]


@frozen
class Verified:
    """Both sides compared, and the device is verified."""

    device: Identity


@frozen
class VerificationFailed:
    """A comparison that came to nothing."""

    id: str
    device: Identity
    reason: str


Effect = (
    Transmit
    | Ready
    | Readable
    | NewDevice
    | KeysChanged
    | DevicesGone
    | AttackRefused
    | ModeDropped
    | Undelivered
    | VerificationAsked
    | Compare
    | Verified
    | VerificationFailed
)


class Reason(Enum):
    """Why a message is not shown."""

    REPLAYED = "replayed"
    WRONG_ROOM = "wrong_room"
    WRONG_SENDER = "wrong_sender"
    UNKNOWN_SESSION = "unknown_session"
    UNVERIFIED_DEVICE = "unverified_device"
    MALFORMED = "malformed"
    TOO_OLD = "too_old"
    REVOKED = "revoked"


@frozen
class Plain:
    """What a message says.

    ``missing`` is how many earlier messages of that sender have not come; ``via`` is the
    device that passed the key on, if it was not the sender's; ``is_proven`` is False in
    rooms with a passphrase, where any member can write in another's name.
    """

    sender: Identity
    kind: str
    body: str
    ref: str
    seq: int
    part: tuple[int, int]
    missing: int = 0
    via: str = ""
    is_proven: bool = True


@frozen
class Sealed:
    """A message that is not shown; ``effects`` may ask for its key."""

    reason: Reason
    effects: tuple[Effect, ...] = ()


@frozen
class Sending:
    """The lines that carry a message, in order; to be sent now, on this connection."""

    lines: tuple[Message, ...]


@frozen
class Waiting:
    """What is missing was asked for with these lines; `Ready` says when to try again."""

    missing: str
    lines: tuple[Message, ...]


@frozen
class Denied:
    """The message is not encrypted, and must not be sent: ``reason`` is for its author."""

    reason: str


Outcome = Sending | Waiting | Denied
