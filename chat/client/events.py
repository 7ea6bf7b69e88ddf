"""What a client learns: one frozen class for each thing that a user can be told."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from chat.client.seals import Seal


class Manner(Enum):
    """How something was said."""

    MESSAGE = "PRIVMSG"
    NOTICE = "NOTICE"
    #: CTCP ACTION: ``/me waves``.
    ACTION = "ACTION"


@frozen
class ClientEvent:
    """One thing that happened, of one connection of one client."""


@frozen
class Secured(ClientEvent):
    """The server's first line has come: TLS stands.  ``own_expires``: of what was presented."""

    address: str
    server_name: str
    version: str
    cipher: str
    server_expires: datetime
    own_expires: datetime | None


@frozen
class Registered(ClientEvent):
    """The server welcomed us; ``account`` is ``None`` when not logged in."""

    nick: str
    account: str | None


@frozen
class Said(ClientEvent):
    """A message; ``room`` is the channel, or the other person's nickname.

    ``time`` and ``msgid`` are the server's, if it tells them.  ``name`` is the one that
    we gave it, ``""`` for what another device or somebody else said.  A line feed parts
    the lines of a message that has several.  What is ``replayed`` was said while we
    were away, or before: nobody is to be alerted of it.  ``reply_to`` is the msgid of
    what it answers, ``account`` the speaker's, where the server tells it.  ``seal``: how
    it was encrypted, if it was; where that cannot be read, ``text`` says so.
    """

    room: str
    sender: str
    text: str
    manner: Manner
    own: bool
    time: datetime | None = None
    name: str = ""
    msgid: str = ""
    replayed: bool = False
    reply_to: str = ""
    account: str | None = None
    seal: Seal | None = None


@frozen
class Reacted(ClientEvent):
    """Somebody reacted to a message with ``reaction``, or took that back (``removed``).

    ``text`` is the message's, ``""`` when it was not told.
    """

    room: str
    nick: str
    reaction: str
    msgid: str
    removed: bool
    own: bool
    time: datetime | None = None
    text: str = ""
    seal: Seal | None = None


@frozen
class Redacted(ClientEvent):
    """``by`` took back the message of ``sender``, ``""`` when it was not told."""

    room: str
    by: str
    msgid: str
    reason: str
    time: datetime | None = None
    sender: str = ""
    #: How the reason was encrypted, if it was.
    seal: Seal | None = None


@frozen
class Typing(ClientEvent):
    """Somebody types, for so many ``seconds`` from now or until they say it; 0: no more."""

    room: str
    nick: str
    seconds: float


@frozen
class ReadUpTo(ClientEvent):
    """We have read a room or conversation up to a time, on whatever device; ``None``: unknown."""

    room: str
    read: datetime | None


@frozen
class AwayChanged(ClientEvent):
    """Somebody, or we ourselves, went away or came back."""

    nick: str
    away: bool
    own: bool
    reason: str = ""
    time: datetime | None = None


@frozen
class AccountChanged(ClientEvent):
    """Somebody logged in to an account, or out of it (``None``)."""

    nick: str
    account: str | None
    own: bool
    time: datetime | None = None


@frozen
class RealnameChanged(ClientEvent):
    """Somebody's realname changed."""

    nick: str
    realname: str
    time: datetime | None = None


@frozen
class HostChanged(ClientEvent):
    """Somebody's user name or host changed."""

    nick: str
    user: str
    host: str
    time: datetime | None = None


@frozen
class Gap(ClientEvent):
    """More was said here, before what is told next, than was asked for."""

    room: str


@frozen
class Earlier(ClientEvent):
    """A page of what was said before, the oldest first; what was told may be among it.

    ``is_end``: there is no more, or the server does not tell it.  Without that and without
    messages the connection broke: the next one may be asked.
    """

    room: str
    messages: tuple[Said | Reacted | Redacted, ...]
    is_end: bool


@frozen
class Found(ClientEvent):
    """The messages that the server found, as it was asked to, the oldest first."""

    messages: tuple[Said, ...]


@frozen
class JoinedRoom(ClientEvent):
    """Somebody, or we ourselves (``own``), joined a channel."""

    room: str
    nick: str
    own: bool
    time: datetime | None = None


@frozen
class LeftRoom(ClientEvent):
    """Somebody left a channel, or was removed from it by ``kicked_by``."""

    room: str
    nick: str
    own: bool
    reason: str = ""
    kicked_by: str | None = None
    time: datetime | None = None


@frozen
class LeftNetwork(ClientEvent):
    """Somebody whom we shared ``rooms`` with quit."""

    nick: str
    rooms: tuple[str, ...]
    reason: str
    time: datetime | None = None


@frozen
class Renamed(ClientEvent):
    """A nickname changed, ours when ``own``."""

    old: str
    new: str
    own: bool
    time: datetime | None = None


@frozen
class TopicIs(ClientEvent):
    """A channel's topic, ``""`` when it has none; ``by`` changed it just now, if not ``None``."""

    room: str
    topic: str
    by: str | None = None
    time: datetime | None = None


@frozen
class Names(ClientEvent):
    """All members of a channel, each with its prefixes (``@alice``)."""

    room: str
    names: tuple[str, ...]


@frozen
class ModesChanged(ClientEvent):
    """Modes of a channel or user; ``changes`` are as in the MODE command."""

    target: str
    by: str
    changes: str
    time: datetime | None = None


@frozen
class Invited(ClientEvent):
    """``by`` invited ``nick`` into a channel."""

    room: str
    nick: str
    by: str


@frozen
class WhoisLine(ClientEvent):
    """One fact about a user, asked for by WHOIS."""

    nick: str
    text: str


@frozen
class WhoLine(ClientEvent):
    """One user in the answer to WHO."""

    nick: str
    text: str


@frozen
class RoomListed(ClientEvent):
    """One channel in the answer to LIST."""

    room: str
    members: str
    topic: str


@frozen
class ServerNotice(ClientEvent):
    """Text of the server that answers nothing, such as its message of the day."""

    text: str


@frozen
class Refused(ClientEvent):
    """The server did not do something; ``context``: to what; ``label``: name of what we sent."""

    code: str
    context: tuple[str, ...]
    text: str
    label: str = ""


@frozen
class Waiting(ClientEvent):
    """A message of ours was taken, ``offline``: for the next connection.

    `Said`, `NotSent` or `MayBeLost` tell its end, by its name.
    """

    name: str
    room: str
    text: str
    manner: Manner
    offline: bool
    reply_to: str = ""


@frozen
class NotSent(ClientEvent):
    """The server refused a message of ours; nobody has it."""

    name: str
    room: str
    text: str
    reason: str


@frozen
class SentAgain(ClientEvent):
    """So many messages were not answered when the connection broke: they wait again."""

    messages: int


@frozen
class MayBeLost(ClientEvent):
    """So many lines, messages with ``names`` among them, were not answered, nor are sent again."""

    lines: int
    names: tuple[str, ...] = ()


@frozen
class Answered(ClientEvent):
    """The PONG to our PING with ``token``: all that we sent before it was dealt with."""

    token: str


@frozen
class DeviceInvited(ClientEvent):
    """The code that we asked for, with which ``device`` comes in; ``text`` says until when."""

    device: str
    code: str = field(repr=False)
    text: str


@frozen
class CertificateRenewed(ClientEvent):
    """Our certificate is renewed; the next connection presents the new one."""

    expires: datetime


@frozen
class CertificateEnds(ClientEvent):
    """Our certificate ends soon and could not be renewed; ``why`` in words."""

    expires: datetime
    why: str


@frozen
class PasswordWanted(ClientEvent):
    """The server logs in by password only, and there is none: connect again with one."""

    account: str


@frozen
class Rejected(ClientEvent):
    """The server will not have us, or we will not have it: trying again is useless."""

    cause: str
    remedy: str


@frozen
class Disconnected(ClientEvent):
    """There is no connection, or there is none any more; ``reason`` in words."""

    reason: str


@frozen
class Retrying(ClientEvent):
    """The next attempt to connect comes in so many seconds."""

    seconds: float


@frozen
class Writable(ClientEvent):
    """Whether the connection takes more text now: back-pressure."""

    writable: bool
