"""LIST: which channels there are, with conditions (ELIST).

Source: Modern IRC, "LIST message" and "ELIST parameter".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from chat.features.feature import Effects, Feature, Request
from chat.irc.mask import matches
from chat.irc.names import is_channel
from chat.irc.numerics import RPL_LIST, RPL_LISTEND, RPL_LISTSTART
from chat.network.entities import Channel
from chat.network.policy import can_see_channel
from chat.network.settings import Settings

feature = Feature()

#: Conditions and names of one command: each is held against every channel.
_MOST = 20
#: Bytes of a name that is looked up, whatever the limit for new ones is.
_LONGEST = 255

#: ``>3`` and ``<3`` count members, ``C<60`` and ``T>60`` minutes since creation and topic.
_CONDITION = re.compile(r"([CTct]?)([<>])(\d{1,9})")


@feature.command("LIST", appends=False, cost=4)
def list_(request: Request) -> Effects:
    """LIST [condition[,condition]]: see the channels with their members and topics.

    A condition is a channel, a mask (*word*), its contrary (!*word*), a number of
    members (>3, <10), or minutes since creation or a new topic (C<60, T<60).
    """
    yield RPL_LISTSTART("Channel", "Users  Name")
    network = request.network
    words = [word for word in request.param(0).split(",") if word][:_MOST]
    named = [word for word in words if is_channel(word, _LONGEST) and not set(word) & set("*?")]
    conditions = [_condition(request, word) for word in words if word not in named]
    found = map(network.channel, dict.fromkeys(named)) if named else network.channels.values()
    for channel in found:
        if channel is None:
            continue
        if can_see_channel(request.client, channel) and all(
            condition(channel) for condition in conditions
        ):
            text = channel.topic.text if channel.topic is not None else ""
            yield RPL_LIST(channel.name, str(len(channel.members)), text)
    yield RPL_LISTEND()


def _condition(request: Request, word: str) -> Callable[[Channel], bool]:
    fold = request.network.fold
    found = _CONDITION.fullmatch(word)
    if found is None:
        mask = word.removeprefix("!")
        wanted = mask == word
        return lambda channel: matches(mask, channel.name, fold) is wanted
    what, sign, number = found[1].upper(), found[2], int(found[3])

    def compare(value: float) -> bool:
        return value < number if sign == "<" else value > number

    def minutes(since: int) -> float:
        return (request.now - since) / 60_000

    match what:
        case "C":
            return lambda channel: compare(minutes(channel.created))
        case "T":
            return lambda channel: (
                channel.topic is not None and compare(minutes(channel.topic.time))
            )
    return lambda channel: compare(len(channel.members))


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the conditions, by their letters."""
    return {"ELIST": "CMNTU", "SAFELIST": ""}
