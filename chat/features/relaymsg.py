"""RELAYMSG: bridges speak under the names of those whose messages they carry.

Source: the draft/relaymsg capability of Ergo.
"""

from __future__ import annotations

from collections.abc import Mapping

from chat.features.encrypted_rooms import must_not_be_encrypted
from chat.features.feature import Effects, Feature, Lines, Request, Viewer
from chat.irc.message import Message
from chat.irc.names import is_nickname
from chat.irc.numerics import ERR_NOSUCHCHANNEL
from chat.irc.standard_replies import fail
from chat.network import modes
from chat.network.events import Entry, MessageRelayed

feature = Feature()

#: What a relayed name must have, and no nickname has.
SEPARATOR = "/"

feature.capability(
    "draft/relaymsg",
    "https://github.com/ircv3/ircv3-specifications/pull/417",
    lambda settings, session: SEPARATOR,
)


@feature.command("RELAYMSG", parameters=3)
def relaymsg(request: Request) -> Effects:
    """RELAYMSG #channel name/network :text: say something in another's name (bridges)."""
    target, nick, text = request.params[:3]
    channel = request.network.channel(target)
    if channel is None:
        yield ERR_NOSUCHCHANNEL(target)
        return
    if not modes.at_least(channel.members.get(request.client, ""), modes.OPERATOR):
        yield fail("RELAYMSG", "PRIVS_NEEDED", text="Only channel operators may relay")
        return
    must_not_be_encrypted(request, channel)
    plain = nick.replace(SEPARATOR, "_")
    if SEPARATOR not in nick or not is_nickname(plain, request.settings.limits.nick_length):
        yield fail("RELAYMSG", "INVALID_NICK", text=f"The name needs a {SEPARATOR}")
        return
    source = f"{nick}!{request.client.username}@{request.client.host}"
    yield MessageRelayed(request.client.actor, channel.name, source, request.client.nick, text)


@feature.renders(MessageRelayed)
def show_relayed(viewer: Viewer, event: MessageRelayed) -> Lines:
    """Show the message as from the relayed name."""
    if not viewer.is_origin or viewer.has("echo-message"):
        yield Message("PRIVMSG", (event.channel, event.text), event.source)


@feature.tags("message-tags")
def msgid(entry: Entry, line: Message, index: int) -> Mapping[str, str]:
    """Tag relayed messages with their id."""
    return {"msgid": entry.uid} if isinstance(entry.event, MessageRelayed) else {}


@feature.tags("draft/relaymsg")
def relayed_by(entry: Entry, line: Message, index: int) -> Mapping[str, str]:
    """Tag relayed messages with who relayed them."""
    if not isinstance(entry.event, MessageRelayed):
        return {}
    return {"draft/relaymsg": entry.event.nick}
