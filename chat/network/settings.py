"""What the operator of a network decides, as far as the domain needs it.

The names are those of ``securechat.toml``; `chat.server.config` reads it.
"""

from __future__ import annotations

from typing import Literal, NewType

from attrs import field, frozen

from chat.network.ids import Timestamp

#: A whole number, or 0 for no bound.
Bound = NewType("Bound", int)
UNBOUNDED = Bound(0)


@frozen
class AccountSettings:
    """Section ``[accounts]``; the defaults are the strict ones."""

    #: ``required``: SASL before registration completes; ``optional``: not needed.
    login: Literal["required", "optional"] = "required"
    #: ``certificate``: who logs in must be the account in the certificate; ``any``.
    identity: Literal["certificate", "any"] = "certificate"
    #: ``required``, or ``optional``: the certificate alone suffices (SASL EXTERNAL).
    password: Literal["required", "optional"] = "required"  # noqa: S105
    #: ``account``: the nickname is the account's name; ``any``.
    nickname: Literal["account", "any"] = "account"
    #: ``closed``: accounts are made by an administrator; ``open``.
    registration: Literal["closed", "open"] = "closed"
    #: Whether, where registration is open, one may register before one is connected.
    registration_before_connect: bool = True
    #: Whose client stays with no device connected: everybody's, everybody's who does not
    #: say no (``opt-out``), only theirs who say yes (``opt-in``; `PERSISTENCE`), or nobody's.
    persistence: Literal["mandatory", "opt-out", "opt-in", "disabled"] = "opt-out"


@frozen
class Limits:
    """Section ``[limits]``; lengths in bytes, times in seconds."""

    flood: bool = True
    #: Lines that may come at once, and how many more per second after that.
    flood_burst: int = 20
    flood_rate: float = 2.0
    nick_length: int = 30
    user_length: int = 18
    realname_length: int = 150
    channel_length: int = 64
    channels: int = 100
    #: Channels that an account may have a rank in, and so keep alive with nobody there.
    kept_channels: int = 200
    topic_length: int = 390
    away_length: int = 200
    kick_length: int = 255
    key_length: int = 23
    modes: int = 20
    bans: int = 100
    targets: int = 4
    monitors: int = 100
    #: Bytes and lines of one multiline message.
    multiline_bytes: int = 4096
    multiline_lines: int = 32
    #: Read markers of one account.
    markers: int = 1000
    #: Keys of metadata that one account, guest or channel has.
    metadata_keys: int = 20
    #: With the longest names, key and value together fit into one line.
    metadata_key_length: int = 40
    metadata_value_length: int = 300
    #: Keys of metadata that one session is told of.
    metadata_subscriptions: int = 50
    #: Certificates of its devices that one account remembers; removed ones come on top of them,
    #: until they expire.
    devices: int = 50
    #: Days after which an account is kept no longer that no device connected to.
    absence: int = 90
    #: Invitations of one account that are open at once, of those made from a session.
    invitations: int = 5
    #: Bytes of one payload of end-to-end encryption, in however many parts.
    e2e_payload: int = 16_384
    #: One-time keys that are kept for a device.
    e2e_keys: int = 100
    #: What waits for a device: how many payloads, how many of one sender, for how many days.
    e2e_queue: int = 500
    e2e_queue_of_sender: int = 250
    e2e_queue_days: int = 7
    #: Keys that one device may claim in a minute, and of one other device.
    e2e_claims: int = 60
    e2e_claims_of_device: int = 1
    #: Messages of one answer to CHATHISTORY.
    history: int = 100
    #: Messages of one place that a device is sent that missed them and cannot ask for them.
    replay: int = 50
    #: Messages that one SEARCH looks at.
    search: int = 100_000
    #: Bytes that may wait for a client that reads slowly.
    sendq: int = 1_048_576
    #: Lines of one client that may wait for their turn.
    recvq: int = 100
    handshake_timeout: float = 10.0
    registration_timeout: float = 30.0
    ping_interval: float = 120.0
    ping_timeout: float = 60.0
    #: Connections from one address that have not completed registration.
    half_open_per_address: int = 20
    connections_per_address: int = 500
    #: How long the database may take before what needs it is refused.
    database_timeout: float = 10.0


@frozen
class HistorySettings:
    """Section ``[history]``: what of each room and conversation is kept."""

    keep_days: Bound = UNBOUNDED
    keep_messages: Bound = UNBOUNDED


@frozen
class Performance:
    """Section ``[performance]``: how much the log takes in; it holds from the next start."""

    #: Entries that may wait to be stored; from half of it on, senders are slowed down.
    queue: int = 10_000
    #: Entries of one transaction; what one command leads to is never split.
    batch: int = 500


@frozen
class Settings:
    """All that handlers may know of the configuration and of the program."""

    network: str
    server: str
    version: str
    #: When the server started.
    started: Timestamp
    motd: tuple[str, ...] = ()
    #: How nicknames and channels are compared, one of `chat.irc.casemap.CASEMAPPINGS`.
    casemapping: str = "ascii"
    #: What LINKS and WHOIS say of the server.
    description: str = "securechat server"
    #: Who runs it: up to three lines for ADMIN.
    admin: tuple[str, ...] = ()
    #: Client-only tags that are taken off messages, in the form of CLIENTTAGDENY.
    denied_client_tags: tuple[str, ...] = ()
    accounts: AccountSettings = field(factory=AccountSettings)
    limits: Limits = field(factory=Limits)
    history: HistorySettings = field(factory=HistorySettings)
