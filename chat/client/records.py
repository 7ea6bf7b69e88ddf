"""Events as JSON objects, for programs: a line for each, whose keys are here to stay.

The names of an event's attributes are the keys, but for those in `_KEYS`;
docs/scripts.md tells them to people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from attrs import asdict

from chat.client import events as ev
from chat.client.seals import Seal

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
Record = dict[str, Value]

#: What a program calls each kind of event.
TYPES: Mapping[type[ev.ClientEvent], str] = MappingProxyType(
    {
        ev.Secured: "connected",
        ev.Registered: "welcome",
        ev.Said: "message",
        ev.Reacted: "reaction",
        ev.Redacted: "redaction",
        ev.Typing: "typing",
        ev.ReadUpTo: "read",
        ev.AwayChanged: "away",
        ev.AccountChanged: "account",
        ev.RealnameChanged: "realname",
        ev.HostChanged: "host",
        ev.Gap: "gap",
        ev.Earlier: "earlier",
        ev.Found: "found",
        ev.JoinedRoom: "join",
        ev.LeftRoom: "part",
        ev.LeftNetwork: "quit",
        ev.Renamed: "nick",
        ev.TopicIs: "topic",
        ev.Names: "names",
        ev.ModesChanged: "mode",
        ev.Invited: "invite",
        ev.WhoisLine: "whois",
        ev.WhoLine: "who",
        ev.RoomListed: "list",
        ev.ServerNotice: "server",
        ev.Refused: "refused",
        ev.Waiting: "waiting",
        ev.NotSent: "not_sent",
        ev.SentAgain: "sent_again",
        ev.MayBeLost: "may_be_lost",
        ev.Answered: "answered",
        ev.DeviceInvited: "device_invited",
        ev.CertificateRenewed: "certificate_renewed",
        ev.CertificateEnds: "certificate_ends",
        ev.PasswordWanted: "password_wanted",
        ev.Rejected: "rejected",
        ev.Disconnected: "disconnected",
        ev.Retrying: "retrying",
        ev.Writable: "writable",
    }
)
_KINDS = {
    ev.Manner.MESSAGE: "message",
    ev.Manner.NOTICE: "notice",
    ev.Manner.ACTION: "action",
}
_KEYS = {"manner": "kind"}
#: Where there is nothing, a program gets ``null``.
_NULL_WHERE_EMPTY = ("reply_to", "account")
#: What is not there, rather than nothing.
_LEFT_OUT = ("time", "seal")


def record_of(event: ev.ClientEvent, now: datetime) -> Record:
    """Return an event for programs.

    ``time`` is the server's, or ``now`` where it told none.
    """
    record: Record = {"type": TYPES[type(event)], "time": stamp(now)}
    for name, value in asdict(event, recurse=False).items():
        if name in _LEFT_OUT and value is None:
            continue
        is_null = name in _NULL_WHERE_EMPTY and value == ""
        record[_KEYS.get(name, name)] = None if is_null else _value(value, now)
    return record


def stamp(time: datetime) -> str:
    """Return a time as the server writes it: UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kind_of(manner: ev.Manner) -> str:
    """Return what a program calls how something was said."""
    return _KINDS[manner]


def json_line(record: Mapping[str, Value]) -> str:
    """Return an object in one line of ASCII, in which no text can do anything to a terminal."""
    # DEL is the one control character that JSON leaves as it is.
    return json.dumps(record).replace("\x7f", "\\u007f")


def _value(value: object, now: datetime) -> Value:
    match value:
        case None | str() | bool() | int() | float():
            return value
        case datetime():
            return stamp(value)
        case ev.Manner():
            return kind_of(value)
        case ev.ClientEvent():
            return record_of(value, now)
        case Seal():
            return {
                "device": value.device,
                "verified": value.is_verified,
                "missing": value.missing,
                "proven": value.is_proven,
                "reason": value.reason,
            }
        case tuple():
            return [_value(each, now) for each in value]
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
