"""The result of an inspection, in the shape that ``--json`` prints."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import attrs
from attrs import frozen

from chat.inspection.messages import Ticket


class Outcome(Enum):
    """What became of an inspection."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    NO_HANDSHAKE = "no handshake"
    UNREACHABLE = "unreachable"


@frozen
class Finding:
    """Something that is wrong: a word for programs, a sentence, and what to do."""

    kind: str
    text: str
    remedy: str


@frozen
class Certificate:
    """One certificate of the chain, in words."""

    subject: str
    issuer: str
    serial: str
    names: tuple[str, ...]
    key: str
    signature: str
    valid_from: datetime
    valid_until: datetime
    days_left: int
    sha256: str
    #: Whether it may sign certificates, and how many authorities may follow.
    is_authority: bool
    path_length: int | None
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    #: Whether its authority key identifier is the next one's subject key identifier;
    #: ``None`` where one of them is missing.
    matches_next: bool | None


@frozen
class ClientCertificate:
    """Whether the server asks for a certificate of ours, and how it takes what it gets."""

    asked: bool
    authorities: tuple[str, ...]
    #: The subject of what was presented, if anything was.
    presented: str | None
    answer: str
    #: What it says when nothing is presented, if something was.
    answer_to_none: str | None


@frozen
class Parameters:
    """What was agreed on; ``None`` where the question does not arise in that version."""

    cipher: str
    group: str | None
    signature: str | None
    forward_secrecy: bool
    forward_secrecy_reason: str
    tickets: tuple[Ticket, ...]
    session_id: bool
    stapled_ocsp: bool
    hello_retry: bool
    compression: bool | None
    secure_renegotiation: bool | None
    extended_master_secret: bool | None


@frozen
class Handshake:
    """One attempt: its cost when it succeeded, else why it did not.

    A server may refuse us when the parameters are agreed on already.
    """

    version: str
    #: Whether it was to resume the session of the attempt before.
    resuming: bool
    failure: Finding | None = None
    round_trips_to_send: int | None = None
    round_trips_to_receive: int | None = None
    flights: int | None = None
    bytes_sent: int | None = None
    bytes_received: int | None = None
    milliseconds: float | None = None
    parameters: Parameters | None = None


@frozen
class Report:
    """All of an inspection; what is not known for want of a connection is empty."""

    target: str
    name: str
    trust: str
    outcome: Outcome
    problems: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    reached: str | None = None
    #: How long TCP took to connect, which is one round trip of its own.
    tcp_milliseconds: float | None = None
    chain: tuple[Certificate, ...] = ()
    client_certificate: ClientCertificate | None = None
    alpn: str | None = None
    handshakes: tuple[Handshake, ...] = ()


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as what JSON can hold; times are in ISO 8601, in UTC."""
    return attrs.asdict(report, value_serializer=_plain)


def _plain(instance: object, attribute: object, value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return value
