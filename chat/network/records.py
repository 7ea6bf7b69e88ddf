"""What outlives the sessions: accounts, and channels as a checkpoint keeps them."""

from __future__ import annotations

from enum import Enum, auto

from attrs import field, frozen

from chat.network.certificate import Certificate
from chat.network.ids import ClientId, Sequence, SessionId, Timestamp

#: What an account may do, from least to most.
ROLES = ("user", "operator", "admin")


@frozen
class Account:
    """One account; ``password`` is a bcrypt hash, ``scram`` the keys of the same password.

    Both are ``b""`` where there is no password, and neither shows in a repr.
    """

    name: str
    password: bytes = field(repr=False)
    role: str
    created: Timestamp
    scram: bytes = field(default=b"", repr=False)


@frozen
class Invited:
    """An invitation of a device; ``id`` is the public key that proves that one has its code."""

    id: bytes
    account: str
    device: str
    #: What the account will be, where it is made by this invitation.
    role: str
    created: Timestamp
    expires: Timestamp
    used: Timestamp | None = None


@frozen
class InvitationCode:
    """What brings a device in, and until when; whoever has the code is the account."""

    code: str = field(repr=False)
    expires: Timestamp


class NotInvited(Enum):
    """Why there is no invitation."""

    CANNOT_SIGN = auto()
    TOO_MANY = auto()


@frozen
class TopicRecord:
    """A topic, the source that set it, and when."""

    text: str
    source: str
    time: Timestamp


@frozen
class ListEntry:
    """One mask of a channel's list mode, the source that added it, and when."""

    mask: str
    source: str
    time: Timestamp


@frozen
class ChannelRecord:
    """All of a channel that survives a restart, but who is kept on it: see `KeptClient`.

    ``modes`` maps a letter to its parameter (``""`` for a flag), ``lists`` a
    letter to its masks, ``ranks`` an account to its prefix mode letters.
    """

    name: str
    created: Timestamp
    topic: TopicRecord | None
    modes: dict[str, str]
    lists: dict[str, tuple[ListEntry, ...]]
    ranks: dict[str, str]
    metadata: dict[str, str] = field(factory=dict)


@frozen
class NetworkBan:
    """Who may not use the network: by a mask of `chat.network.bans`, until ``expires`` if ever."""

    name: str
    reason: str
    source: str
    time: Timestamp
    expires: Timestamp | None = None


@frozen
class ReadMarkers:
    """Up to when the account ``name`` has read each place, by the place's folded name."""

    name: str
    times: dict[str, Timestamp]


@frozen
class AccountMetadata:
    """What the account ``name`` says about itself, by key."""

    name: str
    values: dict[str, str]


@frozen
class KnownCertificate:
    """A certificate with which an account was used: since and until when, and from where.

    ``removed_by`` is who removed the device, if anybody, and ``revoked`` why the authority
    revoked the certificate, if it did (empty for no reason given): then it lets nobody in.
    """

    certificate: Certificate
    first_seen: Timestamp
    #: When a session began the last time.
    last_login: Timestamp
    #: When a session began or ended the last time.
    last_seen: Timestamp
    host: str = ""
    removed_by: str | None = None
    revoked: str | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it lets nobody in any more, before its time is over."""
        return self.removed_by is not None or self.revoked is not None


@frozen
class AccountDevices:
    """The certificates with which the account ``name`` was used, by their fingerprints."""

    name: str
    certificates: dict[str, KnownCertificate]


@frozen
class KeptClient:
    """The client of the account ``name``, which is there with and without a session.

    ``seen`` is when it last had one, ``modes`` the letters of its user modes;
    ``channels`` maps the folded name of each channel to when it joined.
    """

    name: str
    client: ClientId
    nick: str
    username: str
    host: str
    realname: str
    role: str
    signon: Timestamp
    seen: Timestamp
    away: str | None = None
    modes: str = ""
    channels: dict[str, Timestamp] = field(factory=dict)
    sessions: dict[SessionId, Certificate] = field(factory=dict)


@frozen
class Persistence:
    """Whether the account ``name`` wants its client kept."""

    name: str
    wish: bool


Record = (
    ChannelRecord
    | NetworkBan
    | ReadMarkers
    | AccountMetadata
    | AccountDevices
    | KeptClient
    | Persistence
)

#: What a checkpoint keeps: each kind under the name by which the database tells them apart.
RECORDS: dict[str, type[Record]] = {
    "channel": ChannelRecord,
    "ban": NetworkBan,
    "markers": ReadMarkers,
    "metadata": AccountMetadata,
    "devices": AccountDevices,
    "client": KeptClient,
    "persistence": Persistence,
}


@frozen
class RecordKey:
    """Which record: its class, and its folded name."""

    kind: type[Record]
    name: str


@frozen
class Checkpoint:
    """The records as they are after the entry at ``sequence``."""

    sequence: Sequence
    records: tuple[Record, ...]
