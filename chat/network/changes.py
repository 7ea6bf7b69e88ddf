"""What an applied event lets people see: a fact, and the sessions that see it.

The fact is the event itself, or one of the consequences below, which only the
state at that moment knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from chat.network.events import CertificatesRevoked, ChannelRenamed
from chat.network.ids import SessionId, Timestamp

if TYPE_CHECKING:
    from chat.network.entities import Channel, Client


@frozen
class Change:
    """One fact and all sessions that it is for.

    With ``is_delivery`` even the session whose command made it sees it as another would.
    """

    fact: object
    sessions: tuple[SessionId, ...]
    is_delivery: bool = False


@frozen
class Welcomed:
    """The session is registered and speaks for ``client``.

    With ``absent_since`` its device was connected before, until then.
    """

    client: Client
    absent_since: Timestamp | None = None


@frozen
class NicknameTaken:
    """An earlier claim in the log has the nickname."""

    nick: str


@frozen
class Entered:
    """The client is now on the channel and wants to know who is there."""

    client: Client
    channel: Channel


@frozen
class ClientQuit:
    """The client left the network."""

    source: str
    reason: str


@frozen
class HostChanged:
    """The client with this ``source`` is now seen with another username or host."""

    source: str
    username: str
    host: str


@frozen
class InvitedByAnother:
    """Somebody invited somebody else to the channel."""

    source: str
    nick: str
    channel: str


@frozen
class Renamed:
    """A channel of ``client`` has another name."""

    event: ChannelRenamed
    client: Client
    channel: Channel


@frozen
class MonitoredOnline:
    """Somebody whom these sessions watch is here now."""

    source: str


@frozen
class MonitoredOffline:
    """Somebody whom these sessions watch is gone."""

    nick: str


@frozen
class WatchedChange:
    """What happened to somebody whom these sessions watch without sharing a channel."""

    fact: object


@frozen
class MetadataUpdated:
    """A key of somebody or of a channel has another value, or none."""

    target: str
    key: str
    value: str | None


@frozen
class MetadataVisible:
    """The session sees the metadata of ``target`` from now on; for a channel, its members' too."""

    session: SessionId
    target: Client | Channel


@frozen
class MetadataSubscribed:
    """The session wants to be told of these keys from now on."""

    session: SessionId
    keys: tuple[str, ...]


@frozen
class MemberRevoked:
    """Devices of somebody on the channel are revoked."""

    channel: str
    event: CertificatesRevoked


@frozen
class BundlesChanged:
    """The encryption keys of an account's devices, or which devices it has, changed."""

    account: str


@frozen
class PayloadsWaiting:
    """Something may wait for the device of these sessions: each looks for it."""


@frozen
class SessionsClosed:
    """The server ends these sessions."""

    reason: str
