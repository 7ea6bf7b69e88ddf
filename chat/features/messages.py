"""PRIVMSG and NOTICE: say something to channels and people.

Sources: Modern IRC, "PRIVMSG message" and "NOTICE message";
https://ircv3.net/specs/extensions/echo-message, https://wiki.znc.in/Query_buffers
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features import client_tags
from chat.features.encrypted_rooms import must_be_encrypted
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.names import looks_like_channel
from chat.irc.numerics import (
    ERR_NORECIPIENT,
    ERR_NOSUCHCHANNEL,
    ERR_NOSUCHNICK,
    ERR_NOTEXTTOSEND,
    ERR_TOOMANYTARGETS,
    RPL_AWAY,
)
from chat.irc.standard_replies import StandardReply
from chat.network import modes
from chat.network.events import MessageSent, TagsSent, TextLine, TypingSent
from chat.network.policy import RefusedError, can_message, can_send
from chat.network.settings import Settings

feature = Feature()
feature.capability("echo-message", "https://ircv3.net/specs/extensions/echo-message")
# All of a client's sessions get what one of them sends, whether they ask for it or not.
feature.capability("znc.in/self-message", "https://wiki.znc.in/Query_buffers")

_RANKS = {prefix: letter for letter, prefix in modes.PREFIXES.items()}


@feature.command("PRIVMSG", pipelined=True)
def privmsg(request: Request) -> Effects:
    """PRIVMSG target[,target] :text: say something to channels or people."""
    if not request.param(0):
        yield ERR_NORECIPIENT(command="PRIVMSG")
    elif not request.param(1):
        yield ERR_NOTEXTTOSEND()
    else:
        yield from send(request, request.params[0], request.params[1])


@feature.command("NOTICE", pipelined=True)
def notice(request: Request) -> Effects:
    """NOTICE target[,target] :text: say something that no program answers."""
    # "servers must never send an error": Modern IRC, "NOTICE message".
    if request.param(0) and request.param(1):
        for effect in send(request, request.params[0], request.params[1]):
            if is_for_notice(effect):
                yield effect


def is_for_notice(effect: object) -> bool:
    """Return whether a NOTICE may lead to an effect of `send`.

    It is a message, or a standard reply, which no program takes for an answer and
    sends only to who asked for them: nothing that was said is lost in silence there.
    """
    return isinstance(effect, MessageSent | StandardReply)


def send(request: Request, receivers: str, text: str, lines: tuple[TextLine, ...] = ()) -> Effects:
    """Yield the messages to each of ``receivers``, which commas separate, or why not."""
    targets = [target for target in receivers.split(",") if target]
    if len(targets) > request.settings.limits.targets:
        yield ERR_TOOMANYTARGETS(targets[-1])
        return
    for target in dict.fromkeys(targets):
        prefix = target[0] if target[0] in _RANKS else ""
        if looks_like_channel(target[len(prefix) :]):
            yield from _to_channel(request, target, prefix, text, lines)
        else:
            yield from _to_client(request, target, text, lines)


def _to_channel(
    request: Request, target: str, prefix: str, text: str, lines: tuple[TextLine, ...]
) -> Effects:
    channel = request.network.channel(target[len(prefix) :])
    if channel is None:
        yield ERR_NOSUCHCHANNEL(target)
        return
    tags = client_tags.kept(request)
    try:
        can_send(request.client, channel, text)
        must_be_encrypted(request, channel, text, tags, lines)
    except RefusedError as refusal:
        yield refusal.reply
        return
    yield _kind(request.message.command, tags)(
        request.client.actor,
        request.message.command,
        prefix + channel.name,
        text,
        channel=channel.name,
        rank=_RANKS.get(prefix, ""),
        tags=tags,
        lines=lines,
    )


def _to_client(request: Request, target: str, text: str, lines: tuple[TextLine, ...]) -> Effects:
    receiver = request.network.client(target)
    if receiver is None:
        yield ERR_NOSUCHNICK(target)
        return
    try:
        can_message(request.client, receiver)
    except RefusedError as refusal:
        yield refusal.reply
        return
    if receiver.away is not None:
        yield RPL_AWAY(receiver.nick, receiver.away)
    tags = client_tags.kept(request)
    yield _kind(request.message.command, tags)(
        request.client.actor,
        request.message.command,
        receiver.nick,
        text,
        client=receiver.id,
        account=receiver.account,
        tags=tags,
        lines=lines,
    )


def _kind(command: str, tags: Mapping[str, str]) -> type[MessageSent]:
    if command != "TAGMSG":
        return MessageSent
    # Whatever else is on it: that somebody was typing is nothing to remember.
    return TypingSent if client_tags.TYPING in tags else TagsSent


@feature.renders(MessageSent)
def show_message(viewer: Viewer, event: MessageSent) -> Lines:
    """Show the message; the session that sent it sees it with echo-message only."""
    if viewer.is_origin and not viewer.has("echo-message"):
        return
    if not event.lines:
        yield Message(event.command, (event.target, event.text), event.actor.source)
    elif {"draft/multiline", "batch"} <= viewer.capabilities:
        yield from _batch(event)
    else:
        # "Servers MUST NOT send blank lines to clients that have not negotiated" it.
        for line in event.lines:
            if line.text:
                yield Message(event.command, (event.target, line.text), event.actor.source)


def _batch(event: MessageSent) -> Lines:
    """Return a multiline message for those who understand it."""
    reference, source = "lines", event.actor.source
    yield Message("BATCH", (f"+{reference}", "draft/multiline", event.target), source)
    for line in event.lines:
        concat = {"draft/multiline-concat": ""} if line.continues else {}
        tags = {"batch": reference, **concat}
        yield Message(event.command, (event.target, line.text), source, tags)
    yield Message("BATCH", (f"-{reference}",))


@feature.renders(TagsSent)
@feature.renders(TypingSent)
def show_tags(viewer: Viewer, event: MessageSent) -> Lines:
    """Show a message without a text to those who can see its tags."""
    if viewer.has("message-tags") and (not viewer.is_origin or viewer.has("echo-message")):
        yield Message("TAGMSG", (event.target,), event.actor.source)


@feature.isupport
def tokens(settings: Settings) -> Mapping[str, str]:
    """Return the limits on targets, and whom a prefix before a channel reaches."""
    return {
        "MAXTARGETS": str(settings.limits.targets),
        "STATUSMSG": "".join(modes.PREFIXES.values()),
        "TARGMAX": f"PRIVMSG:{settings.limits.targets},NOTICE:{settings.limits.targets},"
        f"TAGMSG:{settings.limits.targets},"
        "JOIN:,PART:,KICK:,NAMES:,LIST:,WHOIS:1",
    }
