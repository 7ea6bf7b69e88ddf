"""Everything that can happen on the network, as frozen facts.

An event is *stored*, or it is *passing*: then it keeps its place in the order
and is never written.  Names in events are as people wrote them; the state folds
their case.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from chat.irc.modes import ModeChange
from chat.network.certificate import Certificate
from chat.network.ids import ClientId, EventId, Sequence, SessionId, Timestamp
from chat.network.records import KeptClient


@frozen
class Actor:
    """Who did it, as the others see it.

    ``source`` is ``nick!user@host`` at the time of the event, or a server's name.
    """

    client: ClientId
    source: str
    account: str | None = None
    is_bot: bool = False


@frozen
class Event:
    """A fact; ``stored`` says whether the log writes it to disk."""

    stored: ClassVar[bool] = True


@frozen
class Entry:
    """One event in its place: ``uid`` makes the append idempotent.

    ``sequence`` is set by the log, and stays ``None`` for a passing event.
    ``origin`` is the session whose command made the event; it is not stored.
    With ``is_named`` the uid may be in the log already (`chat.network.resending`);
    then the log gives the entry back with ``is_repeat``, and the time of the first.
    """

    uid: EventId
    time: Timestamp
    event: Event
    origin: SessionId | None = field(default=None, eq=False)
    sequence: Sequence | None = None
    is_named: bool = field(default=False, eq=False)
    is_repeat: bool = field(default=False, eq=False)

    def at(self, sequence: Sequence) -> Entry:
        """Return the entry in its place; ``evolve`` takes three times as long."""
        return Entry(
            self.uid,
            self.time,
            self.event,
            self.origin,
            sequence,
            self.is_named,
            self.is_repeat,
        )


@frozen
class NodeStarted(Event):
    """The server started: no session of before is there any more, only kept clients are."""

    server: str


@frozen
class SessionOpened(Event):
    """A connection is there that has not said who it is."""

    stored: ClassVar[bool] = False
    session: SessionId


@frozen
class SessionAbandoned(Event):
    """A connection is gone that never registered."""

    stored: ClassVar[bool] = False
    session: SessionId


@frozen
class SessionRegistered(Event):
    """A session completed registration and wants its nickname."""

    stored: ClassVar[bool] = False
    session: SessionId
    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    certificate: Certificate = field(factory=Certificate)
    #: The away message that the session comes with.
    away: str | None = None
    #: Privileges of the account's role: ``admin``, ``operator`` or ``user``.
    role: str = "user"


@frozen
class KeptSessionRegistered(SessionRegistered):
    """The same for an account whose client is kept: it joins that client, or makes it."""

    stored: ClassVar[bool] = True


@frozen
class SessionEnded(Event):
    """A session's connection is gone; the last one takes along a client that is not kept."""

    session: SessionId
    reason: str
    actor: Actor | None = None
    #: The fingerprint of its certificate, so that the log alone tells until when it was seen.
    certificate: str = ""


@frozen
class ClientKept(Event):
    """A client that is there, as ``client`` tells it, is kept from now on."""

    client: KeptClient


@frozen
class ClientReleased(Event):
    """A client is kept no longer: without a session it leaves the network at once."""

    client: ClientId
    reason: str


@frozen
class PersistenceChanged(Event):
    """An account wants its client kept, or does not, or leaves it to the network (``None``)."""

    actor: Actor
    account: str
    wish: bool | None


@frozen
class AccountRemoved(Event):
    """An account is no more, and with it its clients and what was kept for it."""

    account: str


@frozen
class NickChanged(Event):
    """A client took another nickname."""

    actor: Actor
    nick: str


@frozen
class AccountChanged(Event):
    """A registered client logged in, or out (``None``)."""

    stored: ClassVar[bool] = False
    actor: Actor
    account: str | None
    role: str = "user"


@frozen
class AwayChanged(Event):
    """A client went away with a message, or returned (``None``)."""

    actor: Actor
    message: str | None


@frozen
class RealnameChanged(Event):
    """A client changed its real name."""

    actor: Actor
    realname: str


@frozen
class ReadMarked(Event):
    """Somebody has read a channel, or what was said with somebody, up to a moment."""

    actor: Actor
    target: str
    time: Timestamp


@frozen
class MonitorChanged(Event):
    """A session wants to be told of other nicknames, or no longer."""

    stored: ClassVar[bool] = False
    session: SessionId
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@frozen
class AcceptChanged(Event):
    """A client lets others write to it in spite of its mode +R, or no longer."""

    stored: ClassVar[bool] = False
    actor: Actor
    added: tuple[ClientId, ...] = ()
    removed: tuple[ClientId, ...] = ()


@frozen
class MetadataChanged(Event):
    """Keys of an account, a guest or a channel have other values, or none (``None``).

    ``target`` is the nickname or the channel as people see it.  ``channel`` is set
    for a channel, ``account`` for whoever has one, and ``client`` for a guest.
    """

    actor: Actor
    target: str
    values: dict[str, str | None] = field(hash=False)
    channel: str | None = None
    account: str | None = None
    client: ClientId | None = None
    #: Whether all keys were removed with one command.
    is_clear: bool = False


@frozen
class GuestMetadataChanged(MetadataChanged):
    """The same for a guest, with whom it goes."""

    stored: ClassVar[bool] = False


@frozen
class SubscriptionsChanged(Event):
    """A session wants to be told of other keys of metadata, or no longer."""

    stored: ClassVar[bool] = False
    session: SessionId
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@frozen
class WallopsSent(Event):
    """An operator spoke to everybody with user mode +w."""

    stored: ClassVar[bool] = False
    actor: Actor
    text: str


@frozen
class UserModesChanged(Event):
    """A client's own modes changed."""

    actor: Actor
    changes: tuple[ModeChange, ...]


@frozen
class Joined(Event):
    """A client entered a channel, which begins to exist with its first member."""

    actor: Actor
    channel: str
    realname: str = ""
    #: Whether it found no such channel: then the channel is its account's.
    is_first: bool = True


@frozen
class Parted(Event):
    """A client left a channel."""

    actor: Actor
    channel: str
    reason: str


@frozen
class Kicked(Event):
    """A client was removed from a channel by another."""

    actor: Actor
    channel: str
    client: ClientId
    nick: str
    reason: str


@frozen
class Invited(Event):
    """A client was asked to join a channel."""

    stored: ClassVar[bool] = False
    actor: Actor
    channel: str
    client: ClientId
    nick: str


@frozen
class TopicChanged(Event):
    """A channel's topic was set, or removed with ``""``."""

    actor: Actor
    channel: str
    text: str


@frozen
class ChannelRenamed(Event):
    """A channel has another name, and all else as before."""

    actor: Actor
    channel: str
    name: str
    reason: str


@frozen
class ModesChanged(Event):
    """Modes of a channel changed.

    The argument of a prefix mode is a nickname; ``accounts`` holds the account
    behind each such nickname that has one, so that its rank lasts.
    """

    actor: Actor
    channel: str
    changes: tuple[ModeChange, ...]
    accounts: dict[str, str] = field(factory=dict, hash=False)


@frozen
class TextLine:
    """One line of a message of several; one that ``continues`` belongs to the line before."""

    text: str
    continues: bool = False


@frozen
class MessageSent(Event):
    """A PRIVMSG, NOTICE or TAGMSG to a channel or a client.

    ``target`` is what the sender wrote.  ``channel`` is set for a channel (the
    minimum rank of a STATUSMSG in ``rank``, ``""`` for all members), ``client``
    and ``account`` for a client.  ``tags`` are the client-only tags.
    """

    actor: Actor
    command: str
    target: str
    text: str
    channel: str | None = None
    rank: str = ""
    client: ClientId | None = None
    account: str | None = None
    tags: dict[str, str] = field(factory=dict, hash=False)
    #: The lines of a multiline message, which ``text`` joins.
    lines: tuple[TextLine, ...] = ()


@frozen
class TagsSent(MessageSent):
    """A TAGMSG that is worth remembering, such as a reaction."""


@frozen
class TypingSent(MessageSent):
    """A TAGMSG that says that somebody is typing."""

    stored: ClassVar[bool] = False


@frozen
class MessageRedacted(Event):
    """A message was taken back: its text is gone from the store."""

    actor: Actor
    target: str
    uid: EventId
    reason: str
    channel: str | None = None
    client: ClientId | None = None


@frozen
class Tombstone(Event):
    """What the store keeps in place of a redacted message."""


@frozen
class MessageRelayed(Event):
    """A bridge, ``nick``, said ``text`` on a channel in the name of ``source``."""

    actor: Actor
    channel: str
    source: str
    nick: str
    text: str


@frozen
class Killed(Event):
    """An operator ended a client's sessions."""

    actor: Actor
    client: ClientId
    nick: str
    reason: str


@frozen
class NetworkBanned(Event):
    """An operator banned everybody whom ``mask`` matches (`chat.network.bans`)."""

    actor: Actor
    mask: str
    reason: str
    expires: Timestamp | None = None


@frozen
class NetworkUnbanned(Event):
    """An operator lifted a ban."""

    actor: Actor
    mask: str


@frozen
class DeviceRemoved(Event):
    """An account removed one of its devices: these certificates let nobody in any more.

    ``by`` says who did it, and on which device.
    """

    actor: Actor
    account: str
    device: str
    certificates: tuple[Certificate, ...]
    by: str
    #: The parameters of the CLIENTCERT that asked for it, which are those of its answer.
    request: tuple[str, ...] = ()


@frozen
class CertificatesRevoked(Event):
    """The authority revoked certificates with which an account was used.

    ``devices`` are those that have none left, ``reason`` is the list's in words (or empty),
    and ``note`` what the operator who did it said.
    """

    account: str
    devices: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    reason: str
    note: str = ""


@frozen
class DevicesForgotten(Event):
    """Certificates of an account, by fingerprint, are not remembered any longer."""

    stored: ClassVar[bool] = False
    account: str
    fingerprints: tuple[str, ...]


@frozen
class BundlePublished(Event):
    """A device of an account published another bundle of keys (`chat.network.directory`)."""

    stored: ClassVar[bool] = False
    account: str


@frozen
class PayloadQueued(Event):
    """Something waits for a device that only it can read."""

    stored: ClassVar[bool] = False
    account: str
    device: str


@frozen
class KeysRanLow(Event):
    """So few of a device's one-time keys are left that it should bring more."""

    stored: ClassVar[bool] = False
    account: str
    device: str
    left: int


#: Every event by the name under which the log stores it.
EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        NodeStarted,
        SessionOpened,
        SessionAbandoned,
        SessionRegistered,
        KeptSessionRegistered,
        SessionEnded,
        ClientKept,
        ClientReleased,
        PersistenceChanged,
        AccountRemoved,
        NickChanged,
        AccountChanged,
        AwayChanged,
        RealnameChanged,
        ReadMarked,
        MonitorChanged,
        MetadataChanged,
        GuestMetadataChanged,
        SubscriptionsChanged,
        WallopsSent,
        AcceptChanged,
        UserModesChanged,
        Joined,
        Parted,
        Kicked,
        Invited,
        TopicChanged,
        ChannelRenamed,
        ModesChanged,
        MessageSent,
        TagsSent,
        TypingSent,
        MessageRedacted,
        Tombstone,
        MessageRelayed,
        Killed,
        NetworkBanned,
        NetworkUnbanned,
        DeviceRemoved,
        CertificatesRevoked,
        DevicesForgotten,
        BundlePublished,
        PayloadQueued,
        KeysRanLow,
    )
}
