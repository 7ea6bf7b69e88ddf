"""Whose metadata a METADATA command is about, and who may read and change it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from chat.features import metadata_lines as lines
from chat.features.feature import Request
from chat.irc.names import looks_like_channel
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.policy import RefusedError, can_join, can_see_channel
from chat.network.session import Phase

_KEY = re.compile(r"[a-z0-9_./-]+")


@frozen
class Place:
    """Somebody, or a channel, and what is set there; ``target`` is ``None`` before registration."""

    name: str
    values: Mapping[str, str]
    target: Client | Channel | None


def find(request: Request) -> Place:
    """Return whom the first parameter names, or refuse."""
    network, word = request.network, request.params[0]
    if request.session.phase is Phase.REGISTERING:
        must_be_oneself(request)
        return Place(word, network.metadata.get(request.session.id, {}), None)
    target: Client | Channel | None
    if word == "*":
        target = request.client
    elif looks_like_channel(word):
        target = network.channel(word)
    else:
        target = network.client(word)
    if isinstance(target, Channel) and can_see_channel(request.client, target):
        return Place(target.name, target.metadata, target)
    if isinstance(target, Client):
        return Place(target.nick, network.metadata_of(target), target)
    raise RefusedError(lines.invalid_target(word))


def readable(request: Request) -> Place:
    """Return whom the first parameter names; of a channel only who may enter it may read."""
    place = find(request)
    if isinstance(place.target, Channel) and request.client not in place.target.members:
        try:
            can_join(request.client, place.target, "")
        except RefusedError:
            raise RefusedError(lines.no_permission(place.name, "*")) from None
    return place


def must_administer(request: Request, place: Place, key: str) -> None:
    """Refuse to change what is neither one's own nor of a channel where one is an operator."""
    target = place.target
    if target is None or target is request.client or request.client.is_operator:
        return
    ranks = target.members.get(request.client, "") if isinstance(target, Channel) else ""
    if not modes.at_least(ranks, modes.OPERATOR):
        raise RefusedError(lines.no_permission(place.name, key))


def must_be_oneself(request: Request) -> None:
    """Refuse any target but the session's own client."""
    word = request.params[0]
    is_registered = request.session.phase is Phase.REGISTERED
    if word != "*" and not (is_registered and request.network.client(word) is request.client):
        raise RefusedError(lines.invalid_target(word))


def keys(request: Request) -> list[str]:
    """Return the keys, of which the last parameter holds all for which there was no other."""
    return " ".join(request.params[2:]).split()


def is_key(request: Request, key: str) -> bool:
    """Return whether a key may have the name."""
    limit = request.settings.limits.metadata_key_length
    return len(key) <= limit and _KEY.fullmatch(key) is not None
