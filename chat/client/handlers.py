"""What each command of the server does to a client's state, and tells.

Sources: Modern IRC, "Client Messages"; IRCv3 server-time, standard-replies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from chat.client.events import (
    Answered,
    DeviceInvited,
    Disconnected,
    Invited,
    JoinedRoom,
    LeftNetwork,
    LeftRoom,
    ModesChanged,
    Names,
    Refused,
    Renamed,
    Said,
    ServerNotice,
    TopicIs,
)
from chat.client.registration import Effects, Phase, Step
from chat.client.text import uttered
from chat.irc.message import NAME_TAG, Message

if TYPE_CHECKING:
    from chat.client.state import ClientState

Handler = Callable[["ClientState", Message], Effects]
#: By command: how many parameters it has at least, and what deals with it.
HANDLERS: dict[str, tuple[int, Handler]] = {}


def _on(command: str, parameters: int = 1) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        HANDLERS[command] = (parameters, handler)
        return handler

    return register


def said(state: ClientState, message: Message, sender: str) -> Iterator[Said]:
    """Yield what a PRIVMSG or NOTICE of ``sender`` says: nothing for most of CTCP."""
    words = uttered(message)
    if words is None:
        return
    manner, text = words
    target = message.params[0]
    own = state.is_own(sender)
    room = state.rooms.isupport.without_status(target)
    if not state.rooms.isupport.is_channel(room) and not own:
        room = sender
    name = message.tags.get(NAME_TAG) or message.tags.get("label", "") if own else ""
    msgid = message.tags.get("msgid", "")
    yield Said(room, sender, text, manner, own, time_of(message), name, msgid)


def _sender(message: Message) -> str:
    return (message.source or "").partition("!")[0]


def time_of(message: Message) -> datetime | None:
    """Return the server-time of a message."""
    try:
        return datetime.fromisoformat(message.tags.get("time", ""))
    except ValueError:
        return None


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
    sender = _sender(message)
    from_server = "!" not in (message.source or "") and ("." in sender or not sender)
    if message.command == "NOTICE" and (state.phase is not Phase.ONLINE or from_server):
        yield ServerNotice(message.text())
    else:
        yield from said(state, message, sender)


@_on("JOIN")
def _join(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], _sender(message)
    own = state.is_own(nick)
    if own:
        state.source = message.source or ""
        state.enter(name)
    state.rooms.add(name, nick)
    yield JoinedRoom(name, nick, own, time_of(message))
    if own:
        yield from state.history.joined(name)


@_on("PART")
def _part(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[0], _sender(message)
    reason = message.params[1] if len(message.params) > 1 else ""
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, None, time_of(message)))


@_on("KICK", 2)
def _kick(state: ClientState, message: Message) -> Effects:
    name, nick = message.params[:2]
    reason = message.params[2] if len(message.params) > 2 else ""
    by = _sender(message)
    yield _leave(state, LeftRoom(name, nick, state.is_own(nick), reason, by, time_of(message)))


def _leave(state: ClientState, event: LeftRoom) -> LeftRoom:
    if event.own:
        state.leave(event.room)
    else:
        state.rooms.remove(event.room, event.nick)
    return event


@_on("QUIT", 0)
def _quit(state: ClientState, message: Message) -> Effects:
    nick = _sender(message)
    rooms = state.rooms.remove_everywhere(nick)
    yield LeftNetwork(nick, rooms, message.text(), time_of(message))


@_on("NICK")
def _nick(state: ClientState, message: Message) -> Effects:
    old, new = _sender(message), message.params[0]
    own = state.is_own(old)
    state.rooms.rename(old, new)
    if own:
        state.registration.nick = new
        state.source = new + state.source[len(old) :] if state.source else ""
    yield Renamed(old, new, own, time_of(message))


@_on("TOPIC", 2)
def _topic(state: ClientState, message: Message) -> Effects:
    name, topic = message.params[:2]
    yield _set_topic(state, TopicIs(name, topic, _sender(message), time_of(message)))


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


@_on("MODE", 2)
def _mode(state: ClientState, message: Message) -> Effects:
    target, *words = message.params
    room = state.rooms.get(target)
    if room is not None:
        room.change_modes(words, state.rooms.isupport)
    yield ModesChanged(target, _sender(message), " ".join(words), time_of(message))


@_on("INVITE", 2)
def _invite(state: ClientState, message: Message) -> Effects:
    yield Invited(message.params[1], message.params[0], _sender(message))


@_on("ERROR", 0)
def _error(state: ClientState, message: Message) -> Effects:
    state.registration.advance(Step.LOST)
    yield Disconnected(message.text())


@_on("FAIL", 3)
def _fail(state: ClientState, message: Message) -> Effects:
    if message.params[0] == "CHATHISTORY" and state.history.is_asking:
        return  # it goes on without what the server does not have
    label = message.tags.get("label", "")
    yield Refused(message.params[1], message.params[2:-1], message.text(), label)


@_on("WARN", 3)
@_on("NOTE", 3)
def _note(state: ClientState, message: Message) -> Effects:
    if message.params[1] == "INVITED" and len(message.params) == 5:
        yield DeviceInvited(*message.params[2:])
        return
    yield ServerNotice(message.text())
