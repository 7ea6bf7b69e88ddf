"""Who and what there is on the network: clients, channels, and who was here before."""

from __future__ import annotations

from attrs import define, field, frozen

from chat.irc.casemap import Casefold
from chat.network import modes
from chat.network.certificate import Certificate
from chat.network.events import Actor
from chat.network.ids import ClientId, SessionId, Timestamp
from chat.network.records import ChannelRecord, KeptClient, ListEntry, TopicRecord

#: The away message of a client without a session that set none.
ABSENT = "No device is connected"


@define(eq=False)
class Client:
    """The holder of a nickname; all sessions of an account that use it are one client.

    One that ``is_kept`` stays when its last session ends.
    """

    id: ClientId
    nick: str
    username: str
    host: str
    realname: str
    account: str | None
    role: str
    signon: Timestamp
    #: When it last sent a message, for the idle time of WHOIS.
    active: Timestamp
    #: When it last had no session left, or began.
    seen: Timestamp
    is_kept: bool = False
    #: What it said when it went away; `away` is what the others are told.
    away_message: str | None = None
    modes: set[str] = field(factory=set)
    #: Who may write in spite of user mode +R.
    accepted: set[ClientId] = field(factory=set)
    #: Whom this client may write to for that reason: who leaves is looked for in no other place.
    accepted_by: set[ClientId] = field(factory=set)
    #: Each with the certificate that it is connected with.
    sessions: dict[SessionId, Certificate] = field(factory=dict)
    channels: dict[str, Channel] = field(factory=dict)

    @property
    def source(self) -> str:
        """``nick!user@host``."""
        return f"{self.nick}!{self.username}@{self.host}"

    @property
    def actor(self) -> Actor:
        """Who an event of this client was done by."""
        return Actor(self.id, self.source, self.account, modes.USER_BOT in self.modes)

    @property
    def is_operator(self) -> bool:
        """Whether the client has user mode +o."""
        return modes.USER_OPERATOR in self.modes

    @property
    def away(self) -> str | None:
        """Why it is not there: its own message, or that it has no session."""
        if self.away_message is None and self.is_kept and not self.sessions:
            return ABSENT
        return self.away_message

    def record(self) -> KeptClient:
        """Return what a checkpoint keeps."""
        return KeptClient(
            self.account or "",
            self.id,
            self.nick,
            self.username,
            self.host,
            self.realname,
            self.role,
            self.signon,
            self.seen,
            self.away_message,
            "".join(sorted(self.modes)),
            {name: channel.since[self] for name, channel in self.channels.items()},
            dict(self.sessions),
        )

    @classmethod
    def from_record(cls, record: KeptClient) -> Client:
        """Return the client of ``record``, without its channels."""
        return cls(
            record.client,
            record.nick,
            record.username,
            record.host,
            record.realname,
            record.name,
            record.role,
            record.signon,
            active=record.seen,
            away_message=record.away,
            is_kept=True,
            seen=record.seen,
            modes=set(record.modes),
            sessions=dict(record.sessions),
        )


@define(eq=False)
class Channel:
    """A channel; ``ranks`` are the prefix letters that accounts have here, present or not."""

    name: str
    created: Timestamp
    topic: TopicRecord | None = None
    modes: dict[str, str] = field(factory=dict)
    lists: dict[str, dict[str, ListEntry]] = field(factory=dict)
    ranks: dict[str, str] = field(factory=dict)
    metadata: dict[str, str] = field(factory=dict)
    members: dict[Client, str] = field(factory=dict)
    #: When each member joined.
    since: dict[Client, Timestamp] = field(factory=dict)
    invited: set[ClientId] = field(factory=set)

    @property
    def is_permanent(self) -> bool:
        """Whether the channel stays when its last member leaves."""
        return modes.PERMANENT in self.modes

    @property
    def outlasts_restart(self) -> bool:
        """Whether the channel is there after a restart: for itself, or for a member."""
        return self.is_permanent or any(member.is_kept for member in self.members)

    def shows(self, member: Client, viewer: Client) -> bool:
        """Return whether ``viewer`` sees ``member`` here: with +u, ranks hide the others."""
        return (
            modes.AUDITORIUM not in self.modes
            or bool(self.members.get(member))
            or modes.at_least(self.members.get(viewer, ""), modes.HALF_OPERATOR)
        )

    def record(self) -> ChannelRecord:
        """Return what a checkpoint keeps."""
        return ChannelRecord(
            self.name,
            self.created,
            self.topic,
            dict(self.modes),
            {letter: tuple(masks.values()) for letter, masks in self.lists.items() if masks},
            dict(self.ranks),
            dict(self.metadata),
        )

    @classmethod
    def from_record(cls, record: ChannelRecord, fold: Casefold) -> Channel:
        """Return the channel of ``record``, with no members."""
        return cls(
            record.name,
            record.created,
            record.topic,
            dict(record.modes),
            {
                letter: {fold(entry.mask): entry for entry in entries}
                for letter, entries in record.lists.items()
            },
            dict(record.ranks),
            dict(record.metadata),
        )


@frozen
class Departed:
    """Somebody who had a nickname until ``time``."""

    nick: str
    username: str
    host: str
    realname: str
    time: Timestamp
