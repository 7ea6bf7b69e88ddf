"""MARKREAD: up to where one has read, on all of one's devices.

Source: https://ircv3.net/specs/extensions/read-marker
"""

from __future__ import annotations

from datetime import datetime

from chat.features import server_time
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, first_word
from chat.irc.standard_replies import fail
from chat.network.entities import Client
from chat.network.events import ReadMarked
from chat.network.ids import Timestamp
from chat.network.policy import RefusedError
from chat.network.state import Network

CAPABILITY = "draft/read-marker"

feature = Feature()
feature.capability(CAPABILITY, "https://ircv3.net/specs/extensions/read-marker")


@feature.command("MARKREAD")
def markread(request: Request) -> Effects:
    """MARKREAD target [timestamp=TIME]: see or set up to where you have read."""
    target = request.param(0)
    if not target or " " in target:
        raise RefusedError(fail("MARKREAD", "NEED_MORE_PARAMS", text="Missing parameters"))
    if len(request.params) == 1:
        yield line(request.network, request.client, target)
        return
    markers = request.network.markers.get(request.network.reader(request.client.actor), {})
    is_new = request.network.fold(target) not in markers
    if is_new and len(markers) >= request.settings.limits.markers:
        text = "You have too many read markers"
        raise RefusedError(fail("MARKREAD", "INTERNAL_ERROR", target, text=text))
    # Nobody has read what is not there yet.
    time = min(_timestamp(request.params[1]), request.now)
    yield ReadMarked(request.client.actor, target, Timestamp(time))


def line(network: Network, client: Client, target: str) -> Message:
    """Return the server's MARKREAD for ``target``."""
    time = network.markers.get(network.reader(client.actor), {}).get(network.fold(target))
    return _line(target, time)


def _line(target: str, time: Timestamp | None) -> Message:
    word = "*" if time is None else f"timestamp={server_time.iso8601(time)}"
    return Message("MARKREAD", (target, word))


def _timestamp(word: str) -> Timestamp:
    key, _, value = word.partition("=")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if key != "timestamp" or moment is None or moment.tzinfo is None:
        shown = first_word(word)
        text = "Wanted timestamp=YYYY-MM-DDThh:mm:ss.sssZ"
        raise RefusedError(fail("MARKREAD", "INVALID_PARAMS", shown, text=text))
    return Timestamp(int(moment.timestamp() * 1000))


@feature.renders(ReadMarked)
def show_marker(viewer: Viewer, event: ReadMarked) -> Lines:
    """Tell the account's own sessions."""
    if viewer.has(CAPABILITY):
        yield _line(event.target, event.time)
