"""server-time: messages carry the time at which they happened.

Source: https://ircv3.net/specs/extensions/server-time
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from chat.features.feature import Feature
from chat.irc.message import Message
from chat.network.events import Entry
from chat.network.ids import Timestamp

feature = Feature()
feature.capability("server-time", "https://ircv3.net/specs/extensions/server-time")


@feature.tags("server-time")
def time_tag(entry: Entry, line: Message, index: int) -> Mapping[str, str]:
    """Tag every line of an event with the entry's time."""
    return {"time": iso8601(entry.time)}


def parse_time(text: str) -> Timestamp:
    """Return the moment of a text like `iso8601` makes; ValueError says what is wrong with it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Invalid timestamp") from None
    if moment.tzinfo is None:
        raise ValueError("A timestamp ends with Z")
    return Timestamp(int(moment.timestamp() * 1000))


def iso8601(time: Timestamp) -> str:
    """Return ``YYYY-MM-DDThh:mm:ss.sssZ``."""
    seconds, milliseconds = divmod(time, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    """Return all but the fraction, which many messages share."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
