"""TOPIC: see or set a channel's topic.

Source: Modern IRC, "TOPIC message".
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message, truncate
from chat.irc.numerics import ERR_NOSUCHCHANNEL, RPL_NOTOPIC, RPL_TOPIC, RPL_TOPICWHOTIME
from chat.network.entities import Channel
from chat.network.events import TopicChanged
from chat.network.policy import can_set_topic, must_be_member
from chat.network.settings import Settings

feature = Feature()


@feature.command("TOPIC", parameters=1)
def topic(request: Request) -> Effects:
    """TOPIC #channel [text]: see a channel's topic, or set it; an empty text removes it."""
    channel = request.network.channel(request.params[0])
    if channel is None:
        yield ERR_NOSUCHCHANNEL(request.params[0])
    elif len(request.params) > 1:
        can_set_topic(request.client, channel)
        text = truncate(request.params[1], request.settings.limits.topic_length)
        yield TopicChanged(request.client.actor, channel.name, text)
    else:
        must_be_member(request.client, channel)
        if channel.topic is None:
            yield RPL_NOTOPIC(channel.name)
        else:
            yield from lines(channel)


def lines(channel: Channel) -> Lines:
    """Return the replies that tell the topic of a channel that has one."""
    if channel.topic is not None:
        yield RPL_TOPIC(channel.name, channel.topic.text)
        set_at = str(channel.topic.time // 1000)
        yield RPL_TOPICWHOTIME(channel.name, channel.topic.source, set_at)


@feature.renders(TopicChanged)
def show_topic(viewer: Viewer, event: TopicChanged) -> Lines:
    """Tell the channel its new topic."""
    yield Message("TOPIC", (event.channel, event.text), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the topic's limit."""
    return {"TOPICLEN": str(settings.limits.topic_length)}
