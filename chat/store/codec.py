"""Events and records as the JSON that stands in the database.

Fields that have their default are left out, and keys that no class knows are
passed over: a field can be added without a migration.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec
from cattrs import Converter

from chat.network.events import EVENTS, Event
from chat.network.records import RECORDS, Record

_converter = Converter(omit_if_default=True, detailed_validation=False)
_encoder = msgspec.json.Encoder()


def encode_event(event: Event) -> tuple[bytes, bytes]:
    """Return the name of the event's class, and its fields."""
    return type(event).__name__.encode(), _dump(event)


def decode_event(kind: bytes, payload: bytes) -> Event:
    """Return the event; raises LookupError for a kind that this program does not know."""
    try:
        event_class = EVENTS[kind.decode()]
    except KeyError:
        raise LookupError(
            f"the log has an event of the kind {kind.decode()!r}, which this program does not know"
        ) from None
    event: Event = _load(payload, event_class)
    return event


def escaped(text: str) -> str:
    """Return ``text`` as it stands in a payload."""
    return _json(text).decode("utf-8", "surrogatepass")[1:-1]


def record_kind(kind: type[Record]) -> bytes:
    """Return the name of a record's class in the database."""
    return _KINDS[kind]


def encode_record(record: Record) -> bytes:
    """Return the whole record."""
    return _dump(record)


def decode_record(kind: bytes, data: bytes) -> Record:
    """Return the record; raises LookupError for a kind that this program does not know."""
    try:
        record_class = RECORDS[kind.decode()]
    except KeyError:
        raise LookupError(
            f"a checkpoint has a {kind.decode()!r}, which this program does not know"
        ) from None
    record: Record = _load(data, record_class)
    return record


_KINDS = {record_class: name.encode() for name, record_class in RECORDS.items()}


def _dump(value: Any) -> bytes:
    return _json(_converter.unstructure(value))


def _json(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        # Half of a surrogate pair: no str can make the log fail.
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogatepass")


def _load(data: bytes, kind: Any) -> Any:
    try:
        return _decoder(kind).decode(data)
    except UnicodeDecodeError:
        return msgspec.convert(json.loads(data), kind)


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
