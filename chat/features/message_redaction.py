"""REDACT: take a message back.

Source: https://ircv3.net/specs/extensions/message-redaction
"""

from __future__ import annotations

from chat.features.encrypted_rooms import must_not_be_encrypted
from chat.features.feature import Effects, Feature, FindEntry, Lines, Request, Viewer
from chat.irc.message import Message, truncate
from chat.irc.names import looks_like_channel
from chat.irc.standard_replies import fail
from chat.network import modes
from chat.network.entities import Channel, Client
from chat.network.events import Entry, MessageRedacted, MessageSent
from chat.network.ids import EventId
from chat.network.policy import RefusedError

CAPABILITY = "draft/message-redaction"

feature = Feature()
feature.capability(CAPABILITY, "https://ircv3.net/specs/extensions/message-redaction")


@feature.command("REDACT", parameters=2)
def redact(request: Request) -> Effects:
    """REDACT target msgid [reason]: take back a message, as its author or an operator."""
    target, msgid = request.params[:2]
    if " " in target or " " in msgid:
        raise _refused("INVALID_TARGET", "*", text="A target has no spaces")
    channel = receiver = None
    if looks_like_channel(target):
        channel = request.network.channel(target)
        if channel is None or request.client not in channel.members:
            raise _refused("INVALID_TARGET", target, text="You are not on that channel")
        if request.param(2):
            # Why it is taken back would say what it said.
            must_not_be_encrypted(request, channel)
    else:
        receiver = request.network.client(target)
        if receiver is None:
            raise _refused("INVALID_TARGET", target, text="There is nobody of that name")
    entry: Entry | None = yield FindEntry(EventId(msgid))
    if entry is None or not _belongs(request, entry, channel, receiver):
        raise _refused("UNKNOWN_MSGID", target, msgid, text="There is no such message here")
    if not _may(request, entry, channel):
        raise _refused("REDACT_FORBIDDEN", target, msgid, text="It is somebody else's message")
    reason = truncate(request.param(2), request.settings.limits.kick_length)
    yield MessageRedacted(
        request.client.actor,
        target if channel is None else channel.name,
        entry.uid,
        reason,
        channel.name if channel is not None else None,
        receiver.id if receiver is not None else None,
    )


def _belongs(
    request: Request, entry: Entry, channel: Channel | None, receiver: Client | None
) -> bool:
    event, fold = entry.event, request.network.fold
    if not isinstance(event, MessageSent):
        return False
    if channel is not None:
        return event.channel is not None and fold(event.channel) == fold(channel.name)
    if receiver is None or event.channel is not None:
        return False
    parties = ({event.actor.client, event.client}, {event.actor.account, event.account})
    me = request.client
    return {me.id, receiver.id} == parties[0] or (
        None not in parties[1] and {me.account, receiver.account} == parties[1]
    )


def _may(request: Request, entry: Entry, channel: Channel | None) -> bool:
    client, author = request.client, entry.event
    if not isinstance(author, MessageSent):
        return False
    if client.id == author.actor.client:
        return True
    if client.account is not None and client.account == author.actor.account:
        return True
    ranks = channel.members.get(client, "") if channel is not None else ""
    return modes.at_least(ranks, modes.HALF_OPERATOR)


def _refused(code: str, *context: str, text: str) -> RefusedError:
    return RefusedError(fail("REDACT", code, *context, text=text))


@feature.renders(MessageRedacted)
def show_redaction(viewer: Viewer, event: MessageRedacted) -> Lines:
    """Tell those who know the command."""
    if viewer.has(CAPABILITY):
        reason = (event.reason,) if event.reason else ()
        yield Message("REDACT", (event.target, event.uid, *reason), event.actor.source)
