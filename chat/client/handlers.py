"""What each command of the server does to a client's state, and tells.

Sources: Modern IRC, "Client Messages"; IRCv3 server-time, standard-replies,
account-tag, extended-join, invite-notify, labeled-response, and the drafts typing,
reply, react, message-redaction, read-marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chat.client import presence
from chat.client.annotating import REACT, UNREACT, reply_to
from chat.client.events import (
    Answered,
    DeviceInvited,
    Disconnected,
    Invited,
    JoinedRoom,
    LeftNetwork,
    LeftRoom,
    Manner,
    ModesChanged,
    Names,
    Reacted,
    ReadUpTo,
    Redacted,
    Refused,
    Renamed,
    Said,
    ServerNotice,
    TopicIs,
    Typing,
)
from chat.client.registration import Effects, Phase, Step
from chat.client.sealing import MODE as ENCRYPTED
from chat.client.secrecy import SecurityNotice
from chat.client.table import Table, account_of, moment_of, sender_of, time_of
from chat.client.text import uttered
from chat.e2e.effects import AttackRefused
from chat.e2e.envelope import TAG
from chat.irc.message import NAME_TAG, Message
from chat.irc.modes import parse_changes

if TYPE_CHECKING:
    from chat.client.state import ClientState

#: Seconds for which somebody types, by what the tag says; "done" is none ("typing", IRCv3).
TYPING = {"active": 6.0, "paused": 30.0}

HANDLERS = Table()
_on = HANDLERS.on


def said(state: ClientState, message: Message, sender: str) -> Effects:
    """Yield what a PRIVMSG or NOTICE of ``sender`` says: nothing for most of CTCP."""
    words = uttered(message)
    if words is None:
        return
    told = _said(state, message, sender, *words)
    if TAG in message.tags:
        yield from state.sealing.opened(message, told, is_past=state.is_past)
    else:
        yield told


def _said(state: ClientState, message: Message, sender: str, manner: Manner, text: str) -> Said:
    """Return a message, as it says without its encryption."""
    target = message.params[0]
    own = state.is_own(sender)
    room = _room(state, target, sender)
    account = account_of(message.tags.get("account", ""))
    if account is not None:
        for member in state.rooms.members(sender):
            member.account = account
        state.sealing.accounts.note(state.rooms, sender, account)
    name = message.tags.get(NAME_TAG) or message.tags.get("label", "") if own else ""
    msgid = message.tags.get("msgid", "")
    return Said(
        room,
        sender,
        text,
        manner,
        own,
        time_of(message),
        name,
        msgid,
        reply_to=reply_to(message.tags),
        account=account,
    )


def _room(state: ClientState, target: str, sender: str) -> str:
    """Return the channel, or with whom it is, of what ``sender`` sent to ``target``."""
    room = state.rooms.isupport.without_status(target)
    is_ours = state.rooms.isupport.is_channel(room) or state.is_own(sender)
    return room if is_ours else sender


@_on("PING", 0)
def _ping(state: ClientState, message: Message) -> Effects:
    yield Message("PONG", message.params[-1:])


@_on("PONG")
def _pong(state: ClientState, message: Message) -> Effects:
    yield Answered(message.text())


@_on("005", 2)
def _isupport(state: ClientState, message: Message) -> Effects:
    state.rooms.isupport = state.rooms.isupport.updated(message.params[1:-1])
    return iter(())


@_on("PRIVMSG", 2)
@_on("NOTICE", 2)
def _message(state: ClientState, message: Message) -> Effects:
    sender = sender_of(message)
    from_server = "!" not in (message.source or "") and ("." in sender or not sender)
    if message.command == "NOTICE" and (state.phase is not Phase.ONLINE or from_server):
        yield ServerNotice(message.text())
    else:
        yield from said(state, message, sender)


@_on("TAGMSG")
def _tags(state: ClientState, message: Message) -> Effects:
    tags, sender = message.tags, sender_of(message)
    room, own = _room(state, message.params[0], sender), state.is_own(sender)
    if "+typing" in tags and not own:
        yield Typing(room, sender, TYPING.get(tags["+typing"], 0.0))
    if TAG in tags:
        told = _said(state, message, sender, Manner.MESSAGE, "")
        yield from state.sealing.opened(message, told, is_past=state.is_past)
        return
    about = reply_to(message.tags)
    for tag, removed in ((REACT, False), (UNREACT, True)):
        is_refused = not state.is_past and state.sealing.protection(room).is_encrypted
        if about and tags.get(tag) and is_refused:
            reason = "a reaction that is not encrypted was refused"
            yield SecurityNotice(AttackRefused(f"{room}, from {sender}", reason))
        elif about and tags.get(tag):
            yield Reacted(room, sender, tags[tag], about, removed, own, time_of(message))


@_on("REDACT", 2)
def _redact(state: ClientState, message: Message) -> Effects:
    target, msgid = message.params[:2]
    by = sender_of(message)
    reason = message.params[2] if len(message.params) > 2 else ""
    sealed, seal = state.sealing.reason(msgid, message.tags.get("account"))
    room = _room(state, target, by)
    yield Redacted(room, by, msgid, sealed or reason, time_of(message), seal=seal)


@_on("MARKREAD", 2)
def _read(state: ClientState, message: Message) -> Effects:
    room, time = message.params[0], moment_of(message.params[1].removeprefix("timestamp="))
    yield ReadUpTo(room, time)
    yield from state.markers.told(room, time)


@_on("JOIN")
def _join(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], sender_of(message)
    own = state.is_own(nick)
    if own:
        state.source = message.source or ""
        state.enter(name)
    # extended-join: the account, and the realname, follow.
    account = account_of(message.params[1]) if len(message.params) > 2 else None
    state.rooms.add(name, nick, account)
    yield JoinedRoom(name, nick, own, time_of(message))
    if own:
        yield from state.sealing.joined(name)
        state.presence.joined(name)
        yield from state.history.joined(name)


@_on("PART")
def _part(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], sender_of(message)
    reason = message.params[1] if len(message.params) > 1 else ""
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, None, time_of(message)))


@_on("KICK", 2)
def _kick(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[:2]
    reason = message.params[2] if len(message.params) > 2 else ""
    by = sender_of(message)
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, by, time_of(message)))


def _leave(state: ClientState, event: LeftRoom) -> LeftRoom:
    if event.own:
        state.leave(event.room)
    else:
        state.rooms.remove(event.room, event.nick)
    return event


@_on("QUIT", 0)
def _quit(state: ClientState, message: Message) -> Effects:
    nick = sender_of(message)
    rooms = state.rooms.remove_everywhere(nick)
    yield LeftNetwork(nick, rooms, message.text(), time_of(message))


@_on("NICK")
def _nick(state: ClientState, message: Message) -> Effects:
    old, new = sender_of(message), message.params[0]
    own = state.is_own(old)
    state.rooms.rename(old, new)
    if own:
        state.registration.nick = new
        state.source = new + state.source[len(old) :] if state.source else ""
    yield Renamed(old, new, own, time_of(message))


@_on("TOPIC", 2)
def _topic(state: ClientState, message: Message) -> Effects:
    name, topic = message.params[:2]
    yield _set_topic(state, TopicIs(name, topic, sender_of(message), time_of(message)))


@_on("332", 3)
def _topic_is(state: ClientState, message: Message) -> Effects:
    yield _set_topic(state, TopicIs(message.params[1], message.params[2]))


@_on("331", 2)
def _no_topic(state: ClientState, message: Message) -> Effects:
    yield _set_topic(state, TopicIs(message.params[1], ""))


def _set_topic(state: ClientState, event: TopicIs) -> TopicIs:
    room = state.rooms.get(event.room)
    if room is not None:
        room.topic = event.topic
    return event


@_on("353", 4)
def _names(state: ClientState, message: Message) -> Effects:
    state.rooms.listing(message.params[2]).extend(message.text().split())
    return iter(())


@_on("366", 2)
def _end_of_names(state: ClientState, message: Message) -> Effects:
    yield Names(message.params[1], state.rooms.listed(message.params[1]))
    if state.has(presence.CAPABILITY):
        yield from state.presence.listed(message.params[1])


@_on("MODE", 2)
def _mode(state: ClientState, message: Message) -> Effects:
    target, *words = message.params
    room = state.rooms.get(target)
    if room is not None:
        room.change_modes(words, state.rooms.isupport)
        for change in parse_changes(tuple(words), state.rooms.isupport.mode_kinds):
            if change.letter == ENCRYPTED:
                yield from state.sealing.mode(target, encrypted=change.adding)
    yield ModesChanged(target, sender_of(message), " ".join(words), time_of(message))


@_on("324", 3)
def _modes_are(state: ClientState, message: Message) -> Effects:
    room, letters = message.params[1:3]
    was_asked = state.sealing.asked_modes(room)
    if state.rooms.get(room) is not None:
        yield from state.sealing.mode(room, encrypted=ENCRYPTED in letters)
    if not was_asked:
        yield ServerNotice(f"{room} has modes {' '.join(message.params[2:])}")


@_on("INVITE", 2)
def _invite(state: ClientState, message: Message) -> Effects:
    nick, name = message.params[:2]
    by, room = sender_of(message), state.rooms.get(name)
    folded = state.rooms.isupport.fold(nick)
    if room is not None and state.is_own(by) and folded in room.invited:
        room.invited.remove(folded)  # invite-notify: the answer has told it
    else:
        yield Invited(name, nick, by)


@_on("341", 3)
def _inviting(state: ClientState, message: Message) -> Effects:
    _, nick, name = message.params[:3]
    room = state.rooms.get(name)
    if room is not None and state.has("invite-notify"):
        room.invited.add(state.rooms.isupport.fold(nick))
    yield Invited(name, nick, "")


@_on("ERROR", 0)
def _error(state: ClientState, message: Message) -> Effects:
    state.registration.advance(Step.LOST)
    yield Disconnected(message.text())


@_on("FAIL", 3)
def _fail(state: ClientState, message: Message) -> Effects:
    if message.params[0] == "CHATHISTORY" and state.requests.are_open:
        return  # it goes on without what the server does not have
    if message.params[0] == "E2E":
        return  # the engine deals with it
    if message.params[0] == "MARKREAD":
        yield from state.markers.refused(message.params[2:-1])
        return  # nobody asked for it
    # Nobody knows a message by its msgid.
    context = message.params[2:3] if message.params[0] == "REDACT" else message.params[2:-1]
    # One part of several is refused: none stands for the message.
    label = message.tags.get("label", "").partition("/")[0]
    text = message.text()
    if message.params[1] == "E2E_REQUIRED" and state.sealing.why_not:
        text = f"{text}: {state.sealing.why_not}"
    yield Refused(message.params[1], context, text, label)


@_on("ACK", 0)
def _acknowledged(state: ClientState, message: Message) -> Effects:
    """Say what a server does not: it answers a message with an echo, and this was none."""
    label = message.tags.get("label", "")
    if label and state.answers.echoes:
        yield Refused("ACK", (), "the server did not take it, and does not say why", label)


@_on("WARN", 3)
@_on("NOTE", 3)
def _note(state: ClientState, message: Message) -> Effects:
    if message.params[1] == "INVITED" and len(message.params) == 5:
        yield DeviceInvited(*message.params[2:])
        return
    yield ServerNotice(message.text())
